"""Swap fills up and is used all the time.

Unit: percent of the swap that is used. Window: a minute for its traffic. Limits:
awesome-prometheus-alerts (HostSwapIsFillingUp) and Netdata (`used_swap`) warn at 80 % and
Netdata is critical at 98 %; here at 95 %. Used swap alone is harmless, as pages that
nobody needs lie there for weeks; so it counts only while pages move, at least a hundred
each second (0.4 MB) as a mean of that minute. A nightly job that pushed others out moves
pages for some minutes without swap being full. A host without swap has nothing to fill.
Culprits: none, as who lies in swap was pushed there, and is not who makes pages move; the
card says what lies there of whom.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from heapq import nlargest
from operator import itemgetter
from typing import Annotated, Final

from pydantic import Field

from bot.blame.suspects import (
    LEAST_SHARE,
    TOP,
    Suspect,
    culprit_facts,
    culprits,
)
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, Taken
from bot.host.procfs import MemoryAmounts, ProcessRow
from bot.kernel import vmstat
from bot.kernel.vmstat import MemoryEvents
from bot.measuring.gauge import Gauge
from bot.measuring.rolling import Rolling
from bot.model import Culprit, Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount

WINDOW: Final = timedelta(minutes=1)
MOVING: Final = 100
"""Pages per second, in and out together, from which on swap is being used."""
_READ: Final = 5000
"""Of so many processes at most it is read what lies in swap."""
_NOBODY: Final = NoAction(
    rule="no culprit",
    reason="who lies in swap was pushed there, and is not who makes its pages move",
    by_hand="vmstat 1 5; ps -eo pid,rss,comm --sort=-rss | head",
)


class SwapSection(DetectorSection):
    """Limits in percent of the swap."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=10
    )
    for_: Duration = Field(default=timedelta(minutes=2), alias="for")
    warning: float = 80
    critical: float = 95


class Swap:
    """Measures how full swap is, and whether its pages move."""

    name = "swap"
    Section = SwapSection

    def __init__(self, section: SwapSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Swap used",
            unit="%",
            limits=section.limits(),
        )
        self._rolling: Rolling[Taken[MemoryEvents]] = Rolling(
            WINDOW, section.interval, lambda taken: _moved(taken.value)
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the first round only begins the window and judges nothing."""
        memory = self._host.sampler.sample().memory
        if memory is None:
            raise NotTold("what is used of swap is not told")
        now = self._host.sampler.look(vmstat.read)
        total = memory.swap_total_bytes
        if not total:
            nothing = f"{self._host.name} has no swap."
            return [self._gauge.finding(0, nothing, now.at.wall)]
        before = self._rolling.exchange(now)
        if before is None:
            return [self._gauge.unknown(now.at.wall)] if "" in watched else []
        window = now.at.boot - before.at.boot
        pairs = zip(_moved(before.value), _moved(now.value), strict=True)
        rates = [(new - old) / window for old, new in pairs]
        used = total - min(memory.swap_free_bytes, total)
        return [self._finding(now, memory, used, rates)]

    def _finding(
        self,
        now: Taken[MemoryEvents],
        memory: MemoryAmounts,
        used: int,
        rates: Collection[float],
    ) -> Finding:
        full = 100 * used / memory.swap_total_bytes
        text = f"{self._host.name} uses {amount(full, '%')} of its swap"
        found = self._gauge.finding(full, f"{text}.", now.at.wall)
        found = replace(found, group="memory", looks_back=WINDOW / 2)
        if found.level is Level.OK or sum(rates) < MOVING:
            return replace(found, level=Level.OK)
        pages_in, pages_out = rates
        moves = f"{pages_in:,.0f} pages in and {pages_out:,.0f} out per second"
        shown = self._gauge.said(full, found.level)
        of = f"{amount(used, 'B')} of {amount(memory.swap_total_bytes, 'B')}"
        facts = (
            Fact(label="Swap used", value=f"{shown}, {of}"),
            Fact(label="Swapping", value=moves),
            *culprit_facts(self._held(used, full), "the swap"),
        )
        summary = f"{text} and goes on swapping."
        return replace(found, summary=summary, facts=facts, no_action=_NOBODY)

    def _held(self, used: int, full: float) -> tuple[Culprit, ...]:
        sampler = self._host.sampler
        rows = nlargest(_READ, sampler.processes().rows.values(), key=_rss)
        held = [(sampler.swapped_bytes(row.pid) or 0, row) for row in rows]
        suspects = [
            Suspect(row=row, share=min(size / used, 1.0))
            for size, row in nlargest(TOP, held, key=itemgetter(0))
            if size >= LEAST_SHARE * used
        ]
        return culprits(suspects, self._host.facts, full)


def _rss(row: ProcessRow) -> int:
    return row.rss_pages


def _moved(events: MemoryEvents) -> tuple[int, int]:
    return events.swapped_in or 0, events.swapped_out or 0


DETECTOR = Swap
