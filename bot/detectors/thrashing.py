"""Memory is too small for what is used now: pages that were dropped come back at once.

Unit: page faults per second that had to wait for a disk (`pgmajfault`). Window: a minute.
Limits: awesome-prometheus-alerts (HostMemoryUnderMemoryPressure) warns at 1,000; five
thousand keep a disk busy with nothing else. A program that starts, or a backup that maps
files, faults as well, but on pages that nobody had just dropped; so it counts only while
at least as many pages per second come back (`workingset_refault`), and, where the kernel
measures it, tasks lose 5 % of the last minute waiting for memory (PSI `some`). Culprits:
held memory, as a share of what is used.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Final

from pydantic import Field

from bot.blame.suspects import culprit_facts, culprits, memory_suspects, percent, who
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, Taken
from bot.kernel import pressure, vmstat
from bot.kernel.vmstat import MemoryEvents
from bot.measuring.gauge import Gauge
from bot.measuring.rolling import Rolling
from bot.model import Culprit, Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount

WINDOW: Final = timedelta(minutes=1)
_LOST: Final = 5.0
_NOBODY: Final = NoAction(
    rule="no culprit",
    reason="no process holds half of the used memory",
    by_hand="ps -eo pid,rss,comm --sort=-rss | head; vmstat 1 5",
)


class ThrashingSection(DetectorSection):
    """Limits in major page faults per second."""

    for_: Duration = Field(default=timedelta(seconds=60), alias="for")
    warning: float = 1000
    critical: float = 5000


class Thrashing:
    """Measures how often tasks wait for pages that were just thrown away."""

    name = "thrashing"
    Section = ThrashingSection

    def __init__(self, section: ThrashingSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Major page faults",
            unit="per s",
            limits=section.limits(),
        )
        self._rolling: Rolling[Taken[MemoryEvents]] = Rolling(
            WINDOW, section.interval, lambda taken: _counts(taken.value)
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the first round only begins the window and judges nothing."""
        now = self._host.sampler.look(vmstat.read)
        if now.value.major_faults is None or now.value.refaults is None:
            raise NotTold("this kernel does not count major faults and refaults")
        before = self._rolling.exchange(now)
        if before is None:
            return [self._gauge.unknown(now.at.wall)] if "" in watched else []
        window = now.at.boot - before.at.boot
        pairs = zip(_counts(before.value), _counts(now.value), strict=True)
        faults, refaults = ((new - old) / window for old, new in pairs)
        return [self._finding(now, faults, refaults)]

    def _finding(
        self, now: Taken[MemoryEvents], faults: float, refaults: float
    ) -> Finding:
        text = f"{self._host.name} waits {amount(faults, '')} times per second for pages on a disk"
        found = self._gauge.finding(faults, f"{text}.", now.at.wall)
        found = replace(found, group="memory", looks_back=WINDOW / 2)
        lost = self._lost()
        is_cold = refaults < faults or (lost is not None and lost < _LOST)
        if found.level is Level.OK or is_cold:
            return replace(found, level=Level.OK)
        blamed = self._culprits(faults)
        facts = (
            Fact(
                label="Faults per second", value=self._gauge.said(faults, found.level)
            ),
            Fact(label="Pages that came back", value=f"{refaults:,.0f} per second"),
            *([] if lost is None else [_waited(lost)]),
            *culprit_facts(blamed, "the used memory"),
        )
        tops = [f"; {who(c.process)} holds {percent(c.share)}" for c in blamed[:1]]
        summary = f"{text} that were just dropped{''.join(tops)}."
        return replace(
            found, summary=summary, facts=facts, culprits=blamed, no_action=_NOBODY
        )

    def _lost(self) -> float | None:
        """Return percent of the last minute; None where the kernel does not measure it."""
        try:
            return self._host.sampler.look(pressure.read).value["memory"].some_60
        except NotTold:
            return None

    def _culprits(self, faults: float) -> tuple[Culprit, ...]:
        memory = self._host.sampler.sample().memory
        if memory is None:
            return ()
        scan, sampler = self._host.sampler.processes(), self._host.sampler
        suspects = memory_suspects(scan, memory.used_bytes, sampler)
        return culprits(suspects, self._host.facts, faults)


def _waited(lost: float) -> Fact:
    return Fact(label="Tasks waiting for memory", value=f"{lost:.0f} % of a minute")


def _counts(events: MemoryEvents) -> tuple[int, int]:
    return events.major_faults or 0, events.refaults or 0


DETECTOR = Thrashing
