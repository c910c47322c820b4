"""The hypervisor gives this machine's cores to somebody else.

Unit: percent of the time in which a core wanted to run and was not let; of all time, the
stolen included (`steal`, proc_stat(5)). Window: a minute. Limits: awesome-prometheus-
alerts (HostCpuStealNoisyNeighbor) warns above 10 %; from a quarter on everything takes a
third longer. Five minutes, because a live migration steals for less. Culprits: none, they
are on other machines; what runs here only notices.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, HostSample
from bot.host.procfs import CpuTimes
from bot.measuring.gauge import Gauge
from bot.measuring.rolling import Rolling
from bot.model import Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount

WINDOW: Final = timedelta(minutes=1)
_NOT_OURS: Final = NoAction(
    rule="not of this host",
    reason="the hypervisor gives the cores, and ending a process here gives none back",
    by_hand="vmstat 1 10; systemd-detect-virt",
)


class StealSection(DetectorSection):
    """Limits in percent of all time."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=10
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    warning: float = 10
    critical: float = 25


class Steal:
    """Measures the time that the hypervisor takes."""

    name = "steal"
    Section = StealSection

    def __init__(self, section: StealSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="CPU time stolen",
            unit="%",
            limits=section.limits(),
        )
        self._rolling: Rolling[HostSample] = Rolling(
            WINDOW, section.interval, lambda sample: _counters(sample.cpu)
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the first round only begins the window and judges nothing."""
        now = self._host.sampler.sample()
        if now.cpu is None:
            raise NotTold("the CPU's time is not told")
        before = self._rolling.exchange(now)
        total = now.cpu.total - before.cpu.total if before and before.cpu else 0
        if before is None or before.cpu is None or total <= 0:
            return [self._gauge.unknown(now.at.wall)] if "" in watched else []
        stolen = 100 * (now.cpu.steal - before.cpu.steal) / total
        return [self._finding(now, min(stolen, 100.0))]

    def _finding(self, now: HostSample, stolen: float) -> Finding:
        summary = f"The hypervisor takes {amount(stolen, '%')} of the time of {self._host.name}'s cores."
        found = self._gauge.finding(stolen, summary, now.at.wall)
        found = replace(found, looks_back=WINDOW / 2)
        if found.level is Level.OK:
            return found
        fact = Fact(label="Stolen", value=self._gauge.said(stolen, found.level))
        return replace(found, facts=(fact,), no_action=_NOT_OURS)


def _counters(cpu: CpuTimes | None) -> tuple[int, int]:
    return (0, 0) if cpu is None else (cpu.steal, cpu.busy)


DETECTOR = Steal
