"""Give every thread of a process one nice value.

The kernel has no call that renices through a pidfd. So each thread is looked at before
and after: should the number of a thread that ended in that instant have gone to
somebody else, the stranger gets its priority back and the steps say so. Standard
library only: the gate does it in the same way.
"""

import os
from typing import Final

from remediation.acts.held import Target
from remediation.attempt import Attempt
from remediation.target import procfs

_ROUNDS: Final = 8


def set_all(target: Target, nice: int, attempt: Attempt) -> int:
    """Renice until no thread is left that was not; return how many were."""
    done: set[int] = set()
    for _ in range(_ROUNDS):
        new = [thread for thread in _threads(target.pid) if thread not in done]
        if not new or target.exited():
            break
        for thread in new:
            set_one(target.pid, thread, nice, attempt)
        done.update(new)
        attempt.say(f"set nice {nice} for {len(new)} threads of pid {target.pid}")
    return len(done)


def set_one(pid: int, thread: int, nice: int, attempt: Attempt) -> None:
    """Renice one thread; raises `PermissionError`."""
    before = _started(pid, thread)
    if before is None:
        return
    try:
        os.setpriority(os.PRIO_PROCESS, thread, nice)
    except ProcessLookupError:
        return
    if _started(pid, thread) != before:
        give_back(thread, nice, attempt)


def give_back(thread: int, nice: int, attempt: Attempt) -> None:
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


def nices(pid: int) -> list[int]:
    """Return the nice value of each thread that lives."""
    found = []
    for thread in _threads(pid):
        try:
            found.append(procfs.stat(pid, thread).nice)
        except OSError:  # ended meanwhile
            continue
    return found
