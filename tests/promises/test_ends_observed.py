"""Promise 15: how an action ended is what was seen of the process, not what was hoped."""

import os
import signal
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from remediation.action import LowerPriority, Terminate
from remediation.acts.process import perform
from remediation.outcome import Outcome, Result, Seen
from tests.remediation.victims import (
    IGNORES_SIGTERM,
    SLEEPS,
    agrees,
    facts_of,
    now,
    running,
    silent,
    state,
    until,
)

pytestmark = pytest.mark.promise(15)

EXECUTES = (
    "import os, signal, sys, time\n"
    "def anew(*_): os.execv(sys.executable, [sys.executable, '-c', "
    "'import time; time.sleep(60)'])\n"
    "signal.signal(signal.SIGTERM, anew)\n"
    "print('ready', flush=True)\n"
    "while True: time.sleep(0.05)\n"
)
Spoil = Callable[[int], object]
Case = tuple[str, str, bool, Spoil, tuple[Result, Seen]]


def nothing(_: int) -> None:
    """Let it be."""


def killed(pid: int) -> None:
    """End it between the approval and the act; its parent reaps it."""
    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    until(lambda: not Path(f"/proc/{pid}").exists())


def left_behind(pid: int) -> None:
    """End it between the approval and the act; nobody reaps it."""
    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    until(lambda: state(pid) == "Z")


CASES: tuple[Case, ...] = (
    ("it obeys", SLEEPS, True, nothing, (Result.DONE, Seen.EXITED)),
    ("it ignores SIGTERM", IGNORES_SIGTERM, True, nothing, (Result.DONE, Seen.EXITED)),
    ("nobody reaps it", SLEEPS, False, nothing, (Result.DONE, Seen.ZOMBIE)),
    ("it ended before", SLEEPS, True, killed, (Result.REFUSED, Seen.EXITED)),
    ("a zombie before", SLEEPS, False, left_behind, (Result.REFUSED, Seen.ZOMBIE)),
    ("it executes anew", EXECUTES, True, nothing, (Result.FAILED, Seen.CHANGED)),
)


def ended(
    code: str, folder: Path, *, reaped: bool, spoil: Spoil
) -> tuple[int, Outcome]:
    """Approve the end of a real child, spoil it, act; return its pid and the outcome."""
    with running(code, folder, reaped=reaped) as victim:
        facts = facts_of(victim.pid)
        action = Terminate(
            host="web-1",
            process=facts.identity,
            label=facts.label,
            grace=timedelta(seconds=0.3),
        )
        spoil(victim.pid)
        return victim.pid, perform(action, recheck=agrees, progress=silent, now=now)


def test_every_end_is_told_as_it_was(tmp_path: Path, *, full_counts: bool) -> None:
    told, wrong = 0, []
    for number in range(10 if full_counts else 1):
        for name, code, reaped, spoil, expected in CASES:
            folder = tmp_path / f"{number}-{name.replace(' ', '-')}"
            folder.mkdir()
            _, outcome = ended(code, folder, reaped=reaped, spoil=spoil)
            told += 1
            if (outcome.result, outcome.seen) != expected:
                wrong.append((name, outcome))
    print(f"promise 15: {told} ends of real processes, misreports {len(wrong)}")
    assert wrong == []


def test_a_priority_that_was_set_is_read_back(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        facts = facts_of(victim.pid)
        action = LowerPriority(
            host="web-1", process=facts.identity, label=facts.label, nice=7
        )
        outcome = perform(action, recheck=agrees, progress=silent, now=now)
        assert outcome.result is Result.DONE
        assert os.getpriority(os.PRIO_PROCESS, victim.pid) == 7
        victim.send_signal(signal.SIGCONT)
