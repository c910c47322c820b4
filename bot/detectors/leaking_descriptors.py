"""One process opens files or sockets and never closes them.

Unit: hours until its own limit is reached at the rate of its growth; low is bad, a week or
more counts as a week. Window: sixty rounds; judged from a third of them on. Limits: within
eight hours it ends in somebody's shift, within one it accepts nobody before the meeting
ends (as `leaking_process`). A trend counts that is steady, still going on in the newer half
and of at least `min_growth`. All processes are asked when the host gave out `margin` more
than at its lowest since (`bot/holding.py`); who has grown until then is followed in each
round, the fifty that grew most. Culprit: the process itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from heapq import nlargest
from typing import Annotated, Final

from pydantic import Field

from bot.durations import Duration
from bot.gauge import Gauge
from bot.holding import AT_ONCE, Holding
from bot.host import LONGEST, HostContext
from bot.kernel import descriptors
from bot.model import Culprit, Fact, Finding, Level
from bot.procfs import Key
from bot.settings import DetectorSection
from bot.suspects import (
    key_of,
    process_facts,
    same_process,
    subject_of,
    who,
)
from bot.trend import Trend, trend
from bot.words import amount
from remediation.facts import ProcessFacts
from remediation.identity import Gone
from remediation.moment import Moment

WEEK: Final = 168.0
ROUNDS: Final = 60
FOLLOWED: Final = 50
"""So many of those that grew are followed, the largest growth first."""
MOST: Final = 10
"""So many processes are told of in a round, beside the watched ones."""


class LeakingDescriptorsSection(DetectorSection):
    """Limits in hours until the process's own limit is reached.

    margin: descriptors that the host must have given out anew before all are asked.
    window: how far back growth is looked at (default: sixty intervals). min_growth: in
    it, below which nothing is a leak.
    """

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=30
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    keep_firing_for: Duration = timedelta(minutes=5)
    warning: float = 8
    critical: float = 1
    window: Duration | None = None
    margin: Annotated[int, Field(ge=1)] = 256
    min_growth: Annotated[int, Field(ge=1)] = 64


@dataclass(slots=True)
class _Course:
    """The counts of one process over the last rounds, with their times."""

    points: list[tuple[float, float]] = field(default_factory=list)
    is_full: bool = False

    def add(self, at: float, count: int, window: float) -> None:
        self.points.append((at, float(count)))
        kept = [point for point in self.points if at - point[0] <= window]
        self.is_full |= len(kept) < len(self.points)
        self.points = kept[-2 * ROUNDS :]

    def grows(self, least: float) -> bool:
        """Say whether it is worth following: new, or grown in a whole window."""
        return not self.is_full or self.growth >= least

    @property
    def span(self) -> float:
        return self.points[-1][0] - self.points[0][0] if self.points else 0.0

    @property
    def growth(self) -> float:
        return self.points[-1][1] - self.points[0][1] if self.points else 0.0


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
        window = section.window or ROUNDS * section.interval
        self._window = window.total_seconds()
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
        trends = self._trends()
        if not trends and not watched:
            self._gauge.keep(set())
            return []
        subjects = self._subjects(trends) | set(watched)
        self._gauge.keep(subjects)
        found = [self._measure(s, opened, trends, now) for s in sorted(subjects)]
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
        self._courses = {p: self._courses.get(p) or _Course() for p in followed}
        for pid, course in self._courses.items():
            course.add(now.boot, opened[pid], self._window)
        self._remember(opened, new & followed)

    def _remember(self, opened: Mapping[int, int], begun: set[int]) -> None:
        """Keep the lowest count of each, from which growth is counted."""
        if len(self._known) > 2 * max(len(opened), AT_ONCE):
            self._known = {}  # most of it is about processes that have ended
        self._known |= {
            pid: count if pid in begun else min(self._known.get(pid, count), count)
            for pid, count in opened.items()
        }

    def _trends(self) -> dict[int, Trend]:
        """Return the trends, in descriptors per second, of those that grow steadily."""
        found = {
            pid: trend(course.points)
            for pid, course in self._courses.items()
            if course.growth >= self.section.min_growth
            and course.span >= self._window / 3
        }
        return {pid: its for pid, its in found.items() if its.grows}

    def _subjects(self, trends: Mapping[int, Trend]) -> set[str]:
        fastest = nlargest(MOST, trends, key=lambda pid: trends[pid].slope)
        rows = (self._host.sampler.process(pid) for pid in fastest)
        return {subject_of(row.key) for row in rows if row is not None}

    def _measure(
        self,
        subject: str,
        opened: Mapping[int, int],
        trends: Mapping[int, Trend],
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
        if course is None or course.span < self._window / 3:
            return self._named(self._gauge.unknown(now.wall, subject), name)
        limit = self._holding.limit(key[0])
        if limit is None or key[0] not in trends:
            return self._well(subject, now, f"{name} opens no more and more files.")
        return self._leaking(key, process, trends[key[0]], (opened[key[0]], limit), now)

    def _leaking(
        self,
        key: Key,
        process: ProcessFacts | None,
        its: Trend,
        room: tuple[int, int],
        now: Moment,
    ) -> Finding:
        count, limit = room
        hours = min(max(limit - count, 0) / its.slope / 3600, WEEK)
        name = process.name if process else f"pid {key[0]}"
        said = who(process) if process else name
        rate = f"{amount(3600 * its.slope, '')} per hour"
        text = (
            f"{said} opens {rate} that it never closes; they last {amount(hours, 'h')}."
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
