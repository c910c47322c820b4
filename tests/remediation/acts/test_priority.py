import os
from dataclasses import replace
from pathlib import Path

import pytest

from remediation.action import LowerPriority, RestorePriority
from remediation.acts import renice
from remediation.acts.process import perform
from remediation.attempt import Attempt
from remediation.outcome import Outcome, Result, Seen
from remediation.target import procfs
from tests.remediation.victims import (
    DROP,
    HOST,
    LEADER_ENDS,
    SLEEPS,
    TWO_THREADS,
    agrees,
    as_root,
    facts_of,
    now,
    running,
    silent,
    told_by_nobody,
    until,
)


def _lower(pid: int, nice: int = 10) -> LowerPriority:
    facts = facts_of(pid)
    return LowerPriority(
        host=HOST, process=facts.identity, label=facts.label, nice=nice
    )


def _act(action: LowerPriority | RestorePriority) -> Outcome:
    return perform(action, recheck=agrees, progress=silent, now=now)


def _nices(pid: int) -> list[int]:
    return [procfs.stat(pid, thread).nice for thread in procfs.threads(pid)]


def test_every_thread_gets_the_lower_priority(tmp_path: Path) -> None:
    with running(TWO_THREADS, tmp_path) as victim:
        former = facts_of(victim.pid).nice
        outcome = _act(_lower(victim.pid))
        nices = _nices(victim.pid)

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.RUNNING)
    assert outcome.undo_nice == former
    assert nices == [10, 10]
    assert outcome.summary.endswith(f"has nice 10 instead of {former} in 2 threads")


def test_the_former_priority_comes_back(tmp_path: Path) -> None:
    if not as_root:
        pytest.skip("needs CAP_SYS_NICE")
    with running(TWO_THREADS, tmp_path) as victim:
        lower = _lower(victim.pid)
        undo = _act(lower).undo_nice
        assert undo is not None
        restore = RestorePriority(
            host=HOST, process=lower.process, label=lower.label, nice=undo
        )
        outcome = _act(restore)
        nices = _nices(victim.pid)

    assert (outcome.result, outcome.undo_nice) == (Result.DONE, None)
    assert nices == [undo, undo]


def test_without_the_privilege_the_priority_stays_and_this_is_said(
    tmp_path: Path,
) -> None:
    code = (
        "from remediation.action import RestorePriority\n"
        "from remediation.target.facts import FactReader\n"
        "from remediation.acts.process import perform\n"
        "from datetime import datetime, UTC\n"
        f"{DROP}\n"
        "import subprocess, time\n"
        "os.nice(5); child = subprocess.Popen(['/bin/sleep', '9']); time.sleep(0.3)\n"
        "facts = FactReader('h').read(child.pid)\n"
        "action = RestorePriority(host='h', process=facts.identity, label='x', nice=0)\n"
        "print(perform(action, recheck=lambda f: None, progress=lambda t: None,\n"
        "              now=lambda: datetime.now(UTC)).summary)\n"
        "child.kill(); child.wait()"
    )
    with running(SLEEPS, tmp_path) as victim:
        told = told_by_nobody(code, victim.pid)

    assert told.endswith("keeps nice 5: CAP_SYS_NICE is missing\n")


def test_a_priority_that_cannot_be_put_back_is_lowered_and_this_is_said(
    tmp_path: Path,
) -> None:
    code = (
        "from remediation.action import LowerPriority\n"
        "from remediation.target.facts import FactReader\n"
        "from remediation.acts.process import perform\n"
        "from datetime import datetime, UTC\n"
        # Found now: nobody may not be able to read this interpreter's library.
        "import codecs; codecs.lookup('ascii')\n"
        f"{DROP}\n"
        "import resource, subprocess, time\n"
        "resource.setrlimit(resource.RLIMIT_NICE, (0, 0))\n"
        "child = subprocess.Popen(['/bin/sleep', '9']); time.sleep(0.3)\n"
        "facts = FactReader('h').read(child.pid)\n"
        "action = LowerPriority(host='h', process=facts.identity, label='x', nice=7)\n"
        "print(perform(action, recheck=lambda f: None, progress=lambda t: None,\n"
        "              now=lambda: datetime.now(UTC)).summary)\n"
        "child.kill(); child.wait()"
    )
    with running(SLEEPS, tmp_path) as victim:
        told = told_by_nobody(code, victim.pid)

    assert "has nice 7 instead of 0 in 1 threads" in told
    assert told.endswith("CAP_SYS_NICE is missing to put it back\n")


