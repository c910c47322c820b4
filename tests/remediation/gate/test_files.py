"""Files that only root may delete go through the gate, by its own list and its own look."""

import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remediation.acts import sweep
from remediation.acts.clean import _batches
from remediation.acts.folder_lock import NotPermitted
from remediation.attempt import Recheck
from remediation.gate.acts import Caller, answer
from remediation.gate.client import _left
from remediation.gate.fields import LONGEST_LINE
from remediation.gate.folders import BadFolders, areas
from remediation.gate.request import Answer, CleanOut, Verdict, encode_request, parse
from remediation.gate.rules import read_list
from remediation.outcome import Outcome, Result, Seen
from remediation.target.area import FileIdentity, Spared
from remediation.target.identity import boot_id
from remediation.target.privilege import Gate, Unanswered
from tests.fakes.gate import FakeGate
from tests.remediation.acts.litter import action_on, area_of, cleaned, listed, old
from tests.remediation.gate.gates import (
    NOBODY_OWN,
    PEER_UID,
    Stage,
    as_user,
    needs_root,
    open_folder,
    refused,
    serving,
)
from tests.remediation.victims import until

pytestmark = needs_root


@pytest.fixture
def logs() -> Iterator[Path]:
    with open_folder() as folder:
        (folder / "in").mkdir(mode=0o755)
        yield folder


@pytest.fixture
def stage(logs: Path) -> Iterator[Stage]:
    with serving() as running:
        running.allow(folders={str(logs): listing()})
        yield running


def listing(**changes: object) -> dict[str, object]:
    fields = {"files": ["*.gz"], "older_than_days": 7, "untouched_hours": 0, "depth": 1}
    return {**fields, **changes}


def by_the_bot(
    logs: Path, gate: Gate | None, *, recheck: Recheck = lambda _: None
) -> Outcome:
    """The bot's own user tries, and asks the gate for what it may not."""
    area = area_of(logs)
    action = action_on(area)
    with as_user(PEER_UID):
        return cleaned(area, action, gate=gate, recheck=recheck)


def asked(logs: Path, files: tuple[FileIdentity, ...]) -> bytes:
    request = CleanOut(boot_id=boot_id(), folder=str(logs), files=files)
    return encode_request(request)


def test_what_only_root_may_delete_goes_and_the_log_names_it(
    logs: Path, stage: Stage
) -> None:
    old(logs / "a.gz")
    old(logs / "in" / "b.gz")
    outcome = by_the_bot(logs, stage.client())

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.CLEANED)
    assert "Deleted 2 of 2 files (2.0 KB)" in outcome.summary
    assert not list(logs.rglob("*.gz"))
    (line,) = stage.told
    assert line["verdict"] == "done"
    assert line["what"] == f"delete in {logs}: a.gz, in/b.gz"


def test_what_the_bot_may_delete_itself_asks_nobody(logs: Path) -> None:
    gate = FakeGate()
    mine = logs / "mine"
    mine.mkdir()
    os.chown(old(mine / "a.gz"), PEER_UID, -1)
    os.chown(mine, PEER_UID, -1)
    old(logs / "b.gz")
    outcome = by_the_bot(logs, gate)

    assert gate.asked == [("clean 1", str(logs))]
    assert "Deleted 2 of 2 files" in outcome.summary
    assert (logs / "b.gz").exists() and not (mine / "a.gz").exists()


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ({}, "the gate's list does not allow to clean this folder"),
        ({"files": ["*.xz"]}, f"1 {Spared.NOT_LISTED}"),
        ({"older_than_days": 60}, f"1 {Spared.YOUNG}"),
        ({"untouched_hours": 1}, f"1 {Spared.YOUNG}"),
        ({"depth": 0}, f"1 {Spared.NOT_LISTED}"),
    ],
)
def test_the_gates_own_list_counts(
    logs: Path, stage: Stage, folders: dict[str, object], words: str
) -> None:
    file = old(logs / "in" / "a.gz")
    stage.allow(folders={str(logs): listing(**folders)} if folders else {})
    outcome = by_the_bot(logs, stage.client())

    assert outcome.result is Result.REFUSED
    assert words in outcome.summary
    assert file.exists()


