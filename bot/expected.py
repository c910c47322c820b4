"""Work that was declared is no alarm while it keeps to what was declared.

A finding is expected when who makes at least half of it is declared, now is its time, and
all of that work together uses no more than it may. Called by `watch.py` with every round's
findings; /proc is read only when something is bad and somebody declared it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from bot.expected_section import ExpectedSection
from bot.families import HALF
from bot.host import HostContext, ProcessScan
from bot.model import Fact, Finding, Level
from bot.procfs import Key
from bot.standing import time_of
from bot.suspects import cpu_percents, same_process
from remediation.facts import ProcessFacts
from remediation.identity import Gone
from remediation.procfs import TICKS_PER_SECOND

_CORES: Final = frozenset({"cpu", "load", "runaway_process"})
_MEMORY: Final = frozenset({"memory", "leaking_process", "swap", "thrashing"})
_LOOKED_AT: Final = 200
"""Of so many processes, the busiest and the largest, it is asked whose they are."""
_BAD: Final = (Level.WARNING, Level.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a work uses now: cores of CPU, bytes of resident memory. None: not known."""

    cores: float | None
    memory_bytes: int

    def within(self, work: ExpectedSection, detector: str) -> bool:
        """Say whether it keeps to all that was declared, the figure in question too."""
        allowed = work.max
        if detector in _CORES and allowed.cores is None:
            return False
        if detector in _MEMORY and allowed.memory_gb is None:
            return False
        keeps_cores = allowed.cores is None or (
            self.cores is not None and self.cores <= allowed.cores
        )
        most = allowed.memory_gb
        return keeps_cores and (most is None or self.memory_bytes <= most * 1e9)

    def in_words(self, work: ExpectedSection) -> str:
        """Say what is used of what is allowed: `3.2 of 4 cores`."""
        allowed, said = work.max, []
        if allowed.cores is not None:
            used = "an unknown number" if self.cores is None else f"{self.cores:.1f}"
            said.append(f"{used} of {allowed.cores:g} cores")
        if allowed.memory_gb is not None:
            used = f"{self.memory_bytes / 1e9:.1f}"
            said.append(f"{used} of {allowed.memory_gb:g} GB")
        return " and ".join(said)


class ExpectedWork:
    """Knows what was declared, and what of it is seen.

    seen: called when something bad begins to be expected, once each time.
    """

    def __init__(
        self,
        works: Sequence[ExpectedSection],
        host: HostContext,
        seen: Callable[[Finding, str], None],
    ) -> None:
        self._works = [(work, time_of(work.schedule)) for work in works]
        self._host = host
        self._seen = seen
        self._now: dict[str, str] = {}

    def current(self) -> Mapping[str, str]:
        """Return what is bad and expected at present: in words, by the condition's key."""
        return dict(self._now)

    def judged(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings; those that are expected are well, with a word about it."""
        return [self._judged(finding) for finding in findings]

    def _judged(self, finding: Finding) -> Finding:
        work = self._work_of(finding) if finding.level in _BAD else None
        if work is None:
            self._now.pop(finding.key, None)
            return finding
        section, is_its_time = work
        use = self._use_of(section)
        said = f"{section.name} uses {use.in_words(section)}"
        if not is_its_time or not use.within(section, finding.detector):
            self._now.pop(finding.key, None)
            return replace(finding, facts=(*finding.facts, _exceeds(section, said)))
        if finding.key not in self._now:
            self._seen(finding, said)
        self._now[finding.key] = said
        summary = f"{finding.summary} That is expected: {said}."
        return replace(finding, level=Level.OK, summary=summary)

    def _work_of(self, finding: Finding) -> tuple[ExpectedSection, bool] | None:
        """Return the work that makes most of it, and whether now is its time."""
        if finding.host != self._host.name:
            return None
        now = self._host.clock.now().wall
        found = [
            (work, when is None or when.covers(now))
            for work, when in self._works
            if _is_blamed(work, finding) or self._makes_half(work, finding)
        ]
        return max(found, key=lambda pair: pair[1], default=None)

    def _makes_half(self, work: ExpectedSection, finding: Finding) -> bool:
        """Say whether all of a work makes half of the host's trouble, whoever leads it."""
        if finding.subject:
            return False
        sampler, detector = self._host.sampler, finding.detector
        use = self._use_of(work)
        if detector in _CORES:
            busy = _busy_cores(*sampler.two_scans())
            return use.cores is not None and 0 < busy <= use.cores / HALF
        memory = sampler.sample().memory
        if detector not in _MEMORY or memory is None:
            return False
        return 0 < memory.used_bytes <= use.memory_bytes / HALF

    def _use_of(self, work: ExpectedSection) -> Use:
        before, now = self._host.sampler.two_scans()
        used = cpu_percents(before, now) if before else None
        mine = [key for key in _largest(now, used or {}) if self._is_mine(work, key)]
        return Use(
            cores=None if used is None else sum(used.get(k, 0) for k in mine) / 100,
            memory_bytes=sum(now.rows[key].rss_bytes for key in mine),
        )

    def _is_mine(self, work: ExpectedSection, key: Key) -> bool:
        try:
            process = same_process(self._host.facts, key)
        except Gone:
            return False
        return process is not None and _is_of(work, process)


def _is_blamed(work: ExpectedSection, finding: Finding) -> bool:
    culprit = finding.culprit.process if finding.culprit else None
    if culprit is not None and _is_of(work, culprit):
        return True
    return work.unit is not None and work.unit == finding.service_name


def _busy_cores(before: ProcessScan | None, now: ProcessScan) -> float:
    if before is None or now.at.boot <= before.at.boot:
        return 0.0
    ticks = now.cpu.urgent - before.cpu.urgent
    return ticks / TICKS_PER_SECOND / (now.at.boot - before.at.boot)


def _is_of(work: ExpectedSection, process: ProcessFacts) -> bool:
    if work.unit is not None:
        return process.unit == work.unit
    return process.user == work.user and fnmatchcase(
        process.identity.exe, work.exe or ""
    )


def _largest(now: ProcessScan, used: Mapping[Key, float]) -> list[Key]:
    half = _LOOKED_AT // 2
    busiest = sorted(used, key=lambda key: used[key], reverse=True)[:half]
    rows = sorted(now.rows.values(), key=lambda row: row.rss_pages, reverse=True)
    return list({*busiest, *(row.key for row in rows[:half])})


def _exceeds(work: ExpectedSection, said: str) -> Fact:
    window = time_of(work.schedule)
    when = f", {window.in_words()}" if window is not None else ""
    return Fact(label="Declared as expected", value=f"{said}{when}")
