"""The host's CPU is saturated.

Unit: percent of the time of all cores; I/O wait counts as idle, and so does what runs at
low priority (`nice`): a team says with it that a backup or batch may take its time. That is
the team's word and not the kernel's guarantee, since nice does not count between sessions
(`sched_autogroup`, sched(7)) or cgroups. Time that the hypervisor stole counts as neither.
Window: one round. Limits: above 85 % the queues of a random load already grow faster than
the load (M/M/1: 5.7 requests wait); at 95 % nothing is left for the unexpected. Five minutes, because a build or a report uses all
cores for some, and nobody waits (Netdata takes the mean of ten). Culprits: CPU time by
process over the alert's `for`; nobody's while the cores are idle half of the time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

from bot.blame.blame import Blame, cpu_blame
from bot.blame.suspects import Trail
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, HostSample, Previous
from bot.host.procfs import CpuTimes
from bot.measuring.levels import Levels, limit_of, with_limit
from bot.model import Fact, Finding, Level
from bot.text.words import amount


class CpuSection(DetectorSection):
    """Limits in percent of all cores."""

    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    warning: float = 85
    critical: float = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Percent of the cores' time in one window; steal of all time, the others without.

    polite: at low priority, not part of busy.
    """

    busy: float
    polite: float
    iowait: float
    steal: float
    cores: int


class Cpu:
    """Measures how busy all cores are together."""

    name = "cpu"
    Section = CpuSection

    def __init__(self, section: CpuSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._levels = Levels(section.limits())
        self._previous: Previous[HostSample] = Previous(section.interval)
        self._trail = Trail(section.for_, section.interval)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the first round only begins the window and judges nothing."""
        now = self._host.sampler.sample()
        before = self._previous.exchange(now)
        if now.cpu is None:
            return [self._finding(now, None)]
        usage = usage_between(before.cpu, now.cpu) if before and before.cpu else None
        if usage is None:
            return [self._finding(now, None)] if "" in watched else []
        return [self._finding(now, usage)]

    def _finding(self, now: HostSample, usage: Usage | None) -> Finding:
        busy = usage.busy if usage else None
        level = self._levels.judge("", busy)
        found = self._blame(busy or 0.0)
        bad = level in (Level.WARNING, Level.CRITICAL)
        shown = found if bad else Blame()
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject="",
            label="CPU",
            unit="%",
            value=busy,
            limits=self._levels.limits,
            level=level,
            summary=self._summary(usage, level, shown),
            at=now.at.wall,
            series=self.name,
            facts=self._facts(usage, now, level) + shown.facts("the busy time"),
            culprits=shown.culprits,
            points_at=shown.points_at,
            group="computing",
        )

    def _blame(self, busy: float) -> Blame:
        # Scans begin well below the limit, so that a window is there when it is passed.
        if busy < self._levels.limits.clear_warning / 2:
            return Blame()
        try:
            now = self._host.sampler.processes()
        except (OSError, ValueError):
            return Blame()
        before = self._trail.exchange(now)
        if before is None or busy < self._levels.limits.clear_warning:
            return Blame()
        return cpu_blame(before, now, self._host.facts, busy)

    def _summary(self, usage: Usage | None, level: Level, found: Blame) -> str:
        if usage is None:
            return f"The CPU of {self._host.name} could not be measured."
        limit = limit_of("%", self._levels.limits, level)
        text = f"The CPU of {self._host.name} is {amount(usage.busy, '%')} busy"
        if level is Level.OK:
            return f"{text}."
        return f"{text} {limit}{found.words('of it by')}."

    def _facts(
        self, usage: Usage | None, now: HostSample, level: Level
    ) -> tuple[Fact, ...]:
        if usage is None:
            return ()
        shown = with_limit(usage.busy, "%", self._levels.limits, level)
        facts = [Fact(label="CPU", value=f"{shown} of {usage.cores} cores")]
        if usage.polite >= 1:
            facts.append(Fact(label="At low priority", value=amount(usage.polite, "%")))
        if usage.iowait >= 1:
            facts.append(Fact(label="Waiting for I/O", value=amount(usage.iowait, "%")))
        if usage.steal >= 1:
            facts.append(
                Fact(label="Stolen by the hypervisor", value=amount(usage.steal, "%"))
            )
        if waiting := now.pressure.get("cpu"):
            facts.append(
                Fact(
                    label="Tasks waiting for CPU",
                    value=f"{amount(waiting.some, '%')} of the last 10 s",
                )
            )
        return tuple(facts)


def usage_between(before: CpuTimes, now: CpuTimes) -> Usage | None:
    """Return the usage between two readings; None where a counter was set back."""
    busy = now.urgent - before.urgent
    polite = now.polite - before.polite
    # The kernel lets iowait fall a little now and then: proc_stat(5).
    iowait = max(now.iowait - before.iowait, 0)
    idle = now.idle - before.idle
    steal = max(now.steal - before.steal, 0)
    given = busy + polite + idle + iowait
    if min(busy, polite, idle) < 0 or given <= 0:
        return None
    return Usage(
        busy=100 * busy / given,
        polite=100 * polite / given,
        iowait=100 * iowait / given,
        steal=100 * steal / (given + steal),
        cores=now.cores,
    )


DETECTOR = Cpu
