"""A mount that answers nobody, inside a folder that is cleaned, holds up nobody."""

import threading
from pathlib import Path

import pytest

from remediation.acts import folder
from remediation.acts.clutter import clutter_of
from remediation.acts.folder import OtherMount, holding, inside
from remediation.acts.sweep import standing
from remediation.gate.request import CleanOut, encode_request
from remediation.ledger.proposal import State
from remediation.outcome import Result
from remediation.target.area import Spared
from remediation.target.identity import boot_id
from tests.fakes.clock import FakeClock
from tests.fakes.services import fleet
from tests.fakes.things import proposal
from tests.remediation.acts.litter import (
    action_on,
    area_of,
    cleaned,
    dead,
    in_time,
    listed,
    needs_root,
    old,
)
from tests.remediation.acts.test_observe import ME, NOBODY, Observer, name
from tests.remediation.gate.gates import refused, serving

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


def test_nothing_is_tried_in_a_folder_that_is_dead_itself(tmp_path: Path) -> None:
    old(tmp_path / "remote" / "a.gz")
    area = area_of(tmp_path / "remote")
    action = action_on(area)
    left = proposal(State.EXECUTING, action, claimed_by=name(NOBODY))
    observer = Observer(ME, fleet=fleet())
    with dead(tmp_path / "remote"):
        outcome = in_time(lambda: cleaned(area, action))
        seen = in_time(lambda: observer.after_crash(left, FakeClock().now()))
    assert outcome.result is Result.REFUSED
    assert "its file system gives no answer" in outcome.summary
    assert seen is not None
    assert seen.summary.endswith("gives no answer")


def test_the_gate_tries_nothing_there_either(tmp_path: Path) -> None:
    folder = tmp_path / "remote"
    old(folder / "a.gz")
    action = action_on(area_of(folder))
    request = CleanOut(boot_id=boot_id(), folder=str(folder), files=action.files)
    with serving() as stage, dead(folder):
        stage.allow(folders={str(folder): {"files": ["*.gz"], "older_than_days": 7}})
        said = in_time(lambda: stage.say(encode_request(request)))
    assert "its file system gives no answer" in refused(said)


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
