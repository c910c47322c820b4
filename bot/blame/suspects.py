"""Who is behind it: processes with their share of a problem, and what they are called.

A share is a fraction of the whole problem, 0 to 1. Only the largest few are looked at
closely (`Facts.read`); the others stay rows of a scan.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest
from typing import Final

from bot.blame.families import HALF, ended_ticks, family
from bot.host.host import SHORTEST, Facts, HostSampler, ProcessScan
from bot.host.procfs import Key, ProcessRow
from bot.model import Culprit, Fact
from remediation.printable import printable
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone, Unobservable
from remediation.target.procfs import TICKS_PER_SECOND

TOP: Final = 3
"""A finding names at most this many."""
LEAST_SHARE: Final = 0.05
"""Whoever has less of the problem than this is not named."""

LOOKED_AT: Final = 64
"""Of so many processes, the largest first, it is read what ending them would free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A process and its part of the problem; members: with the workers it leads."""

    row: ProcessRow
    share: float
    members: int = 1


class Trail:
    """A few scans of the last while, so that shares are those of a whole window.

    span: how long the window should be, in most cases the alert's `for`.
    """

    def __init__(self, span: timedelta, interval: timedelta) -> None:
        self._spacing = span.total_seconds() / 3
        self._longest = (span + 2 * interval).total_seconds()
        self._scans: list[ProcessScan] = []

    def exchange(self, now: ProcessScan) -> ProcessScan | None:
        """Keep `now` if the last one is old enough; return the oldest one in the span."""
        self._scans = [scan for scan in self._scans if self._reaches(scan, now)]
        before = self._scans[0] if self._scans else None
        if not self._scans or _seconds(self._scans[-1], now) >= self._spacing:
            self._scans.append(now)
        return before if before and _seconds(before, now) >= SHORTEST else None

    def _reaches(self, scan: ProcessScan, now: ProcessScan) -> bool:
        same_boot = scan.at.boot_id == now.at.boot_id
        return same_boot and 0 <= _seconds(scan, now) <= self._longest


def _seconds(before: ProcessScan, now: ProcessScan) -> float:
    return now.at.boot - before.at.boot


def subject_of(key: Key) -> str:
    """Name a process as a subject: `process:PID:START_TICKS`."""
    pid, start_ticks = key
    return f"process:{pid}:{start_ticks}"


def key_of(subject: str) -> Key | None:
    """Read a subject; None where it names no process."""
    kind, _, rest = subject.partition(":")
    pid, _, ticks = rest.partition(":")
    if kind != "process" or not (pid.isdecimal() and ticks.isdecimal()):
        return None
    return int(pid), int(ticks)


def cpu_ticks(before: ProcessScan, now: ProcessScan) -> dict[Key, int]:
    """Return the CPU time in ticks that each process used between two scans.

    A process that is new in the second scan used all its time in between.
    """
    used = {}
    newest = before.at.boot * TICKS_PER_SECOND
    for key, row in now.rows.items():
        earlier = before.rows.get(key)
        # One that is older and yet was not seen before: nobody knows what it used since.
        known = earlier is not None or row.start_ticks >= newest - TICKS_PER_SECOND
        ticks = row.cpu_ticks - (earlier.cpu_ticks if earlier else 0)
        if known and ticks > 0:
            used[key] = ticks
    return used


def urgent_ticks(before: ProcessScan, now: ProcessScan) -> dict[Key, int]:
    """Return the CPU time of those that give way to nobody."""
    used = cpu_ticks(before, now)
    return {key: ticks for key, ticks in used.items() if now.rows[key].nice <= 0}


def cpu_percents(before: ProcessScan, now: ProcessScan) -> dict[Key, float] | None:
    """Return percent of one core by process; None where the machine was stopped.

    While a machine is suspended or stopped by its hypervisor the boot clock runs on and
    nobody works: less than half of the window's ticks means that it says nothing.
    """
    window = _seconds(before, now) * TICKS_PER_SECOND
    awake = (now.cpu.total - before.cpu.total) / now.cpu.cores
    if window < SHORTEST * TICKS_PER_SECOND or awake < window / 2:
        return None
    used = cpu_ticks(before, now)
    return {key: 100 * ticks / window for key, ticks in used.items()}


def is_short(before: ProcessScan, now: ProcessScan) -> bool:
    """Say whether urgent work took at least half of the time that all cores were given.

    Below that nobody takes the CPU from anybody, however large a share of the little.
    """
    busy = now.cpu.urgent - before.cpu.urgent
    given = now.cpu.total - now.cpu.steal - (before.cpu.total - before.cpu.steal)
    return busy > 0 and busy >= HALF * given


def cpu_suspects(before: ProcessScan, now: ProcessScan) -> list[Suspect]:
    """Return the largest users of the CPU with their shares of the busy time.

    Nobody where the cores had time left. What runs at low priority is blamed for nothing.
    Where no single process has half, workers count together with whoever leads them
    (`bot/blame/families.py`), those that ended in between too.
    """
    if not is_short(before, now):
        return []
    busy = now.cpu.urgent - before.cpu.urgent
    used = urgent_ticks(before, now)
    alone = ranked(used, now.rows, busy)
    if alone and alone[0].share >= HALF:
        return alone
    left = busy - sum(used.values())
    ended = ended_ticks(before.rows, now.rows, left)
    whole = {k: used.get(k, 0) + ended.get(k, 0) for k in {**used, **ended}}
    return together(whole, now.rows, busy, alone)


def sharers(
    used: Mapping[Key, float], rows: Mapping[Key, ProcessRow], whole: float
) -> list[Suspect]:
    """Return who used most of the whole: one process, or workers with their leader.

    used: by process, in the unit of `whole`, which is more than nothing.
    """
    alone = ranked(used, rows, whole)
    if alone and alone[0].share >= HALF:
        return alone
    return together(used, rows, whole, alone)


def ranked(
    used: Mapping[Key, float], rows: Mapping[Key, ProcessRow], whole: float
) -> list[Suspect]:
    """Return the largest few with their shares of the whole, which is more than nothing."""
    top = sorted(used, key=lambda key: used[key], reverse=True)[:TOP]
    found = [Suspect(row=rows[k], share=min(used[k] / whole, 1.0)) for k in top]
    return [suspect for suspect in found if suspect.share >= LEAST_SHARE]


def together(
    used: Mapping[Key, float],
    rows: Mapping[Key, ProcessRow],
    whole: float,
    alone: list[Suspect],
) -> list[Suspect]:
    """Return the workers that make half of the whole first, where there are such."""
    found = family(used, rows, whole)
    if found is None:
        return alone
    workers = Suspect(
        row=found.leader,
        share=found.amount / whole,
        members=len(found.pids | {found.leader.pid}),
    )
    others = [s for s in alone if s.row.pid not in found.pids]
    return [workers, *others][:TOP]


def memory_suspects(
    scan: ProcessScan, used_bytes: int, sampler: HostSampler
) -> list[Suspect]:
    """Return the largest holders of memory with their shares of the used memory.

    Workers count together where nobody has half.
    """
    held = held_bytes(scan, sampler)
    alone = ranked(held, scan.rows, used_bytes) if used_bytes > 0 else []
    if alone and alone[0].share >= HALF:
        return alone
    return together(held, scan.rows, used_bytes, alone)


def held_bytes(scan: ProcessScan, sampler: HostSampler) -> dict[Key, int]:
    """Return what ending each of the largest holders would free.

    Chosen by resident memory; measured by anonymous pages, where that can be read.
    """
    rows = nlargest(LOOKED_AT, scan.rows.values(), key=lambda row: row.rss_pages)
    return {row.key: _held_bytes(row, sampler) for row in rows}


def same_process(facts: Facts, key: Key) -> ProcessFacts | None:
    """Read the facts of exactly this process; None if it cannot be looked at.

    Raises `Gone` if it has ended, also where its pid was given to another process.
    """
    pid, start_ticks = key
    try:
        found = facts.read(pid)
    except Unobservable:
        return None
    if found.identity.start_ticks != start_ticks:
        raise Gone(f"pid {pid} now belongs to another process")
    return found


def culprits(
    suspects: Iterable[Suspect], facts: Facts, whole: float
) -> tuple[Culprit, ...]:
    """Look at the suspects; those that ended or are hidden are left out.

    whole: the problem in the finding's unit, of which each gets its share.
    """
    found = []
    for suspect in suspects:
        try:
            process = same_process(facts, suspect.row.key)
        except Gone:
            continue
        if process is not None:
            found.append(
                Culprit(
                    process=process,
                    share=suspect.share,
                    amount=suspect.share * whole,
                    members=suspect.members,
                )
            )
    return tuple(found)


def culprit_facts(found: Sequence[Culprit], of: str) -> tuple[Fact, ...]:
    """Say each culprit's share: `Top 1` `61 % of the busy time: yes (pid 42, root)`."""
    return tuple(
        Fact(
            label=f"Top {place}",
            value=f"{percent(culprit.share)} of {of}: {whom(culprit)}",
        )
        for place, culprit in enumerate(found, start=1)
    )


def percent(share: float) -> str:
    """Say a share: `61 %`."""
    return f"{100 * share:.0f} %"


def who(process: ProcessFacts) -> str:
    """Say which process: `yes (pid 42, root)`."""
    label = printable(process.label, limit=80)
    return f"{label} (pid {process.identity.pid}, {process.user})"


def whom(culprit: Culprit) -> str:
    """Say who, and with how many workers: `make (pid 42, build) and 16 more`."""
    more = f" and {culprit.members - 1} more" if culprit.members > 1 else ""
    return f"{who(culprit.process)}{more}"


def process_facts(process: ProcessFacts) -> tuple[Fact, ...]:
    """Say what people ask first of a process: which, whose, where, since when."""
    return (
        Fact(label="Process", value=who(process)),
        Fact(label="Runs in", value=process.home),
        Fact(
            label="Running since", value=f"{process.started_at:%Y-%m-%d %H:%M:%S} UTC"
        ),
    )


def _held_bytes(row: ProcessRow, sampler: HostSampler) -> int:
    anonymous = sampler.anonymous_bytes(row.pid)
    return row.rss_bytes if anonymous is None else anonymous
