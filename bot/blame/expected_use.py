"""How much of the host a declared work uses now: its processes in two scans, added up.

A unit is all that lives in its cgroup. An executable is whoever runs it and all that it
started, also what has ended meanwhile: a `make` uses what its compilers use.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from bot.blame.ancestry import Ancestry
from bot.blame.families import ended_ticks
from bot.blame.suspects import cpu_percents, urgent_ticks
from bot.config.expected import ExpectedSection, Figure
from bot.host.host import HostSampler, ProcessScan
from bot.host.procfs import Key
from bot.host.whereabouts import Whereabouts
from remediation.target.procfs import TICKS_PER_SECOND

_LOOKED_AT: Final = 200
"""Of so many processes, the busiest and the largest, it is asked whose they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a work uses now: cores of CPU, bytes of resident memory. None: not known.

    urgent: the cores without what runs at low priority.
    """

    cores: float | None
    urgent: float
    memory_bytes: int

    def within(self, work: ExpectedSection, figure: Figure) -> bool:
        """Say whether it keeps to all that was declared, the figure in question too."""
        allowed = work.max
        most = allowed.cores if figure == "cores" else allowed.memory_gb
        if most is None:
            return False
        keeps_cores = allowed.cores is None or (
            self.cores is not None and self.cores <= allowed.cores
        )
        held = allowed.memory_gb
        return keeps_cores and (held is None or self.memory_bytes <= held * 1e9)

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


class Look:
    """Two scans of the host, and whose their processes are; each is asked once.

    where: says whose a process is. Raises `OSError` and `ValueError` as a scan does.
    """

    def __init__(
        self, sampler: HostSampler, where: Callable[[int], Whereabouts | None]
    ) -> None:
        self._before, self._now = sampler.two_scans()
        self._used = _percents(self._before, self._now) if self._before else None
        self._ancestry = Ancestry(self._now.rows.values())
        self._where = where
        self._asked: dict[int, Whereabouts | None] = {}

    @property
    def cores(self) -> int:
        """How many the host has."""
        return self._now.cpu.cores

    def use_of(self, work: ExpectedSection) -> Use:
        """Add up what all processes of a work use."""
        used, rows = self._used or {}, self._now.rows
        mine = [key for key in _largest(self._now, used) if self.holds(work, key[0])]
        urgent = sum(used.get(key, 0) for key in mine if rows[key].nice <= 0)
        return Use(
            cores=None
            if self._used is None
            else sum(used.get(key, 0) for key in mine) / 100,
            urgent=urgent / 100,
            memory_bytes=sum(rows[key].rss_bytes for key in mine),
        )

    def holds(self, work: ExpectedSection, pid: int) -> bool:
        """Say whether a process belongs to a work, itself or by who started it."""
        row = self._ancestry.by_pid.get(pid)
        if work.unit is not None or row is None:
            return self._is_of(work, pid)
        return any(self._is_of(work, each.pid) for each in self._ancestry.line(row))

    def busy_cores(self) -> float:
        """Return how many cores were busy with what gives way to nobody."""
        before, now = self._before, self._now
        if before is None or now.at.boot <= before.at.boot:
            return 0.0
        ticks = now.cpu.urgent - before.cpu.urgent
        return ticks / TICKS_PER_SECOND / (now.at.boot - before.at.boot)

    def _is_of(self, work: ExpectedSection, pid: int) -> bool:
        if pid not in self._asked:
            self._asked[pid] = self._where(pid)
        found = self._asked[pid]
        return found is not None and is_of(work, found)


def is_of(work: ExpectedSection, found: Whereabouts) -> bool:
    """Say whether a process itself is what was declared."""
    if work.unit is not None:
        return found.unit == work.unit
    return found.user == work.user and fnmatchcase(found.exe, work.exe or "")


def _percents(before: ProcessScan, now: ProcessScan) -> Mapping[Key, float] | None:
    """Return percent of one core by process, its children that ended included."""
    used = cpu_percents(before, now)
    if used is None:
        return None
    window = (now.at.boot - before.at.boot) * TICKS_PER_SECOND
    left = now.cpu.urgent - before.cpu.urgent - sum(urgent_ticks(before, now).values())
    ended = ended_ticks(before.rows, now.rows, left)
    return {
        key: used.get(key, 0) + 100 * ended.get(key, 0) / window
        for key in used.keys() | ended.keys()
    }


def _largest(now: ProcessScan, used: Mapping[Key, float]) -> list[Key]:
    half = _LOOKED_AT // 2
    busiest = sorted(used, key=lambda key: used[key], reverse=True)[:half]
    rows = sorted(now.rows.values(), key=lambda row: row.rss_pages, reverse=True)
    return list({*busiest, *(row.key for row in rows[:half])})
