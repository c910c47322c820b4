"""Cores are idle because many tasks wait for disks.

Unit: percent of the time of all cores in which nothing could run and something waited
(`iowait`, proc_stat(5)). Window: a minute. Limits: Netdata's `10min_cpu_iowait` warns
between 20 and 40 %; here 40 warns and 70 is critical. One backup makes the cores wait for
hours and harms nobody, so it counts only while on average three tasks wait (`procs_blocked`).
The figure is only a hint, since it falls as soon as anybody computes; `pressure` says how
much time is lost. Culprits: none, as the bytes of other users' processes are not told to
the bot.
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
from bot.kernel import stat
from bot.measuring.gauge import Gauge
from bot.measuring.rolling import Mean, Rolling
from bot.model import Fact, Finding, Level, NoAction
from bot.text.words import amount

WINDOW: Final = timedelta(minutes=1)
CROWD: Final = 3
_UNTOLD: Final = NoAction(
    rule="no culprit",
    reason="who reads and writes so much is told to nobody but root",
    by_hand="pidstat -d 1 3; iostat -xz 1 3",
)


class IowaitSection(DetectorSection):
    """Limits in percent of the time of all cores."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=10
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    warning: float = 40
    critical: float = 70


class Iowait:
    """Measures the time in which cores wait for disks, and how many tasks do."""

    name = "iowait"
    Section = IowaitSection

    def __init__(self, section: IowaitSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Waiting for disks",
            unit="%",
            limits=section.limits(),
        )
        # The kernel lets iowait fall a little now and then: proc_stat(5).
        self._rolling: Rolling[HostSample] = Rolling(
            WINDOW, section.interval, lambda sample: _counters(sample.cpu)
        )
        self._crowd = Mean(WINDOW)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the first round only begins the window and judges nothing."""
        stats = self._host.sampler.look(stat.read)
        waiting = self._crowd.of(stats.value.blocked, stats.at)
        now = self._host.sampler.sample()
        before = self._rolling.exchange(now)
        share = _waited(before, now)
        if share is None:
            return [self._gauge.unknown(now.at.wall)] if "" in watched else []
        summary = f"The cores of {self._host.name} wait for disks {amount(share, '%')} of the time."
        found = self._gauge.finding(share, summary, now.at.wall)
        found = replace(found, group="storage", looks_back=WINDOW / 2)
        if found.level is Level.OK or waiting < CROWD:
            return [replace(found, level=Level.OK)]
        facts = (
            Fact(label="I/O wait", value=self._gauge.said(share, found.level)),
            Fact(label="Tasks that wait", value=f"{amount(waiting, '')} on average"),
        )
        return [replace(found, facts=facts, no_action=_UNTOLD)]


def _waited(before: HostSample | None, now: HostSample) -> float | None:
    """Return percent of the window; None where there is none."""
    if before is None or before.cpu is None or now.cpu is None:
        return None
    total = now.cpu.total - before.cpu.total
    if total <= 0:
        return None
    return min(100 * max(now.cpu.iowait - before.cpu.iowait, 0) / total, 100.0)


def _counters(cpu: CpuTimes | None) -> tuple[int, int]:
    return (0, 0) if cpu is None else (cpu.idle, cpu.busy)


DETECTOR = Iowait
