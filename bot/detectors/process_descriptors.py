"""One process has nearly as many files open as it may; then it accepts nobody (EMFILE).

Unit: percent of its own soft limit. Window: none, it is an amount. Limits: 80 and 95 %.
All processes are asked once after the start, then only when the host gave out `margin`
descriptors more than at its lowest since (`bot/measuring/holding.py`): who is near its limit is
asked in each round, and so are the watched ones. Culprit: the process itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.blame.suspects import key_of, process_facts, same_process, subject_of, who
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.host.procfs import ProcessRow
from bot.kernel import descriptors
from bot.measuring.gauge import Gauge
from bot.measuring.holding import Holding
from bot.model import Culprit, Fact, Finding, Level
from bot.text.words import amount
from remediation.moment import Moment
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone

MOST: Final = 10
"""So many processes are told of in a round, the nearest first, beside the watched."""
NEAR: Final = 50
"""So many that are near their limit are asked in each round."""
FEW: Final = 32
"""Who has fewer open is near no limit that anybody sets."""


class ProcessDescriptorsSection(DetectorSection):
    """Limits in percent of the process's own limit.

    margin: descriptors that the host must have given out anew before all are asked.
    """

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(seconds=30), alias="for")
    warning: float = 80
    critical: float = 95
    margin: Annotated[int, Field(ge=1)] = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one process has open, and may."""

    opened: int
    limit: int

    @property
    def percent(self) -> float:
        """Percent of its limit; it may have been lowered below what is open."""
        return min(100 * self.opened / max(self.limit, 1), 100.0)


class ProcessDescriptors:
    """Measures how near processes are to their own limit of open files."""

    name = "process_descriptors"
    Section = ProcessDescriptorsSection

    def __init__(self, section: ProcessDescriptorsSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Descriptors",
            unit="%",
            limits=section.limits(),
        )
        self._holding = Holding(host.sampler, section.margin)
        self._near: tuple[int, ...] = ()

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: the processes over a limit and the watched ones."""
        at = self._host.sampler.look(descriptors.allotted).at
        keys = {key for subject in watched if (key := key_of(subject))}
        uses = self._uses({*self._near, *(pid for pid, _ in keys)})
        nearest = sorted(uses, key=lambda pid: uses[pid].percent, reverse=True)
        limits = self._gauge.limits
        begin = limits.clear_warning / 2
        self._near = tuple(p for p in nearest[:NEAR] if uses[p].percent >= begin)
        least = min(limits.warning, limits.critical)
        over = [pid for pid in nearest[:MOST] if uses[pid].percent >= least]
        if not over and not watched:
            self._gauge.keep(set())
            return []
        rows = self._rows({*over, *(pid for pid, _ in keys)})
        subjects = {subject_of(rows[pid].key) for pid in over if pid in rows}
        subjects |= set(watched)
        self._gauge.keep(subjects)
        found = [self._measure(s, uses, rows, at) for s in sorted(subjects)]
        return [f for f in found if f.level is not Level.OK or f.subject in watched]

    def _uses(self, also: Collection[int]) -> Mapping[int, Use]:
        opened = self._holding.measure(also)
        return {
            pid: Use(opened=count, limit=limit)
            for pid, count in opened.items()
            if (count >= FEW or pid in also)
            and (limit := self._holding.limit(pid)) is not None
        }

    def _rows(self, pids: Collection[int]) -> Mapping[int, ProcessRow]:
        found = {pid: self._host.sampler.process(pid) for pid in pids}
        return {pid: row for pid, row in found.items() if row is not None}

    def _measure(
        self,
        subject: str,
        uses: Mapping[int, Use],
        rows: Mapping[int, ProcessRow],
        at: Moment,
    ) -> Finding:
        key = key_of(subject)
        if key is None:
            return self._named(self._gauge.unknown(at.wall, subject), subject)
        name = f"pid {key[0]}"
        try:
            process = same_process(self._host.facts, key)
        except Gone:
            text = f"The process with {name} has ended."
            return self._named(self._gauge.finding(0.0, text, at.wall, subject), name)
        use, row = uses.get(key[0]), rows.get(key[0])
        if use is None or row is None or row.key != key:
            return self._named(self._gauge.unknown(at.wall, subject), name)
        said = who(process) if process else row.name
        text = f"{said} has {use.opened:,} of {use.limit:,} descriptors open."
        found = self._gauge.finding(use.percent, text, at.wall, subject)
        return self._named(self._told(found, use, process), row.name)

    def _told(self, found: Finding, use: Use, process: ProcessFacts | None) -> Finding:
        shown = self._gauge.said(use.percent, found.level)
        limit = amount(use.limit, "")
        return replace(
            found,
            facts=(
                Fact(label="Descriptors open", value=f"{use.opened:,}, {shown}"),
                Fact(label="Its own limit", value=limit),
                *(process_facts(process) if process else ()),
            ),
            culprits=(Culprit(process=process, share=1.0, amount=use.percent),)
            if process
            else (),
        )

    def _named(self, found: Finding, name: str) -> Finding:
        return replace(found, label=f"Descriptors of {name}", is_passing=True)


DETECTOR = ProcessDescriptors
