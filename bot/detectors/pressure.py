"""Tasks lose their time waiting for the CPU, for memory or for a disk (PSI).

Unit: percent of the time; of memory and disks that in which all tasks waited at once
(`full`), of the CPU that in which one did (`some`). Window: the kernel's, 10 s for memory
and a minute for the others. Limits: systemd-oomd kills at 60 % for 30 s (oomd.conf(5)),
so for memory 10 warns and 40 is critical. A compile, a backup or a batch makes somebody
wait for hours and that is work, so the CPU must be short for 15 minutes, and a disk
counts only while on average three tasks wait for it, five minutes long. Memory counts only
while less than 20 % of the host's is available, or pages moved to or from swap in the last
10 s: a container at its own limit waits as well, and nobody else takes its memory. One
subject for each. A stall that the kernel tells of has a round at once (`bot/runtime/early.py`), so
that the time to the card does not hang on the interval. Culprits: CPU time of the last
while; held memory; none for disks, as the bytes of other users' processes are not told to
the bot.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from pydantic import Field

from bot.blame.suspects import (
    Trail,
    cpu_suspects,
    culprit_facts,
    culprits,
    memory_suspects,
    percent,
    who,
)
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, Taken
from bot.kernel import pressure, stat, vmstat
from bot.kernel.pressure import Stalls
from bot.kernel.vmstat import MemoryEvents
from bot.measuring.gauge import Gauge
from bot.measuring.rolling import Mean, Rolling
from bot.model import Culprit, Fact, Finding, Level, Limits, NoAction
from bot.ports import NotTold
from bot.text.words import amount

CPU: Final = Limits(warning=80, critical=95, clear_warning=70, clear_critical=90)
IO: Final = Limits(warning=40, critical=80, clear_warning=30, clear_critical=70)
CROWD: Final = 3
"""So many tasks must wait for disks, on average over a minute, for it to be a crowd."""
_PLENTY: Final = 20
"""Percent of the host's memory; with so much available it is short for nobody."""
_SWAP_WINDOW: Final = timedelta(seconds=10)
_CPU_FOR: Final = timedelta(minutes=15)
_IO_FOR: Final = timedelta(minutes=5)
_FOR: Final = {"cpu": "a core", "memory": "memory", "io": "a disk"}
_OF: Final = {"cpu": "the CPU", "memory": "the used memory", "io": "the disks"}
_BY_HAND: Final = {
    "cpu": "top -o %CPU",
    "memory": "ps -eo pid,rss,comm --sort=-rss | head",
    "io": "pidstat -d 1 3; iostat -xz 1 3",
}


class PressureSection(DetectorSection):
    """Limits of memory, in percent of the last 10 s."""

    for_: Duration = Field(default=timedelta(seconds=30), alias="for")
    warning: float = 10
    critical: float = 40


