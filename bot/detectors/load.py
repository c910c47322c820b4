"""More tasks want to run than there are cores for them.

Unit: load of the last minute per core: tasks that run, wait for a core, or wait for a
disk without being interruptible (proc_loadavg(5)). Window: the kernel's, a minute that
fades; but never more than there are at this instant, since the average falls for minutes
after all is well. Limits: at two per core everything takes about twice as long as it would
alone, at four a request that needs several turns is seen to hang (node-mixin warns at two).
As there, for fifteen minutes: builds start more jobs than there are cores. Culprits: CPU
time by process over the alert's `for`; none while the cores are idle half of the time, or
where half of the tasks wait for a disk, since nobody's CPU time tells whose they are.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from pydantic import Field

from bot.blame.blame import Blame, cpu_blame
from bot.blame.suspects import Trail
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, HostSample, Taken
from bot.kernel import loadavg, stat
from bot.kernel.loadavg import LoadAverage
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level


class LoadSection(DetectorSection):
    """Limits in tasks per core."""

    for_: Duration = Field(default=timedelta(minutes=15), alias="for")
    warning: float = 2
    critical: float = 4


class Load:
    """Measures how many tasks there are for each core."""

    name = "load"
    Section = LoadSection

    def __init__(self, section: LoadSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Load per core",
            unit="",
            limits=section.limits(),
        )
        self._trail = Trail(section.for_, section.interval)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the host's own finding is always in the answer."""
        del watched
        now = self._host.sampler.look(loadavg.read)
        sample = self._host.sampler.sample()
        if sample.cpu is None:
            return [self._gauge.unknown(now.at.wall)]
        blocked = self._host.sampler.look(stat.read).value.blocked
        wanting = now.value.running + blocked
        load = min(now.value.one, wanting) / sample.cpu.cores
        summary = f"{self._host.name} has a load of {load:.1f} per core."
        found = self._gauge.finding(load, summary, now.at.wall)
        is_stuck = 2 * blocked >= wanting
        blamed = self._blame(
            load, is_blamed=found.level is not Level.OK and not is_stuck
        )
        facts = (*self._facts(now, sample, found), *blamed.facts("the CPU"))
        return [
            replace(
                found,
                facts=facts,
                culprits=blamed.culprits,
                points_at=blamed.points_at,
                group="computing",
            )
        ]

    def _blame(self, load: float, *, is_blamed: bool) -> Blame:
        # Scans begin well below the limit, so that a window is there when it is passed.
        if load < self._gauge.limits.clear_warning / 2:
            return Blame()
        scan = self._host.sampler.processes()
        before = self._trail.exchange(scan)
        if before is None or not is_blamed:
            return Blame()
        return cpu_blame(before, scan, self._host.facts, load)

    def _facts(
        self, now: Taken[LoadAverage], sample: HostSample, found: Finding
    ) -> tuple[Fact, ...]:
        load, cores = now.value, sample.cpu.cores if sample.cpu else 1
        shown = self._gauge.said(found.value or 0.0, found.level)
        averages = f"{load.one:.1f}, {load.five:.1f}, {load.fifteen:.1f}"
        waiting = sample.pressure.get("cpu")
        return (
            Fact(label="Load per core", value=f"{shown} on {cores} cores"),
            Fact(label="Load over 1, 5, 15 min", value=averages),
            Fact(label="Running or waiting now", value=f"{load.running} tasks"),
            *(
                [Fact(label="Tasks waiting for CPU", value=f"{waiting.some:.0f} %")]
                if waiting
                else []
            ),
        )


DETECTOR = Load
