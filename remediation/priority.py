"""Lower a process's priority and put it back: the nice value of each of its threads.

The kernel has no call that renices through a pidfd. So each thread is looked at before
and after: should the number of a thread that ended in that instant have gone to
somebody else, the stranger gets its priority back and the outcome says so.
"""

import os
import re
import resource
from pathlib import Path
from typing import Final

from remediation import procfs
from remediation.action import LowerPriority, RestorePriority
from remediation.attempt import Attempt, Refused
from remediation.facts import FactReader, ProcessFacts
from remediation.outcome import Outcome, Result, Seen
from remediation.target import Target, holding

_ROUNDS: Final = 8
_CAP_SYS_NICE: Final = 23
"""Its bit in a capability set (linux/capability.h)."""


def lower_priority(action: LowerPriority, attempt: Attempt) -> Outcome:
    """Raise the nice value of every thread; the outcome holds the former one."""
    return _renice(action, attempt)


def restore_priority(action: RestorePriority, attempt: Attempt) -> Outcome:
    """Give every thread its former nice value; needs CAP_SYS_NICE."""
    return _renice(action, attempt)


def _renice(action: LowerPriority | RestorePriority, attempt: Attempt) -> Outcome:
    name = f"{action.label} (pid {action.process.pid})"
    reader = FactReader(action.host)
    try:
        with holding(action.process, label=action.label, reader=reader) as target:
            facts = target.check(attempt)
            _refuse_needless(action, facts)
            target.confirm()
            return _apply(target, facts, action, attempt)
    except Refused as refused:
        return attempt.refused(name, refused)


def _refuse_needless(
    action: LowerPriority | RestorePriority, facts: ProcessFacts
) -> None:
    if isinstance(action, LowerPriority) and facts.nice >= action.nice:
        raise Refused(f"it already has nice {facts.nice}", Seen.RUNNING)


def _apply(
    target: Target,
    facts: ProcessFacts,
    action: LowerPriority | RestorePriority,
    attempt: Attempt,
) -> Outcome:
    nice = action.nice
    lowers = isinstance(action, LowerPriority)
    undo = facts.nice if lowers and _may_set(facts.nice) else None
    try:
        done = _set_all(target, nice, attempt)
    except PermissionError:
        words = f"{target.name} keeps nice {facts.nice}: CAP_SYS_NICE is missing"
        return attempt.end(Result.FAILED, Seen.RUNNING, words)
    if target.exited():
        _give_back(target.pid, nice, attempt)
        words = f"{target.name} exited while its priority was changed"
        return attempt.end(Result.FAILED, Seen.EXITED, words)
    if lowers and undo is None:
        words = f"{words}; CAP_SYS_NICE is missing to put it back"
    missed = [found for found in _nices(target.pid) if found != nice]
    words = f"{target.name} has nice {nice} instead of {facts.nice} in {done} threads"
    if missed:
        words = f"{words}, {len(missed)} others have not"
    result = Result.FAILED if missed else Result.DONE
    return attempt.end(result, Seen.RUNNING, words, undo_nice=undo)


def _may_set(nice: int) -> bool:
    """Say whether this process may lower a nice value to this one (capabilities(7))."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    if found and int(found[1], 16) >> _CAP_SYS_NICE & 1:
        return True
    allowed, _ = resource.getrlimit(resource.RLIMIT_NICE)
    # RLIMIT_NICE counts from 1 (nice 19) to 40 (nice -20).
    return allowed == resource.RLIM_INFINITY or nice >= 20 - allowed


def _set_all(target: Target, nice: int, attempt: Attempt) -> int:
    """Renice until no thread is left that was not; return how many were."""
    done: set[int] = set()
    for _ in range(_ROUNDS):
        new = [thread for thread in _threads(target.pid) if thread not in done]
        if not new or target.exited():
            break
        for thread in new:
            _set(target.pid, thread, nice, attempt)
        done.update(new)
        attempt.say(f"set nice {nice} for {len(new)} threads of pid {target.pid}")
    return len(done)


def _set(pid: int, thread: int, nice: int, attempt: Attempt) -> None:
    before = _started(pid, thread)
    if before is None:
        return
    try:
        os.setpriority(os.PRIO_PROCESS, thread, nice)
    except ProcessLookupError:
        return
    if _started(pid, thread) != before:
        _give_back(thread, nice, attempt)


def _give_back(thread: int, nice: int, attempt: Attempt) -> None:
    """Put right a stranger who has the number now: the nice value of its parent."""
    try:
        stranger = procfs.stat(thread)
        former = procfs.stat(stranger.ppid).nice
    except OSError:  # nobody has the number
        return
    if stranger.state == "Z" or stranger.nice != nice or former == nice:
        return
    try:
        os.setpriority(os.PRIO_PROCESS, thread, former)
    except PermissionError:
        attempt.say(
            f"pid {thread} is another process now and was left with nice {nice}"
        )
        return
    attempt.say(f"pid {thread} is another process now; it has nice {former} again")


def _started(pid: int, thread: int) -> int | None:
    try:
        return procfs.stat(pid, thread).start_ticks
    except OSError:
        return None


def _threads(pid: int) -> tuple[int, ...]:
    try:
        return procfs.threads(pid)
    except OSError:
        return ()


def _nices(pid: int) -> list[int]:
    found = []
    for thread in _threads(pid):
        try:
            found.append(procfs.stat(pid, thread).nice)
        except OSError:  # ended meanwhile
            continue
    return found