def test_the_gate_looks_for_itself(logs: Path, stage: Stage) -> None:
    for name in ("changed", "used", "gone", "well"):
        old(logs / f"{name}.gz")
    files = listed(area_of(logs))
    old(logs / "changed.gz", 7)
    (logs / "gone.gz").unlink()
    with (logs / "used.gz").open("rb"):
        said = stage.say(asked(logs, files))[-1]

    assert said["verdict"] == "done"
    assert said["seen"] == {
        "left": {
            "changed.gz": Spared.CHANGED,
            "gone.gz": Spared.GONE,
            "used.gz": Spared.IN_USE,
        }
    }
    assert sorted(path.name for path in logs.glob("*.gz")) == ["changed.gz", "used.gz"]
    assert f"used.gz: {Spared.IN_USE}" in stage.told[-1]["reason"]


def test_no_link_leads_the_gate_elsewhere(logs: Path, stage: Stage) -> None:
    with open_folder() as elsewhere:
        old(elsewhere / "a.gz")
        (file,) = listed(area_of(elsewhere))
        (logs / "in").rmdir()
        (logs / "in").symlink_to(elsewhere)
        linked = FileIdentity(
            path="in/a.gz",
            device=file.device,
            inode=file.inode,
            size=file.size,
            mtime_ns=file.mtime_ns,
            ctime_ns=file.ctime_ns,
        )
        said = stage.say(asked(logs, (linked,)))[-1]

        assert said["seen"] == {"left": {"in/a.gz": Spared.CHANGED}}
        assert (elsewhere / "a.gz").exists()


@pytest.mark.parametrize("path", ["../a.gz", "/a.gz", "in/../../a.gz", "in//a.gz", ""])
def test_a_path_out_of_the_folder_is_no_request(
    logs: Path, stage: Stage, path: str
) -> None:
    file = FileIdentity(path=path, device=1, inode=1, size=1, mtime_ns=1, ctime_ns=1)
    assert refused(stage.say(asked(logs, (file,)))).startswith("gate.request: path:")


def test_another_boot_is_refused(logs: Path, stage: Stage) -> None:
    old(logs / "a.gz")
    request = CleanOut(boot_id="0" * 36, folder=str(logs), files=listed(area_of(logs)))
    assert "booted since" in refused(stage.say(encode_request(request)))
    assert (logs / "a.gz").exists()


def test_nothing_goes_for_somebody_who_has_given_up(logs: Path, stage: Stage) -> None:
    old(logs / "a.gz")
    gone = Caller(name="x", cgroup=None, waits=lambda: False)
    request = parse(asked(logs, listed(area_of(logs))))
    given = answer(request, gone, allowed=read_list(stage.list_path), own=NOBODY_OWN)

    assert given.seen == {"left": {"a.gz": Spared.HALTED}}
    assert (logs / "a.gz").exists()


def test_a_lock_between_two_batches_leaves_the_rest(logs: Path, stage: Stage) -> None:
    for number in range(120):
        old(logs / f"{number:03}.gz")
    stops = iter([None] * (1 + 120 + 1))  # the first look, each own try, one batch
    outcome = by_the_bot(
        logs, stage.client(), recheck=lambda _: next(stops, "the bot was locked: why")
    )

    assert outcome.result is Result.INTERRUPTED
    assert outcome.summary.endswith("Deleted before: 50 of 120 files (50 KB)")
    assert len(list(logs.glob("*.gz"))) == 70


