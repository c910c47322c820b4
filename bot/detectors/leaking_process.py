"""One process's memory grows without end.

Unit: hours until the memory that is available (or the limit of its cgroup) is used up
at the rate of its growth; low is bad, a week or more counts as a week. Window: sixty
rounds; judged from a third of them on. Limits: within eight hours it ends in somebody's
shift, within one the OOM killer comes before the meeting ends. A trend counts that is
steady, still going on in the newer half, of at least `min_growth_mb`, and of anonymous
memory (files that are being read are dropped when needed). See `bot/measuring/trend.py`. While the
memory that the host uses has not risen by as much, no process is looked at.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.blame.suspects import key_of, process_facts, same_process, subject_of, who
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, HostSample, ProcessScan
from bot.host.procfs import Key, ProcessRow
from bot.measuring.growth import Growth, Rise
from bot.measuring.levels import Levels, with_limit
from bot.measuring.trend import Trend
from bot.model import Culprit, Fact, Finding, Level
from bot.text.words import amount
from remediation.moment import Moment
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone

WEEK = 168.0
ROUNDS = 60


class LeakSection(DetectorSection):
    """Limits in hours until the memory is used up.

    window: how far back growth is looked at (default: sixty intervals).
    min_growth_mb: growth in the window below which nothing is a leak.
    """

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=30
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    keep_firing_for: Duration = timedelta(minutes=5)
    warning: float = 8
    critical: float = 1
    window: Duration | None = None
    min_growth_mb: Annotated[float, Field(gt=0)] = 32


class LeakingProcess:
    """Measures how long the memory lasts for each process that grows."""

    name = "leaking_process"
    Section = LeakSection

    def __init__(self, section: LeakSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._levels = Levels(section.limits(above=False))
        window = section.window or ROUNDS * section.interval
        self._least_bytes = int(section.min_growth_mb * 1e6)
        self._rise = Rise(window, section.interval)
        self._growth = Growth(
            host.sampler,
            window=window,
            interval=section.interval,
            least_bytes=self._least_bytes,
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: the processes that leak and the watched ones."""
        sample = self._host.sampler.sample()
        if not self._has_risen(sample) and not watched:
            self._levels.keep(())
            return []
        try:
            now = self._host.sampler.processes()
        except (OSError, ValueError):
            return [self._unknown(subject, sample.at) for subject in sorted(watched)]
        self._growth.add(now)
        trends = self._growth.trends()
        subjects = {subject_of(key) for key in trends} | set(watched)
        self._levels.keep(subjects)
        left = sample.memory.available_bytes if sample.memory else None
        found = [self._measure(s, trends, left, now) for s in sorted(subjects)]
        return [f for f in found if f.level is not Level.OK or f.subject in watched]

    def _has_risen(self, sample: HostSample) -> bool:
        if sample.memory is None:
            return False
        risen = self._rise.add(sample.at, sample.memory.used_bytes)
        return risen >= self._least_bytes

    def _measure(
        self, subject: str, trends: dict[Key, Trend], left: int | None, now: ProcessScan
    ) -> Finding:
        key = key_of(subject)
        unknown = self._unknown(subject, now.at)
        if key is None:
            return unknown
        try:
            process = same_process(self._host.facts, key)
        except Gone:
            name = f"pid {key[0]}"
            return self._judged(unknown, WEEK, name, f"The process with {name} ended.")
        if left is None or not self._growth.knows(key):
            return unknown
        row, trend = now.rows[key], trends.get(key)
        if trend is None:
            return self._judged(unknown, WEEK, row.name, f"{row.name} grows no more.")
        return self._leaking(unknown, row, trend, process, left)

    def _leaking(
        self,
        unknown: Finding,
        row: ProcessRow,
        trend: Trend,
        process: ProcessFacts | None,
        left: int,
    ) -> Finding:
        limited = (
            self._host.sampler.cgroup_left_bytes(process.cgroup) if process else None
        )
        room = left if limited is None else min(left, limited)
        hours = min(room / trend.slope / 3600, WEEK)
        said = who(process) if process else row.name
        rate = f"{amount(3600 * trend.slope, 'B')} per hour"
        summary = f"{said} grows by {rate}; the memory lasts {amount(hours, 'h')}."
        judged = self._judged(unknown, hours, row.name, summary)
        shown = with_limit(hours, "h", self._levels.limits, judged.level)
        culprit = Culprit(process=process, share=1.0, amount=hours) if process else None
        return replace(
            judged,
            facts=(
                Fact(label="Memory lasts", value=shown),
                Fact(label="Growth", value=rate),
                Fact(label="Resident memory", value=amount(row.rss_bytes, "B")),
                Fact(label="Room left", value=amount(room, "B")),
                *(process_facts(process) if process else ()),
            ),
            culprits=(culprit,) if culprit else (),
        )

    def _judged(
        self, unknown: Finding, hours: float, name: str, summary: str
    ) -> Finding:
        return replace(
            unknown,
            label=f"Memory time left ({name})",
            value=hours,
            level=self._levels.judge(unknown.subject, hours),
            summary=summary,
        )

    def _unknown(self, subject: str, at: Moment) -> Finding:
        key = key_of(subject)
        name = f"pid {key[0]}" if key else subject
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject=subject,
            is_passing=True,
            label=f"Memory time left ({name})",
            unit="h",
            value=None,
            limits=self._levels.limits,
            level=Level.UNKNOWN,
            summary=f"The growth of {name} is not known yet.",
            at=at.wall,
            series=f"{self.name}/{subject}",
        )


DETECTOR = LeakingProcess
