"""One process opens more and more files or sockets.

Unit: hours until its own limit is reached at the rate of its growth; low is bad, a week or
more counts as a week. Windows: an hour and six hours (`bot/measuring/filling.py`), judged from a third
of them on; both must rise steadily, since the traffic of a morning does so for an hour, and
the later of their answers counts. Limits: within eight hours it ends in somebody's shift,
within one it accepts nobody before the meeting ends (as `leaking_process`); who is there
sooner than it can be judged is seen by `process_descriptors`. What was as full within a day
and came down again is told only when it is critical. All processes are asked when the host gave out `margin` more
than at its lowest since (`bot/measuring/holding.py`); who has grown until then is followed in each
round, the fifty that grew most. Culprit: the process itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from heapq import nlargest, nsmallest
from typing import Annotated, Final

from pydantic import Field

from bot.blame.suspects import (
    key_of,
    process_facts,
    same_process,
    subject_of,
    who,
)
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import LONGEST, HostContext
from bot.host.procfs import Key
from bot.kernel import descriptors
from bot.measuring.filling import POINTS, Filling, Forecast
from bot.measuring.gauge import Gauge
from bot.measuring.holding import AT_ONCE, Holding
from bot.model import Culprit, Fact, Finding, Level
from bot.text.words import amount
from remediation.moment import Moment
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone

WEEK: Final = 168.0
FOLLOWED: Final = 50
"""So many of those that grew are followed, the largest growth first."""
MOST: Final = 10
"""So many processes are told of in a round, beside the watched ones."""


class LeakingDescriptorsSection(DetectorSection):
    """Limits in hours until the process's own limit is reached.

    margin: descriptors that the host must have given out anew before all are asked.
    short, long: the windows that must agree. min_growth: in the long one, below which
    nothing is a leak.
    """

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=30
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    keep_firing_for: Duration = timedelta(minutes=5)
    warning: float = 8
    critical: float = 1
    short: Duration = timedelta(hours=1)
    long: Duration = timedelta(hours=6)
    margin: Annotated[int, Field(ge=1)] = 256
    min_growth: Annotated[int, Field(ge=1)] = 64


@dataclass(slots=True)
class _Course:
    """What one process may still open over the last hours.

    points: time and count, thinned. is_full: whether a whole long window was seen.
    """

    filling: Filling
    window: float
    points: list[tuple[float, int]] = field(default_factory=list)
    count: int = 0
    is_full: bool = False

    def add(self, at: float, count: int, limit: int) -> None:
        self.count = count
        self.filling.add(at, max(limit - count, 0), limit)
        if not self.points or at - self.points[-1][0] >= self.window / POINTS:
            self.points.append((at, count))
        kept = [point for point in self.points if at - point[0] <= self.window]
        self.is_full |= len(kept) < len(self.points)
        self.points = kept

    def grows(self, least: float) -> bool:
        """Say whether it is worth following: new, or grown in a whole window."""
        return not self.is_full or self.growth >= least

    @property
    def growth(self) -> int:
        return self.count - self.points[0][1] if self.points else 0


class LeakingDescriptors:
    """Measures how long its descriptors last for each process that opens more and more."""

    name = "leaking_descriptors"
    Section = LeakingDescriptorsSection

    def __init__(self, section: LeakingDescriptorsSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Descriptors last",
            unit="h",
            limits=section.limits(above=False),
        )
        self._holding = Holding(host.sampler, section.margin)
        self._known: dict[int, int] = {}
        """The least that each had open when it was asked."""
        self._courses: dict[int, _Course] = {}
        self._last: Moment | None = None

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: the processes that leak and the watched ones."""
        now = self._host.sampler.look(descriptors.allotted).at
        self._begin_anew_after_a_pause(now)
        keys = {key for subject in watched if (key := key_of(subject))}
        opened = self._holding.measure({*self._courses, *(pid for pid, _ in keys)})
        self._follow(opened, {pid for pid, _ in keys}, now)
        forecasts = self._forecasts()
        if not forecasts and not watched:
            self._gauge.keep(set())
            return []
        subjects = self._subjects(forecasts) | set(watched)
        self._gauge.keep(subjects)
        found = [self._measure(s, forecasts, now) for s in sorted(subjects)]
        return [f for f in found if f.level is not Level.OK or f.subject in watched]

    def _begin_anew_after_a_pause(self, now: Moment) -> None:
        last, self._last = self._last, now
        longest = LONGEST * self.section.interval.total_seconds()
        if last is None or last.boot_id != now.boot_id:
            self._known, self._courses = {}, {}
        elif not 0 <= now.boot - last.boot <= longest:
            self._courses = {}

    def _follow(
        self, opened: Mapping[int, int], watched: set[int], now: Moment
    ) -> None:
        """Go on with those that are followed, and take up those that have grown."""
        least = self.section.min_growth / 2
        grown = {p: n - self._known.get(p, n) for p, n in opened.items()}
        kept = {
            p for p, its in self._courses.items() if p in opened and its.grows(least)
        }
        new = {p for p, more in grown.items() if more >= least and p not in kept}
        most = nlargest(FOLLOWED, new, key=lambda pid: grown[pid])
        followed = {*kept, *most[: FOLLOWED - len(kept)], *(watched & opened.keys())}
        limits = {p: n for p in followed if (n := self._holding.limit(p)) is not None}
        self._courses = {p: self._courses.get(p) or self._course() for p in limits}
        for pid, course in self._courses.items():
            course.add(now.boot, opened[pid], limits[pid])
        self._remember(opened, new & followed)

    def _course(self) -> _Course:
        short, long = self.section.short, self.section.long
        return _Course(Filling(short, long), long.total_seconds())

    def _remember(self, opened: Mapping[int, int], begun: set[int]) -> None:
        """Keep the lowest count of each, from which growth is counted."""
        if len(self._known) > 2 * max(len(opened), AT_ONCE):
            self._known = {}  # most of it is about processes that have ended
        self._known |= {
            pid: count if pid in begun else min(self._known.get(pid, count), count)
            for pid, count in opened.items()
        }

    def _forecasts(self) -> dict[int, Forecast]:
        """Return how long the descriptors last of those that grow steadily."""
        found = {
            pid: course.filling.forecast()
            for pid, course in self._courses.items()
            if course.growth >= self.section.min_growth
        }
        return {pid: its for pid, its in found.items() if its and self._counts(its)}

    def _counts(self, its: Forecast) -> bool:
        """Say whether it is more than what comes back within a day."""
        return not its.returns or its.latest <= self.section.critical

    def _subjects(self, forecasts: Mapping[int, Forecast]) -> set[str]:
        nearest = nsmallest(MOST, forecasts, key=lambda pid: forecasts[pid].latest)
        rows = (self._host.sampler.process(pid) for pid in nearest)
        return {subject_of(row.key) for row in rows if row is not None}

    def _measure(
        self,
        subject: str,
        forecasts: Mapping[int, Forecast],
        now: Moment,
    ) -> Finding:
        key = key_of(subject)
        if key is None:
            return self._named(self._gauge.unknown(now.wall, subject), subject)
        name = f"pid {key[0]}"
        try:
            process = same_process(self._host.facts, key)
        except Gone:
            return self._well(subject, now, f"The process with {name} has ended.")
        course = self._courses.get(key[0])
        if course is None or not course.filling.is_known:
            return self._named(self._gauge.unknown(now.wall, subject), name)
        limit = self._holding.limit(key[0])
        if limit is None or key[0] not in forecasts:
            return self._well(subject, now, f"{name} opens no more and more files.")
        room = course.count, limit
        return self._leaking(key, process, forecasts[key[0]], room, now)

    def _leaking(
        self,
        key: Key,
        process: ProcessFacts | None,
        its: Forecast,
        room: tuple[int, int],
        now: Moment,
    ) -> Finding:
        count, limit = room
        hours = min(its.latest, WEEK)
        name = process.name if process else f"pid {key[0]}"
        said = who(process) if process else name
        rate = f"{amount(3600 * its.slope, '')} per hour"
        text = (
            f"{said} opens {rate} that it has not closed so far; "
            f"they last {amount(hours, 'h')}."
        )
        found = self._gauge.finding(hours, text, now.wall, subject_of(key))
        shown = self._gauge.said(hours, found.level)
        culprit = Culprit(process=process, share=1.0, amount=hours) if process else None
        return replace(
            self._named(found, name),
            facts=(
                Fact(label="Descriptors last", value=shown),
                Fact(label="Growth", value=rate),
                Fact(label="Open", value=f"{count:,} of {limit:,}"),
                *(process_facts(process) if process else ()),
            ),
            culprits=(culprit,) if culprit else (),
        )

    def _well(self, subject: str, now: Moment, text: str) -> Finding:
        found = self._gauge.finding(WEEK, text, now.wall, subject)
        return self._named(found, subject)

    def _named(self, found: Finding, name: str) -> Finding:
        label = f"Time until descriptors end ({name})"
        return replace(found, label=label, is_passing=True)


DETECTOR = LeakingDescriptors
