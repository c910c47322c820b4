"""Forces pid reuse in a private pid namespace and counts who was signalled wrongly.

Run by `test_pid_reuse.py` as `unshare --fork --pid --mount-proc python reuse_pids.py
MOMENT COUNT`. At the moment, the approved process dies, is reaped, and an innocent
process of the same program gets its pid. Prints one line of JSON.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import psutil

from remediation.action import Action, LowerPriority, Terminate
from remediation.acts.process import perform
from remediation.gate.acts import Caller, answer
from remediation.gate.request import SendSignal, Verdict
from remediation.gate.rules import AllowList
from remediation.ledger.leases import Caps
from remediation.outcome import Outcome, Result, Seen
from remediation.policy import Rules, refuse_target
from remediation.rules.protect import OwnTree, ProtectSettings
from remediation.target import procfs
from remediation.target.facts import FactReader, ProcessFacts

_LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
_RULES = Rules(
    ttl=timedelta(minutes=15),
    needed=1,
    caps=Caps(cooldown=timedelta(0), per_hour=9),
    protect=ProtectSettings(),
)


def main(moment: str, count: int) -> None:
    counts = {"tries": 0, "wrong": 0, "done": 0, "psutil_wrong": 0}
    for _ in range(count):
        stage = _Stage(stubborn=moment == "term_to_kill")
        outcome = _MOMENTS[moment](stage)
        counts["tries"] += stage.swapped
        counts["wrong"] += stage.innocent_was_hit()
        counts["done"] += outcome.result is Result.DONE
        stage.clear()
        counts["psutil_wrong"] += _psutil_hits_the_innocent()
    print(json.dumps(counts))


class _Stage:
    """One approved process, and the innocent one that takes its pid."""

    def __init__(self, *, stubborn: bool = False) -> None:
        self.pid = _spawn(stubborn=stubborn)
        # In the middle of execve() a process has no image that lasts.
        while procfs.stat(self.pid).state != "S":
            time.sleep(0.001)
        self.facts = FactReader("h").read(self.pid)
        self.swapped = False
        self._innocent: int | None = None

    def swap(self) -> None:
        """End the approved process; give its pid to an innocent one."""
        if self.swapped:
            return
        _end(self.pid)
        while (pid := _spawn_as(self.pid)) != self.pid:
            _end(pid)
        self.swapped = True
        self._innocent = os.pidfd_open(pid)

    def innocent_was_hit(self) -> bool:
        """Say whether the innocent is dead, or has another priority than it was born with."""
        assert self.swapped
        if os.waitpid(self.pid, os.WNOHANG) != (0, 0):
            return True
        return os.getpriority(os.PRIO_PROCESS, self.pid) != 0

    def clear(self) -> None:
        assert self._innocent is not None
        os.close(self._innocent)
        _end(self.pid)


def _proposal_to_click(stage: _Stage) -> Outcome:
    stage.swap()
    return _perform(_terminate(stage))


def _recheck_to_signal(stage: _Stage) -> Outcome:
    return _perform(_terminate(stage), recheck=lambda _: stage.swap())


def _check_to_signal(stage: _Stage) -> Outcome:
    with _Before(signal.pidfd_send_signal, stage.swap):
        return _perform(_terminate(stage))


def _term_to_kill(stage: _Stage) -> Outcome:
    def after_sigterm(text: str) -> None:
        if "sent SIGTERM" in text:
            stage.swap()

    return _perform(_terminate(stage), progress=after_sigterm)


def _at_the_renice(stage: _Stage) -> Outcome:
    action = LowerPriority(
        host="h", process=stage.facts.identity, label=stage.facts.label, nice=10
    )
    with _Before(os.setpriority, stage.swap):
        return _perform(action)


def _click_to_gate(stage: _Stage) -> Outcome:
    stage.swap()
    return _through_the_gate(stage)


def _in_the_gate(stage: _Stage) -> Outcome:
    with _Before(signal.pidfd_send_signal, stage.swap):
        return _through_the_gate(stage)


def _of_a_drill(stage: _Stage) -> Outcome:
    """The approved process is a drill's child, and another child of the bot follows it."""
    own = OwnTree.read().in_drill()
    own.drilled.begin(stage.facts.identity)
    action = _terminate(stage)

    def recheck(facts: ProcessFacts) -> str | None:
        refused = refuse_target(action, facts, _RULES, own)
        return refused.reason if refused else None

    assert recheck(stage.facts) is None
    stage.swap()
    assert recheck(FactReader("h").read(stage.pid)) is not None
    return perform(
        action, recheck=recheck, progress=lambda _: None, now=lambda: datetime.now(UTC)
    )


