"""The host's memory is nearly used up.

Unit: percent of the memory that is available without swapping (MemAvailable); low is
bad. Window: none, it is an amount. Limits: below 10 % the kernel begins to drop what it
needs again; at 5 % the next large allocation ends in the OOM killer (node-mixin and
awesome-prometheus-alerts warn at 10 %). Culprits: anonymous memory by process, which is
what ending it would free, as a share of the used memory.
"""

from collections.abc import Collection
from datetime import timedelta

from pydantic import Field

from bot.blame.blame import Blame, memory_blame
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, HostSample
from bot.host.procfs import MemoryAmounts
from bot.measuring.levels import Levels, limit_of, with_limit
from bot.model import Fact, Finding, Level
from bot.text.words import amount


class MemorySection(DetectorSection):
    """Limits in percent of the total memory that is available."""

    for_: Duration = Field(default=timedelta(seconds=30), alias="for")
    warning: float = 10
    critical: float = 5


class Memory:
    """Measures how much memory is left."""

    name = "memory"
    Section = MemorySection

    def __init__(self, section: MemorySection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._levels = Levels(section.limits(above=False))

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the host's own finding is always in the answer."""
        del watched
        now = self._host.sampler.sample()
        return [self._finding(now, now.memory)]

    def _finding(self, now: HostSample, memory: MemoryAmounts | None) -> Finding:
        available = memory.available_percent if memory else None
        level = self._levels.judge("", available)
        found = self._blame(memory, level)
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject="",
            label="Memory available",
            unit="%",
            value=available,
            limits=self._levels.limits,
            level=level,
            summary=self._summary(memory, level, found),
            at=now.at.wall,
            series=self.name,
            facts=self._facts(now, level) + found.facts("the used memory"),
            culprits=found.culprits,
            points_at=found.points_at,
            group="memory",
        )

    def _blame(self, memory: MemoryAmounts | None, level: Level) -> Blame:
        if memory is None or level is Level.OK:
            return Blame()
        sampler = self._host.sampler
        try:
            scan = sampler.processes()
        except (OSError, ValueError):
            return Blame()
        used_percent = 100 - memory.available_percent
        return memory_blame(
            scan, memory.used_bytes, sampler, self._host.facts, used_percent
        )

    def _summary(self, memory: MemoryAmounts | None, level: Level, found: Blame) -> str:
        if memory is None:
            return f"The memory of {self._host.name} could not be measured."
        left = amount(memory.available_percent, "%")
        text = f"{self._host.name} has {left} of its memory available"
        if level is Level.OK:
            return f"{text}."
        text += f" {limit_of('%', self._levels.limits, level)}"
        return f"{text}{found.words('of what is used is held by')}."

    def _facts(self, now: HostSample, level: Level) -> tuple[Fact, ...]:
        memory = now.memory
        if memory is None:
            return ()
        shown = with_limit(memory.available_percent, "%", self._levels.limits, level)
        left = amount(memory.available_bytes, "B")
        facts = [
            Fact(
                label="Memory available",
                value=f"{shown}, {left} of {amount(memory.total_bytes, 'B')}",
            )
        ]
        if memory.swap_total_bytes:
            used = memory.swap_total_bytes - memory.swap_free_bytes
            facts.append(
                Fact(
                    label="Swap used",
                    value=f"{amount(used, 'B')} of {amount(memory.swap_total_bytes, 'B')}",
                )
            )
        if waiting := now.pressure.get("memory"):
            value = f"{amount(waiting.some, '%')} of the last 10 s"
            facts.append(Fact(label="Tasks waiting for memory", value=value))
        return tuple(facts)


DETECTOR = Memory
