"""Whether what ended has come back: the same program, started again by somebody."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from remediation.target import procfs
from remediation.target.facts import FactReader, ProcessFacts
from remediation.target.identity import Gone, Unobservable

LOOK: Final = timedelta(seconds=1)
"""How long to look for a successor nobody expects."""

LOOK_AGAIN: Final = timedelta(seconds=3)
"""How long where somebody is known to start it again."""

_STEP_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """A process that took the place of one that ended. by: who started it, in words."""

    pid: int
    by: str


def ticks_now() -> int:
    """Return the clock ticks since boot, as /proc/PID/stat counts them."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * procfs.TICKS_PER_SECOND)


def successor(
    ended: ProcessFacts, *, since: int, known: Collection[int], reader: FactReader
) -> Successor | None:
    """Look for a new process in the place of `ended`, for a second or three.

    A successor runs the same executable with the same label for the same user below
    the same parent or in the same service, and started after `since` (`ticks_now()`).
    known: pids of the action itself, which are no successors.
    """
    span = LOOK if ended.respawner is None else LOOK_AGAIN
    deadline = time.monotonic() + span.total_seconds()
    while True:
        for pid in _started_since(since):
            if pid not in known and (found := _in_place_of(ended, pid, reader)):
                return found
        if time.monotonic() >= deadline:
            return None
        time.sleep(_STEP_SECONDS)


def _started_since(since: int) -> list[int]:
    found = []
    for pid in procfs.pids():
        try:
            stat = procfs.stat(pid)
        except OSError:  # gone, or hidden from this bot
            continue
        if stat.start_ticks >= since and stat.state != "Z":
            found.append(pid)
    return found


def _in_place_of(ended: ProcessFacts, pid: int, reader: FactReader) -> Successor | None:
    try:
        new = reader.read(pid)
    except (Gone, Unobservable):
        return None
    if _kind(new) != _kind(ended):
        return None
    if new.ppid == ended.ppid:
        return Successor(pid=pid, by=ended.respawner or _parent(new, reader))
    if (
        new.unit is not None
        and new.unit.endswith(".service")
        and new.unit == ended.unit
    ):
        return Successor(pid=pid, by=ended.respawner or new.unit)
    return None


def _kind(facts: ProcessFacts) -> tuple[str, str, int]:
    identity = facts.identity
    # An upgrade deletes the file under a running program; its name stays the same.
    path = identity.exe.removesuffix(" (deleted)")
    return path, facts.label.replace(" (deleted)", "", 1), identity.uid


def _parent(facts: ProcessFacts, reader: FactReader) -> str:
    try:
        return f"{reader.read(facts.ppid).label} (pid {facts.ppid})"
    except (Gone, Unobservable):
        return f"pid {facts.ppid}"
