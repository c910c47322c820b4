"""What was seen after an action; never what was hoped for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Result(StrEnum):
    """How an action ended."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


class Seen(StrEnum):
    """What observation found at the target afterwards."""

    EXITED = "exited"
    ALIVE = "still alive"
    UNINTERRUPTIBLE = "in uninterruptible sleep (D); the signal is pending"
    ZOMBIE = "exited, but its parent has not reaped it"
    RESPAWNED = "exited and started again"
    CHANGED = "not the process that was approved"
    STOPPED = "paused"
    RUNNING = "running"
    DOWN = "not running"
    UNSTABLE = "started, but did not stay up"
    CLEANED = "deleted"
    LEFT = "still there"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was done or seen, in plain words."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one action.

    summary: one sentence for the thread, printable. steps: in order of time.
    undo_nice: the nice value before a lowered priority, else None.
    """

    result: Result
    seen: Seen
    summary: str
    steps: tuple[Step, ...] = ()
    undo_nice: int | None = None
