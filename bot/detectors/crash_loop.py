"""A service dies and is started again, over and over.

Unit: automatic restarts within the window of 5 min. Limits: 3 is a warning, 5 critical;
systemd's own default start limit is 5 in 10 s, which a service that dies a second after
each start never reaches. Counted from systemd's NRestarts, which a start by a person
sets back: then what was before is forgotten. It clears below 1. One subject for each service.
"""

from collections import deque
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.measuring.levels import Levels, limit_of
from bot.model import Finding, Level
from bot.text.service_words import facts_of
from bot.text.words import seconds
from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NoSuchUnit,
    UnitRow,
)
from remediation.moment import Moment
from remediation.target.unit import UnitFacts, end_in_words


class CrashLoopSection(DetectorSection):
    """Limits in restarts within `window`."""

    needs_host: ClassVar[bool] = False

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=10
    )
    for_: Duration = Field(default=timedelta(seconds=10), alias="for")
    keep_firing_for: Duration = timedelta(seconds=30)
    window: Annotated[Duration, Field(ge=timedelta(seconds=10))] = timedelta(minutes=5)
    warning: float = 3
    critical: float = 5
    clear_warning: float | None = 1
    clear_critical: float | None = 1


class _Restarts:
    """How often one service was started again by itself, lately."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen: deque[float] = deque()

    def take(self, count: int, now: Moment, window: timedelta) -> int:
        """Take the manager's count of now in; return how many fell into the window."""
        if count < self._count:
            self._seen.clear()
        new = max(count - self._count, 0)
        self._seen.extend([now.boot] * min(new, 1000))
        self._count = count
        while self._seen and now.boot - self._seen[0] > window.total_seconds():
            self._seen.popleft()
        return len(self._seen)


class CrashLoopDetector:
    """Counts the automatic restarts of every service that has them."""

    name = "crash_loop"
    Section = CrashLoopSection

    def __init__(self, section: CrashLoopSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._levels = Levels(section.limits())
        self._restarts: dict[str, _Restarts] = {}

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; silence of the manager makes the watched ones UNKNOWN."""
        if not self._host.services.is_present():
            return []
        now = self._host.clock.now()
        try:
            names = {row.name for row in self._host.services.rows() if _may_die(row)}
            subjects = sorted({*names, *watched})
            counts = self._host.services.restarts(subjects)
        except ManagerUnavailable as silent:
            return [self._unknown(s, now.wall, str(silent)) for s in sorted(watched)]
        self._levels.keep(subjects)
        self._restarts = {s: r for s, r in self._restarts.items() if s in counts}
        lately = {s: self._lately(s, counts.get(s), now) for s in subjects}
        shown = [s for s, count in lately.items() if count or s in watched]
        return [self._finding(s, now.wall, lately[s], self._facts(s)) for s in shown]

    def _lately(self, subject: str, count: int | None, now: Moment) -> float:
        if count is None:  # it was removed, and dies no more
            return 0.0
        known = self._restarts.setdefault(subject, _Restarts(count))
        return float(known.take(count, now, self.section.window))

    def _facts(self, subject: str) -> UnitFacts | None:
        try:
            return self._host.services.facts(subject)
        except (NoSuchUnit, ManagerUnavailable, JobFailed):
            return None

    def _finding(
        self, subject: str, at: datetime, value: float, service: UnitFacts | None
    ) -> Finding:
        level = self._levels.judge(subject, value)
        window = seconds(self.section.window)
        why = end_in_words(service) if service else ""
        because = f"; the last time it {why}" if why else ""
        limit = limit_of("", self._levels.limits, level)
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject=subject,
            label=f"Restarts of {subject}",
            unit=f"in {window}",
            value=value,
            limits=self._levels.limits,
            level=level,
            summary=(
                f"{subject} was started again {value:.0f} times in {window} "
                f"{limit}{because}."
            ),
            at=at,
            series=f"{self.name}/{subject}",
            facts=() if service is None else facts_of(service, at),
            service=service,
        )

    def _unknown(self, subject: str, at: datetime, why: str) -> Finding:
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject=subject,
            label=f"Restarts of {subject}",
            unit="",
            value=None,
            limits=self._levels.limits,
            level=Level.UNKNOWN,
            summary=f"{subject}: {why}.",
            at=at,
            series=f"{self.name}/{subject}",
        )


def _may_die(row: UnitRow) -> bool:
    return row.load == "loaded" and row.name.endswith(".service")


DETECTOR = CrashLoopDetector