def _through_the_gate(stage: _Stage) -> Outcome:
    request = SendSignal(process=stage.facts.identity, number=signal.SIGTERM)
    caller = Caller(name="bot", cgroup=None, waits=lambda: True)
    given = answer(
        request,
        caller,
        allowed=AllowList(peer=65534, users=frozenset({"root"}), units={}),
        own=OwnTree(pid=2**22 + 1, ancestors=frozenset(), service=None),
    )
    done = given.verdict is Verdict.DONE
    result = Result.DONE if done else Result.REFUSED
    return Outcome(result=result, seen=Seen.UNKNOWN, summary=given.reason)


_MOMENTS: dict[str, Callable[[_Stage], Outcome]] = {
    "proposal_to_click": _proposal_to_click,
    "recheck_to_signal": _recheck_to_signal,
    "check_to_signal": _check_to_signal,
    "term_to_kill": _term_to_kill,
    "at_the_renice": _at_the_renice,
    "click_to_gate": _click_to_gate,
    "in_the_gate": _in_the_gate,
    "of_a_drill": _of_a_drill,
}


class _Before:
    """Does something in the last instant before a built-in function is entered.

    The probe of a permission (signal 0) is no such instant: it signals nobody.
    """

    def __init__(self, function: object, deed: Callable[[], None]) -> None:
        self._function = function
        self._deed = deed

    def __enter__(self) -> None:
        sys.setprofile(self._look)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, argument: object) -> None:
        if event != "c_call" or argument is not self._function:
            return
        if frame.f_code.co_name != "probe":
            sys.setprofile(None)
            self._deed()


def _perform(
    action: Action,
    recheck: Callable[[object], None] = lambda _: None,
    progress: Callable[[str], None] = lambda _: None,
) -> Outcome:
    return perform(
        action, recheck=recheck, progress=progress, now=lambda: datetime.now(UTC)
    )


def _terminate(stage: _Stage) -> Terminate:
    return Terminate(
        host="h",
        process=stage.facts.identity,
        label=stage.facts.label,
        grace=timedelta(seconds=0.05),
    )


def _psutil_hits_the_innocent() -> bool:
    """Do the same between psutil's look and its kill, for comparison."""
    pid = _spawn()
    process = psutil.Process(pid)
    _end(pid)
    while (other := _spawn_as(pid)) != pid:
        _end(other)
    try:
        process.kill()
    except psutil.NoSuchProcess:
        _end(pid)
        return False
    os.waitpid(pid, 0)
    return True


def _spawn(*, stubborn: bool = False) -> int:
    # What is ignored here is ignored there: the way to a stubborn sleep.
    former = signal.signal(signal.SIGTERM, signal.SIG_IGN) if stubborn else None
    try:
        return os.posix_spawn("/bin/sleep", ["sleep", "600"], {})
    finally:
        if former is not None:
            signal.signal(signal.SIGTERM, former)


def _spawn_as(pid: int) -> int:
    _LAST_PID.write_text(str(pid - 1))
    return _spawn()


def _end(pid: int) -> None:
    pidfd = os.pidfd_open(pid)  # our own unreaped child: the pid is still its
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