class Pressure:
    """Measures the time that is lost to waiting, by resource."""

    name = "pressure"
    Section = PressureSection

    def __init__(self, section: PressureSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        limits = {"cpu": CPU, "memory": section.limits(), "io": IO}
        self._gauges = {name: self._gauge(name, limits[name]) for name in limits}
        self._trail = Trail(timedelta(minutes=1), section.interval)
        self._crowd = Mean(timedelta(minutes=1))
        self._swap: Rolling[Taken[MemoryEvents]] = Rolling(
            _SWAP_WINDOW, section.interval, lambda taken: [_moved(taken.value)]
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: always all three."""
        del watched
        now = self._host.sampler.look(pressure.read)
        return [self._finding(name, now) for name in self._gauges]

    def _gauge(self, name: str, limits: Limits) -> Gauge:
        return Gauge(
            detector=self.name,
            host=self._host.name,
            label=f"Tasks waiting for {_FOR[name]}",
            unit="%",
            limits=limits,
        )

    def _finding(self, name: str, now: Taken[Mapping[str, Stalls]]) -> Finding:
        stalls, gauge = now.value[name], self._gauges[name]
        lost = {"cpu": stalls.some_60, "memory": stalls.full_10, "io": stalls.full_60}
        value = lost[name]
        found = gauge.finding(value, self._summary(name, value), now.at.wall, name)
        found = replace(
            found,
            hold_for=self._hold(name),
            group=_GROUP[name],
            looks_back=_LOOKS_BACK[name],
        )
        if not self._is_short(name):
            return replace(found, level=Level.OK)
        blamed = self._culprits(name, value, found.level)
        if found.level is Level.OK:
            return found
        facts = (
            Fact(label="Time lost", value=gauge.said(value, found.level)),
            Fact(label="At least one waited", value=f"{stalls.some_10:.0f} % of 10 s"),
            Fact(label="All waited", value=f"{stalls.full_10:.0f} % of 10 s"),
            *culprit_facts(blamed, _OF[name]),
        )
        summary = self._summary(name, value, blamed)
        none = NoAction(rule="no culprit", reason=_WHY[name], by_hand=_BY_HAND[name])
        return replace(
            found, summary=summary, facts=facts, culprits=blamed, no_action=none
        )

    def _hold(self, name: str) -> timedelta | None:
        """Return what is longer than the detector's own, as long as that is the default."""
        if "for_" in self.section.model_fields_set:
            return None
        return {"cpu": _CPU_FOR, "io": _IO_FOR}.get(name)

    def _is_short(self, name: str) -> bool:
        """Say whether the whole host is short of it."""
        if name == "io":
            return self._is_crowd()
        return name != "memory" or self._is_memory_short()

    def _is_memory_short(self) -> bool:
        is_swapping = self._is_swapping()
        memory = self._host.sampler.sample().memory
        return is_swapping or memory is None or memory.available_percent < _PLENTY

    def _is_swapping(self) -> bool:
        try:
            now = self._host.sampler.look(vmstat.read)
        except NotTold:
            return False
        before = self._swap.exchange(now)
        return before is not None and _moved(now.value) > _moved(before.value)

    def _is_crowd(self) -> bool:
        stats = self._host.sampler.look(stat.read)
        return self._crowd.of(stats.value.blocked, stats.at) >= CROWD

    def _culprits(self, name: str, value: float, level: Level) -> tuple[Culprit, ...]:
        near = value >= self._gauges[name].limits.clear_warning / 2
        if name == "io" or not near or (name == "memory" and level is Level.OK):
            return ()
        scan = self._host.sampler.processes()
        if name == "cpu":
            before = self._trail.exchange(scan)
            if before is None or level is Level.OK:
                return ()
            return culprits(cpu_suspects(before, scan), self._host.facts, value)
        memory = self._host.sampler.sample().memory
        if memory is None:
            return ()
        suspects = memory_suspects(scan, memory.used_bytes, self._host.sampler)
        return culprits(suspects, self._host.facts, value)

    def _summary(
        self, name: str, value: float, blamed: Collection[Culprit] = ()
    ) -> str:
        who_waits = "some task waited" if name == "cpu" else "all tasks waited"
        text = f"On {self._host.name} {who_waits} for {_FOR[name]} {amount(value, '%')} of the time"
        for top in blamed:
            part = f"{percent(top.share)} of {_OF[name]}"
            return f"{text}; {who(top.process)} has {part}."
        return f"{text}."


def _moved(events: MemoryEvents) -> int:
    return (events.swapped_in or 0) + (events.swapped_out or 0)


_LOOKS_BACK: Final = {
    "cpu": timedelta(minutes=1),
    "memory": timedelta(seconds=10),
    "io": timedelta(minutes=1),
}
_GROUP: Final = {"cpu": "computing", "memory": "memory", "io": "storage"}
_WHY: Final = {
    "cpu": "no process used half of the CPU",
    "memory": "no process holds half of the used memory",
    "io": "who reads and writes so much is told to nobody but root",
}
DETECTOR = Pressure
