"""One instance per state folder, with a name that stays."""

import os
import re
from pathlib import Path

import pytest

from bot.storage.database import Database
from bot.storage.instance import BadState, StateFolder, instance_of


def test_a_second_holder_is_refused(tmp_path: Path) -> None:
    first, second = StateFolder(tmp_path), StateFolder(tmp_path)
    first.hold()
    holder = rf"another Countersign \(pid {os.getpid()}\) runs"
    with pytest.raises(BadState, match=holder):
        second.hold()
    first.release()


def test_what_a_dead_holder_left_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1\n")
    folder = StateFolder(tmp_path)
    folder.hold()
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    folder.release()


def test_a_released_folder_is_free(tmp_path: Path) -> None:
    first, second = StateFolder(tmp_path), StateFolder(tmp_path)
    first.hold()
    first.release()
    second.hold()
    second.release()
    second.release()


def test_the_folder_is_made_for_this_user_only(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "state"
    StateFolder(folder).prepare()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadState, match="COUNTERSIGN_STATE_DIR"):
        StateFolder(tmp_path / "file" / "state").hold()


def test_an_instance_keeps_its_name(database: Database) -> None:
    name = instance_of(database, "web-1")
    assert re.fullmatch(r"web-1~[0-9a-f]{6}", name)
    assert instance_of(database, "renamed") == name