def test_a_lock_stops_the_gate_within_a_batch(
    logs: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file system is slow here; it goes no further than the file it is at."""
    for number in range(50):
        old(logs / f"{number:03}.gz")
    removed = sweep.Sweep.remove
    locked = threading.Event()

    def slowly(self: sweep.Sweep, file: FileIdentity) -> Spared | None:
        if os.geteuid() != 0:
            raise NotPermitted
        locked.set()
        time.sleep(0.2)
        return removed(self, file)

    monkeypatch.setattr(sweep.Sweep, "remove", slowly)
    outcome = by_the_bot(
        logs,
        stage.client(),
        recheck=lambda _: "the bot was locked: why" if locked.is_set() else None,
    )
    said = re.search(r"that the gate was at (\d+) are gone, or one", outcome.summary)
    assert until(lambda: bool(stage.told))
    gone = 50 - len(list(logs.glob("*.gz")))
    print(f"of 50 files {gone} were gone when the lock had been heard of")

    assert said and int(said[1]) <= gone <= int(said[1]) + 1
    assert gone < 10
    assert (outcome.result, outcome.seen) == (Result.INTERRUPTED, Seen.UNKNOWN)
    assert "the bot was locked: why. Deleted before: 0 of 50 files" in outcome.summary


def test_without_a_gate_it_is_said_what_is_missing(logs: Path) -> None:
    old(logs / "a.gz")
    outcome = by_the_bot(logs, None)
    assert outcome.result is Result.REFUSED
    assert outcome.summary.endswith(
        "Left: 1 not permitted (the bot's own user may not delete them, and there is "
        "no gate)"
    )


def test_an_answer_that_got_lost_is_not_asked_for_again(logs: Path) -> None:
    for number in range(60):
        old(logs / f"{number}.gz")
    gate = FakeGate(failure=Unanswered("the gate's answer was lost"))
    outcome = by_the_bot(logs, gate)
    assert outcome.result is Result.INTERRUPTED
    assert "whether its last files are gone is not known" in outcome.summary
    assert len(gate.asked) == 1


@pytest.mark.parametrize(
    "left", [None, [], {"b.gz": "in use"}, {"a.gz": "who knows"}, {"a.gz": 1}]
)
def test_an_answer_about_other_files_or_reasons_is_none(left: object) -> None:
    file = FileIdentity(path="a.gz", device=1, inode=1, size=1, mtime_ns=1, ctime_ns=1)
    with pytest.raises(Unanswered, match="unreadable"):
        _left(Answer(verdict=Verdict.DONE, seen={"left": left}), [file])


def test_every_batch_fits_one_line() -> None:
    for length in (1, 250, 1000):
        path = "/".join('"' * min(length, 249) for _ in range(max(length // 250, 1)))
        file = FileIdentity(
            path=path,
            device=2**64,
            inode=2**64,
            size=2**63,
            mtime_ns=2**63,
            ctime_ns=2**63,
        )
        batches = list(_batches([file] * 500))
        assert sum(map(len, batches)) == 500
        for batch in batches:
            line = asked(Path("/" + "d" * 900), tuple(batch))
            assert len(line) <= LONGEST_LINE
            assert len(batch) <= 50


@pytest.mark.parametrize(
    "folders",
    [
        [],
        {"/etc": {"files": ["*.gz"], "older_than_days": 7}},
        {"/var/log": []},
        {"/var/log": {"files": ["*.gz"]}},
        {"/var/log": {"files": [], "older_than_days": 7}},
        {"/var/log": {"files": ["*"], "older_than_days": 7}},
        {"/var/log": {"files": "*.gz", "older_than_days": 7}},
        {"/var/log": {"files": ["*.gz"], "older_than_days": 0}},
        {"/var/log": {"files": ["*.gz"], "older_than_days": True}},
        {"/var/log": {"files": ["*.gz"], "older_than_days": 7, "depth": 99}},
        {"/var/log": {"files": ["*.gz"], "older_than_days": 7, "untouched_hours": -1}},
        {"/var/log": {"files": ["*.gz"], "older_than_days": 7, "lock": "x"}},
    ],
)
def test_a_list_of_folders_that_is_none(folders: Any) -> None:
    with pytest.raises(BadFolders):
        areas(folders)


def test_a_bad_folder_closes_the_whole_gate(logs: Path, stage: Stage) -> None:
    old(logs / "a.gz")
    stage.allow(folders={"/etc": listing()})
    reason = refused(stage.say(asked(logs, listed(area_of(logs)))))
    assert "nothing at or below /etc is ever cleaned" in reason


def test_a_batch_through_the_gate_takes_milliseconds(logs: Path, stage: Stage) -> None:
    for number in range(50):
        old(logs / f"{number}.gz")
    began = time.perf_counter()
    answers = stage.say(asked(logs, listed(area_of(logs))))
    print(f"50 files through the gate: {(time.perf_counter() - began) * 1000:.0f} ms")
    assert answers[-1]["seen"] == {"left": {}}


def test_a_lock_that_only_root_may_take_leaves_all_to_the_gate(
    logs: Path, stage: Stage
) -> None:
    old(logs / "a.gz")
    (logs / "lock").touch(mode=0o600)
    area = area_of(logs)
    action = action_on(area)
    with as_user(PEER_UID):
        locks = {str(logs): "lock"}
        outcome = cleaned(area, action, gate=stage.client(), locks=locks)
    assert outcome.result is Result.DONE
    assert stage.told[-1]["what"] == f"delete in {logs}: a.gz"


def test_a_folder_that_was_closed_since_is_refused_in_words(logs: Path) -> None:
    old(logs / "in" / "a.gz")
    area = area_of(logs / "in")
    action = action_on(area)
    logs.chmod(0o700)
    with as_user(PEER_UID):
        outcome = cleaned(area, action)
    assert outcome.result is Result.REFUSED
    assert "the folder cannot be opened (Permission denied)" in outcome.summary
