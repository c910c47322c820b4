"""The drill's detector: whether the child of a drill lives, as other detectors measure.

It cannot be configured and is not among those of `bot/detectors/`: it measures only what
the bot itself started. Unit: none, 1 while the process lives. Limits: any is a warning, so
that nobody is called.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Final, Protocol

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.drill.drill import Drill
from bot.model import Culprit, Fact, Finding, Level, Limits
from bot.ports import Clock
from remediation.rules.drilled import DRILL
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone, Unobservable

_NOTHING: Final = Fact(label="Drill", value="nothing is wrong, nobody is called")
_ONCE: Final = Limits(warning=1, critical=2, clear_warning=1, clear_critical=2)


class DrillSection(DetectorSection):
    """Everything at once; nobody configures it."""

    interval: Duration = timedelta(seconds=1)
    for_: Duration = Field(default=timedelta(0), alias="for")
    keep_firing_for: Duration = timedelta(0)
    warning: float = 1
    critical: float = 2


class Reader(Protocol):
    """Reads live processes."""

    def read(self, pid: int) -> ProcessFacts:
        """Return the facts; raise `Gone` or `Unobservable`."""


class DrillDetector:
    """Looks at the child of the drill, and at what an open drill was about."""

    name = DRILL

    def __init__(self, host: str, drill: Drill, facts: Reader, clock: Clock) -> None:
        self.section: DetectorSection = DrillSection()
        self._host = host
        self._drill = drill
        self._facts = facts
        self._clock = clock

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Look once; without a drill there is nothing to read."""
        running = self._drill.running
        is_waiting = running is not None and not running.over and not running.number
        begun = {running.child.subject} if running is not None and is_waiting else set()
        # The empty one stands for a round that failed.
        subjects = begun | {subject for subject in watched if subject}
        return [self._judged(subject) for subject in sorted(subjects)]

    def _judged(self, subject: str) -> Finding:
        process = self._living(subject)
        if process is None:
            return self._finding(
                subject, 0.0, f"The drill is over{self._why(subject)}."
            )
        who = f"{process.label} (pid {process.identity.pid})"
        summary = (
            f"This is a drill, nothing is wrong. {who} is a process of Countersign's "
            "own that only waits; ending it harms nobody."
        )
        return self._finding(subject, 1.0, summary, process)

    def _living(self, subject: str) -> ProcessFacts | None:
        _, pid, ticks = subject.split(":")
        try:
            process = self._facts.read(int(pid))
        except (Gone, Unobservable):
            return None
        return process if process.identity.start_ticks == int(ticks) else None

    def _why(self, subject: str) -> str:
        """Say how it ended, where that is known."""
        running = self._drill.running
        if running is None or running.child.subject != subject:
            return ": its process ended with the Countersign that had started it"
        if running.over:
            return f": {running.over}, and its process ended by itself"
        if running.child.is_outdated:
            return ": nobody decided in time, and its process ended by itself"
        return ": its process has ended"

    def _finding(
        self,
        subject: str,
        value: float,
        summary: str,
        process: ProcessFacts | None = None,
    ) -> Finding:
        lives = process is not None
        return Finding(
            detector=DRILL,
            host=self._host,
            subject=subject,
            label="Drill: harmless process",
            unit="",
            value=value,
            limits=_ONCE,
            level=Level.WARNING if lives else Level.OK,
            summary=summary,
            at=self._clock.now().wall,
            series="",
            facts=(_NOTHING,) if process is None else self._told(process),
            culprits=(Culprit(process=process, share=1.0, amount=1.0),)
            if process is not None
            else (),
            shown="waiting" if lives else "ended",
            is_passing=True,
        )

    def _told(self, process: ProcessFacts) -> tuple[Fact, ...]:
        end = process.started_at + self._drill.lasts
        return (
            _NOTHING,
            Fact(
                label="Process",
                value=f"{process.label} (pid {process.identity.pid})",
            ),
            Fact(label="User", value=process.user),
            Fact(label="Runs in", value=process.home),
            Fact(label="Does", value="nothing: it waits for its end"),
            Fact(label="Ends by itself", value=f"{end:%H:%M:%S} UTC at the latest"),
        )
