"""One try at an approved action: who must agree, who is told, and what was seen."""

from collections.abc import Callable
from datetime import datetime

from remediation.outcome import Outcome, Result, Seen, Step
from remediation.target.area import Area
from remediation.target.facts import ProcessFacts
from remediation.target.privilege import Gate
from remediation.target.unit import UnitFacts

TargetFacts = ProcessFacts | UnitFacts | Area
"""What is read of a target, again at the instant of execution; of files, their area."""

Recheck = Callable[[TargetFacts], str | None]
"""Asked with fresh facts right before the act; words refuse it (policy, lock)."""

Progress = Callable[[str], None]
"""Told each thing that was done or seen, as it happens, in plain words."""

Now = Callable[[], datetime]
"""The wall clock, aware UTC."""


class Refused(Exception):
    """The target may not be touched now; its text says why.

    seen: what was found instead of the process that was approved.
    """

    def __init__(self, reason: str, seen: Seen) -> None:
        super().__init__(reason)
        self.seen = seen


class Attempt:
    """Collects the steps of one action and ends as an `Outcome`.

    gate: acts where the bot's own user may not; None where there is none.
    """

    def __init__(
        self,
        *,
        recheck: Recheck,
        progress: Progress,
        now: Now,
        gate: Gate | None = None,
    ) -> None:
        self.recheck = recheck
        self.gate = gate
        self._progress = progress
        self._now = now
        self._steps: list[Step] = []

    def say(self, text: str) -> None:
        """Keep a step and tell it. What `progress` raises stops the action here."""
        self._steps.append(Step(at=self._now(), text=text))
        self._progress(text)

    def end(
        self, result: Result, seen: Seen, summary: str, *, undo_nice: int | None = None
    ) -> Outcome:
        """Return the outcome with all steps so far."""
        return Outcome(
            result=result,
            seen=seen,
            summary=summary,
            steps=tuple(self._steps),
            undo_nice=undo_nice,
        )

    def refused(self, name: str, reason: Refused) -> Outcome:
        """End without having touched anything."""
        summary = f"{name} was left alone: {reason}"
        return self.end(Result.REFUSED, reason.seen, summary)
