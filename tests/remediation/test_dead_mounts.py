"""A mount that answers nobody, inside a folder that is cleaned, holds up nobody."""

import threading
from pathlib import Path

import pytest

from remediation import folder
from remediation.clutter import clutter_of
from remediation.folder import OtherMount, holding, inside
from remediation.outcome import Result
from remediation.sweep import Spared, standing
from tests.remediation.litter import (
    action_on,
    area_of,
    cleaned,
    dead,
    in_time,
    listed,
    needs_root,
    old,
)

pytestmark = needs_root


def test_the_dead_mount_is_one(tmp_path: Path) -> None:
    """What the other tests rest on: whoever asks it hangs until it is let go."""
    with dead(tmp_path / "remote") as remote:
        asks = threading.Thread(target=_asks, args=(remote,), daemon=True)
        asks.start()
        asks.join(0.5)
        assert asks.is_alive()
    asks.join(10)
    assert not asks.is_alive()


def _asks(remote: Path) -> None:
    try:
        remote.stat()
    except OSError:
        return


def test_a_listing_passes_a_dead_mount(tmp_path: Path) -> None:
    old(tmp_path / "a.gz")
    with dead(tmp_path / "in" / "remote"):
        clutter = in_time(lambda: clutter_of(area_of(tmp_path)))
    assert [file.path for file in clutter.files] == ["a.gz"]
    assert clutter.spared == (("on another mount", 1),)


def test_what_lay_below_a_dead_mount_stays_and_the_rest_goes(tmp_path: Path) -> None:
    kept = old(tmp_path / "remote" / "b.gz")
    old(tmp_path / "a.gz")
    area = area_of(tmp_path)
    action = action_on(area)
    with dead(tmp_path / "remote"):
        seen = in_time(lambda: standing(area.folder, action.files))
        outcome = in_time(lambda: cleaned(area, action))
    assert sorted(map(str, seen.values())) == ["None", Spared.OTHER_MOUNT]
    assert outcome.result is Result.DONE
    assert f"Left: 1 {Spared.OTHER_MOUNT}" in outcome.summary
    assert kept.exists()


def test_a_file_that_is_a_mount_point_is_not_asked(tmp_path: Path) -> None:
    old(tmp_path / "a.gz")
    (file,) = listed(area_of(tmp_path))
    (tmp_path / "a.gz").unlink()
    with dead(tmp_path / "a.gz"):
        clutter = in_time(lambda: clutter_of(area_of(tmp_path)))
        seen = in_time(lambda: standing(str(tmp_path), (file,)))
    assert clutter.spared == (("on another mount", 1),)
    assert seen == {file: Spared.OTHER_MOUNT}


def test_a_mount_that_no_list_has_yet_is_known_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came after the list was read: it is opened, and then asked for nothing."""
    monkeypatch.setattr(folder, "_points", frozenset)

    def enters() -> str:
        with holding(str(tmp_path)) as top:
            try:
                with inside(top, ["remote"]):
                    return "entered"
            except OtherMount:
                return "left"

    with dead(tmp_path / "remote"):
        assert in_time(enters) == "left"
