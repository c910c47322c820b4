"""The course of one process that was asked to end: asked, forced, ended, or left alone."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from signal import Signals

from remediation import signals
from remediation.acts.held import Target
from remediation.attempt import Attempt, Refused
from remediation.outcome import Seen
from remediation.target import procfs

_SHOWN = 0.05
"""Seconds below which a tenth of one would be shown as none."""


@dataclass(slots=True, kw_only=True)
class Course:
    """What has been done to one process so far; times are monotonic seconds.

    left_alone: why a signal was withheld, if one was.
    """

    target: Target
    asked_at: float | None = None
    forced_at: float | None = None
    ended_at: float | None = None
    left_alone: Refused | None = None

    def ask(self) -> None:
        """Send SIGTERM; raise `Refused` when it may not be sent."""
        try:
            self.asked_at = self.target.send(Signals.SIGTERM)
        except Refused as refused:
            self.left_alone = refused
            raise

    def force(self, attempt: Attempt) -> None:
        """Send SIGKILL if everybody still agrees; else keep the reason."""
        try:
            self.target.check(attempt)
            self.forced_at = self.target.send(Signals.SIGKILL)
        except Refused as refused:
            self.left_alone = refused

    def seen(self) -> Seen:
        """Look at the process now; never concludes an end from a signal."""
        if self.target.exited():
            return Seen.ZOMBIE if self._parent_to_blame() else Seen.EXITED
        if self.left_alone is not None and self.left_alone.seen is Seen.CHANGED:
            return Seen.CHANGED
        return Seen.UNINTERRUPTIBLE if "D" in self._thread_states() else Seen.ALIVE

    def in_words(self) -> str:
        """Say what happened and what is there now, as the rest of a sentence."""
        match self.seen():
            case Seen.EXITED:
                return self._end()
            case Seen.ZOMBIE:
                parent = self._parent_to_blame()
                return f"{self._end()}; its parent, pid {parent}, has not reaped it"
            case Seen.UNINTERRUPTIBLE if self.forced_at is not None:
                return (
                    "is still there: in uninterruptible sleep (D), SIGKILL is pending"
                )
            case _:
                return self._still_there()

    def _end(self) -> str:
        ended = time.monotonic() if self.ended_at is None else self.ended_at
        if self.forced_at is not None and self.asked_at is not None:
            return (
                f"ignored SIGTERM for {_seconds(self.forced_at - self.asked_at)} "
                f"and exited {_seconds(ended - self.forced_at)} after SIGKILL"
            )
        if self.asked_at is not None:
            return f"exited {_seconds(ended - self.asked_at)} after SIGTERM"
        return "exited by itself"

    def _still_there(self) -> str:
        if self.forced_at is not None:
            waited = _seconds(time.monotonic() - self.forced_at)
            return f"is still alive {waited} after SIGKILL{self._leaderless()}"
        if self.asked_at is not None:
            return f"is alive; SIGTERM was sent, SIGKILL was not: {self.left_alone}"
        return f"is alive and was not signalled: {self.left_alone}"

    def _leaderless(self) -> str:
        states = self._thread_states()
        others = len(states) - 1
        if others > 0 and states[0] == "Z":
            return f" (its first thread has ended, {others} others run on)"
        return ""

    def _thread_states(self) -> list[str]:
        try:
            return procfs.thread_states(self.target.pid)
        except OSError:  # one of them ended just now
            return []

    def _parent_to_blame(self) -> int | None:
        """Return the parent of the unreaped process; None once it is reaped."""
        try:
            stat = procfs.stat(self.target.pid)
        except OSError:
            return None
        is_it = stat.start_ticks == self.target.approved.start_ticks
        return stat.ppid if is_it and stat.state == "Z" else None


def await_ends(courses: Sequence[Course], timeout: timedelta) -> None:
    """Wait until all have ended or the time is over; note when each did."""
    deadline = time.monotonic() + timeout.total_seconds()
    waiting = {course.target.held.pidfd: course for course in courses}
    while waiting:
        ended = signals.first_exits(waiting, deadline - time.monotonic())
        for pidfd in ended:
            waiting.pop(pidfd).ended_at = time.monotonic()
        if not ended:
            return


def _seconds(span: float) -> str:
    return f"{span:.1f} s" if span >= _SHOWN else "under 0.1 s"
