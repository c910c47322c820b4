"""A declared timer has not started its service for longer than it should.

Unit: hours since its last start. Limits come with the timer: `every` is the warning,
twice as long is critical. Window: none, it is an age. A timer that is not active, or
never ran, counts as overdue since the bot began to watch it: systemd forgets what was
before its own boot unless the timer is persistent. One subject for each timer.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.services import Timer
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.model import Fact, Finding, Level, Limits
from bot.text.words import seconds
from remediation.acts.service_manager import JobFailed, ManagerUnavailable

_HOUR: Final = timedelta(hours=1)


class TimerSection(DetectorSection):
    """The limits stand with each timer (`timers`); those here are not used."""

    needs_host: ClassVar[bool] = False
    has_limits: ClassVar[bool] = False

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        minutes=1
    )
    for_: Duration = Field(default=timedelta(minutes=1), alias="for")
    warning: float = 0
    critical: float = 0


class TimerDetector:
    """Asks systemd when each declared timer ran last."""

    name = "timer"
    Section = TimerSection

    def __init__(self, section: TimerSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._levels: dict[str, Level] = {}
        self._since = host.clock.now().wall

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; silence of systemd is UNKNOWN, a timer declared no more is well."""
        at = self._host.clock.now().wall
        declared = {timer.unit: timer for timer in self._host.timers}
        gone = sorted(set(watched) - set(declared))
        try:
            last = self._host.services.last_runs(sorted(declared)) if declared else {}
        except (ManagerUnavailable, JobFailed) as silent:
            names = sorted({*declared, *watched})
            return [self._unknown(name, at, str(silent)) for name in names]
        measured = [self._measure(timer, last, at) for timer in declared.values()]
        return [*measured, *(self._undeclared(name, at) for name in gone)]

    def _measure(
        self, timer: Timer, last: Mapping[str, datetime | None], at: datetime
    ) -> Finding:
        ran = last.get(timer.unit)
        age = max(at - (ran or self._since), timedelta(0))
        limits = _limits(timer)
        hours = age / _HOUR
        level = limits.judge(hours, self._levels.get(timer.unit, Level.OK))
        self._levels[timer.unit] = level
        return self._finding(
            timer.unit,
            at,
            value=hours,
            limits=limits,
            level=level,
            summary=_summary(timer, ran, age, known=timer.unit in last),
        )

    def _undeclared(self, subject: str, at: datetime) -> Finding:
        return self._finding(
            subject,
            at,
            value=0.0,
            limits=_NOTHING,
            level=Level.OK,
            summary=f"{subject} is not declared any more.",
        )

    def _unknown(self, subject: str, at: datetime, why: str) -> Finding:
        return self._finding(
            subject,
            at,
            value=None,
            limits=_NOTHING,
            level=Level.UNKNOWN,
            summary=f"{subject}: {why}.",
        )

    def _finding(
        self,
        subject: str,
        at: datetime,
        *,
        value: float | None,
        limits: Limits,
        level: Level,
        summary: str,
    ) -> Finding:
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject=subject,
            label=f"Last run of {subject}",
            unit="h ago",
            value=value,
            limits=limits,
            level=level,
            summary=summary,
            at=at,
            series="",
            facts=(
                Fact(label="Timer", value=subject),
                Fact(label="Ran", value=summary),
            ),
        )


_NOTHING: Final = Limits(warning=0, critical=0, clear_warning=0, clear_critical=0)


def _limits(timer: Timer) -> Limits:
    every = timer.every / _HOUR
    return Limits(
        warning=every, critical=2 * every, clear_warning=every, clear_critical=2 * every
    )


def _summary(timer: Timer, ran: datetime | None, age: timedelta, *, known: bool) -> str:
    should = f"it should every {seconds(timer.every)}"
    if not known:
        return f"{timer.unit} is not active, so it starts nothing; {should}."
    if ran is None:
        return f"{timer.unit} has not run for {seconds(age)} at least; {should}."
    return f"{timer.unit} ran {seconds(age)} ago; {should}."


DETECTOR = TimerDetector
