"""One process uses the CPU without end.

Unit: percent of one core, so two busy threads are 200. Window: one round. Limits: 90 %
is a thread that never waits (a loop without an end, a regular expression gone wild),
190 % two of them; five minutes are longer than what people start and watch. Culprit:
the process itself. While the whole host uses less than one process would have to, no
process is looked at. The bot leaves itself out: what it reads of past incidents costs
some seconds of CPU, nobody may act on it here, and /metrics tells of it. What a team runs
at a nice value of 10 or more is well, whatever it uses: that is a batch's; 1 to 9, which
desktops and shells give to all kinds of things, is judged as usual.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.blame.suspects import (
    cpu_percents,
    key_of,
    process_facts,
    same_process,
    subject_of,
    who,
)
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, HostSample, Previous, ProcessScan
from bot.host.procfs import Key, ProcessRow
from bot.measuring.levels import Levels, with_limit
from bot.model import Culprit, Fact, Finding, Level
from remediation.moment import Moment
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone
from remediation.target.procfs import TICKS_PER_SECOND

UNIT = "% of one core"
POLITE = 10
"""From this nice value on a process may use what it likes; it is what `nice` gives."""
MOST = 10
"""So many processes are looked at in a round, the watched ones included."""


class RunawaySection(DetectorSection):
    """Limits in percent of one core."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=10
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    warning: float = 90
    critical: float = 190


class RunawayProcess:
    """Measures the CPU use of each process, when the host's own is high enough."""

    name = "runaway_process"
    Section = RunawaySection

    def __init__(self, section: RunawaySection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._levels = Levels(section.limits())
        self._sample: Previous[HostSample] = Previous(section.interval)
        self._scan: Previous[ProcessScan] = Previous(section.interval)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: the processes over a limit and the watched ones.

        The first busy round only begins the window.
        """
        sample = self._host.sampler.sample()
        if self._is_calm(sample) and not watched:
            self._levels.keep(())
            return []
        try:
            now = self._host.sampler.processes()
        except (OSError, ValueError):
            return [self._unknown(subject, sample.at) for subject in sorted(watched)]
        before = self._scan.exchange(now)
        percents = cpu_percents(before, now) if before else None
        usual = {k: p for k, p in (percents or {}).items() if now.rows[k].nice < POLITE}
        subjects = self._over(usual, len(watched)) | set(watched)
        self._levels.keep(subjects)
        found = [self._measure(s, percents, now) for s in sorted(subjects)]
        return [f for f in found if f.level is not Level.OK or f.subject in watched]

    def _is_calm(self, now: HostSample) -> bool:
        """Say whether all processes together use less than one of them would have to."""
        before = self._sample.exchange(now)
        if before is None or before.cpu is None or now.cpu is None:
            return False
        window = now.at.boot - before.at.boot
        busy = (now.cpu.busy - before.cpu.busy) / TICKS_PER_SECOND
        return 0 <= 100 * busy / window < self._levels.limits.clear_warning

    def _over(self, percents: Mapping[Key, float], watched: int) -> set[str]:
        """Return the subjects over a limit: the largest, together with the watched ten."""
        least = min(self._levels.limits.warning, self._levels.limits.critical)
        mine = os.getpid()
        over = [k for k, used in percents.items() if used >= least and k[0] != mine]
        over.sort(key=lambda key: percents[key], reverse=True)
        return {subject_of(key) for key in over[: max(MOST - watched, 0)]}

    def _measure(
        self, subject: str, percents: dict[Key, float] | None, now: ProcessScan
    ) -> Finding:
        key = key_of(subject)
        if key is None:
            return self._unknown(subject, now.at)
        try:
            process = same_process(self._host.facts, key)
        except Gone:
            return self._ended(subject, key, now.at)
        # Alive and yet not in the scan: hidden from it, which says nothing of its use.
        if percents is None or key not in now.rows:
            return self._unknown(subject, now.at)
        used = percents.get(key, 0.0)
        unknown = self._unknown(subject, now.at)
        return self._judged(unknown, used, process, now.rows[key])

    def _judged(
        self,
        unknown: Finding,
        used: float,
        process: ProcessFacts | None,
        row: ProcessRow,
    ) -> Finding:
        is_polite, name = row.nice >= POLITE, row.name
        level = self._levels.judge(unknown.subject, 0.0 if is_polite else used)
        way = f" at low priority (nice {row.nice})" if row.nice > 0 else ""
        shown = with_limit(used, UNIT, self._levels.limits, level)
        culprit = Culprit(process=process, share=1.0, amount=used) if process else None
        return replace(
            unknown,
            label=f"CPU of {name}",
            value=used,
            level=level,
            summary=f"{who(process) if process else name} uses {shown}{way}.",
            facts=(
                Fact(label="CPU of the process", value=shown),
                *(process_facts(process) if process else ()),
            ),
            culprits=(culprit,) if culprit else (),
        )

    def _ended(self, subject: str, key: Key, at: Moment) -> Finding:
        return replace(
            self._unknown(subject, at),
            value=0.0,
            level=self._levels.judge(subject, 0.0),
            summary=f"The process with pid {key[0]} has ended.",
        )

    def _unknown(self, subject: str, at: Moment) -> Finding:
        key = key_of(subject)
        name = f"pid {key[0]}" if key else subject
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject=subject,
            is_passing=True,
            label=f"CPU of {name}",
            unit=UNIT,
            value=None,
            limits=self._levels.limits,
            level=Level.UNKNOWN,
            summary=f"The CPU use of {name} could not be measured.",
            at=at.wall,
            series=f"{self.name}/{subject}",
        )


DETECTOR = RunawayProcess