def test_a_priority_that_is_low_already_is_left_alone(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        os.setpriority(os.PRIO_PROCESS, victim.pid, 15)
        outcome = _act(_lower(victim.pid))

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.RUNNING)
    assert outcome.summary.endswith("it already has nice 15")


def test_another_process_keeps_its_priority(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        action = _lower(victim.pid)
        stale = replace(action, process=replace(action.process, start_ticks=1))
        outcome = _act(stale)
        nices = _nices(victim.pid)

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.CHANGED)
    assert nices == [os.getpriority(os.PRIO_PROCESS, 0)]


def test_words_of_policy_or_lock_refuse(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        outcome = perform(
            _lower(victim.pid), recheck=lambda _: "locked", progress=silent, now=now
        )

    assert outcome.result is Result.REFUSED


def test_a_process_that_exits_meanwhile_is_not_called_done(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:

        def ends(_: str) -> None:
            victim.kill()
            until(lambda: not Path(f"/proc/{victim.pid}").exists())

        outcome = perform(_lower(victim.pid), recheck=agrees, progress=ends, now=now)

    assert (outcome.result, outcome.seen) == (Result.FAILED, Seen.EXITED)
    assert outcome.summary.endswith("exited while its priority was changed")


def test_threads_that_live_on_without_their_leader_are_reniced(tmp_path: Path) -> None:
    with running(LEADER_ENDS, tmp_path) as victim:
        until(lambda: procfs.stat(victim.pid).state == "Z")
        outcome = _act(_lower(victim.pid))

    assert outcome.result is Result.DONE


def test_a_stranger_who_got_the_number_gets_its_priority_back(tmp_path: Path) -> None:
    """The stranger's nice is its parent's again; what nobody hit is not touched."""
    if not as_root:
        pytest.skip("needs CAP_SYS_NICE")
    told: list[str] = []
    attempt = Attempt(recheck=agrees, progress=told.append, now=now)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with running(SLEEPS, tmp_path) as stranger:
        os.setpriority(os.PRIO_PROCESS, stranger.pid, 10)
        renice.give_back(stranger.pid, 11, attempt)
        assert _nices(stranger.pid) == [10]

        renice.give_back(stranger.pid, 10, attempt)
        assert _nices(stranger.pid) == [own]

    renice.give_back(2**22 + 1, 10, attempt)
    renice.set_one(os.getpid(), 2**22 + 1, 10, attempt)
    assert told == [
        f"pid {stranger.pid} is another process now; it has nice {own} again"
    ]


def test_a_stranger_who_cannot_be_put_right_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    attempt = Attempt(recheck=agrees, progress=told.append, now=now)

    def refuses(*_: int) -> None:
        raise PermissionError

    with running(SLEEPS, tmp_path) as stranger:
        os.setpriority(os.PRIO_PROCESS, stranger.pid, 10)
        monkeypatch.setattr(os, "setpriority", refuses)
        renice.give_back(stranger.pid, 10, attempt)

    assert told == [
        f"pid {stranger.pid} is another process now and was left with nice 10"
    ]


def test_a_kernel_that_does_not_permit_it_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: int) -> None:
        raise PermissionError

    with running(SLEEPS, tmp_path) as victim:
        monkeypatch.setattr(os, "setpriority", refuses)
        outcome = _act(_lower(victim.pid))

    assert (outcome.result, outcome.undo_nice) == (Result.FAILED, None)


def test_threads_that_kept_their_priority_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgets(*_: int) -> None:
        return

    with running(TWO_THREADS, tmp_path) as victim:
        monkeypatch.setattr(os, "setpriority", forgets)
        outcome = _act(_lower(victim.pid))

    assert outcome.result is Result.FAILED
    assert outcome.summary.endswith("2 others have not")


def test_a_thread_that_ends_in_that_instant_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ended(*_: int) -> None:
        raise ProcessLookupError

    told: list[str] = []
    attempt = Attempt(recheck=agrees, progress=told.append, now=now)
    monkeypatch.setattr(os, "setpriority", ended)

    renice.set_one(os.getpid(), os.getpid(), 10, attempt)

    assert told == []
