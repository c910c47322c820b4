"""Who is behind many processes: the parent that makes them, with all that descend from it.

Children of a storm are replaced as fast as they die, so it is their maker that counts.
Pid 1 and pid 2 are nobody's doing: what they adopted or are was made by somebody else.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from bot.host import ProcessScan
from bot.procfs import Key, ProcessRow
from bot.suspects import LEAST_SHARE, TOP, Suspect

_KERNEL: Final = 2
"""Up to this pid: the first process, and the kernel's own threads."""


def parents(counts: Mapping[Key, int], rows: Mapping[Key, ProcessRow]) -> list[Suspect]:
    """Return the parents of what is counted, with their shares, the largest first."""
    by_pid = _by_pid(rows)
    sums: Counter[int] = Counter()
    for key, count in counts.items():
        sums[rows[key].ppid] += count
    return _ranked(sums, by_pid, sum(counts.values()))


def makers(
    counts: Mapping[Key, int],
    rows: Mapping[Key, ProcessRow],
    copies: Collection[Key] = (),
) -> list[Suspect]:
    """Return whose subtree holds half of what is counted, else the largest parts.

    It is the lowest such process of the tree; among `copies`, which may be a program
    that copies itself, upwards from there while the parent bears the same name.
    """
    by_pid, whole = _by_pid(rows), sum(counts.values())
    sums = _subtrees(counts, rows)
    half = [by_pid[pid] for pid in sums if pid in by_pid and sums[pid] * 2 >= whole]
    named = [row for row in half if row.pid > _KERNEL]
    if not named or whole <= 0:
        own = Counter({key[0]: count for key, count in counts.items()})
        return _ranked(own, by_pid, whole) or parents(counts, rows)
    lowest = min(named, key=lambda row: (sums[row.pid], -row.start_ticks, -row.pid))
    top = _first_copy(lowest, by_pid, set(copies))
    return [Suspect(row=top, share=min(sums[top.pid] / whole, 1.0))]


def _first_copy(
    row: ProcessRow, by_pid: Mapping[int, ProcessRow], copies: set[Key]
) -> ProcessRow:
    while (above := by_pid.get(row.ppid)) and above.key in copies:
        if above.comm != row.comm or above.pid <= _KERNEL:
            break
        copies.discard(above.key)  # what names itself as its ancestor ends here
        row = above
    return row


def young(before: ProcessScan, now: ProcessScan) -> dict[Key, int]:
    """Count the processes that were not there before, each as one."""
    return dict.fromkeys(now.rows.keys() - before.rows.keys(), 1)


def reaped(scans: Sequence[ProcessScan]) -> dict[Key, int]:
    """Count what the ended children of each process cost: page faults, round by round.

    A child that ended at once is in no scan; the kernel adds its faults to those of the
    parent that waited for it. Only what comes in every round counts: the end of one large
    program adds all that its own children cost to whoever started it, once.
    """
    rounds = [_reaped(before, now) for before, now in pairwise(scans)]
    keys = set.intersection(*(set(found) for found in rounds)) if rounds else set()
    return {key: min(found[key] for found in rounds) for key in keys}


def _reaped(before: ProcessScan, now: ProcessScan) -> dict[Key, int]:
    found = {}
    for key, row in now.rows.items():
        earlier = before.rows.get(key)
        faults = row.reaped_faults - (earlier.reaped_faults if earlier else 0)
        if faults > 0 and row.pid > _KERNEL:
            found[key] = faults
    return found


def _by_pid(rows: Mapping[Key, ProcessRow]) -> dict[int, ProcessRow]:
    return {pid: row for (pid, _), row in rows.items()}


def _ranked(
    sums: Mapping[int, int], by_pid: Mapping[int, ProcessRow], whole: int
) -> list[Suspect]:
    if whole <= 0:
        return []
    named = (pid for pid in sums if pid > _KERNEL and pid in by_pid)
    top = sorted(named, key=lambda pid: sums[pid], reverse=True)[:TOP]
    found = [Suspect(row=by_pid[p], share=min(sums[p] / whole, 1.0)) for p in top]
    return [suspect for suspect in found if suspect.share >= LEAST_SHARE]


def _subtrees(
    counts: Mapping[Key, int], rows: Mapping[Key, ProcessRow]
) -> dict[int, int]:
    """Return what each process and all below it hold, from the leaves upwards."""
    parent = {pid: row.ppid for (pid, _), row in rows.items()}
    sums: defaultdict[int, int] = defaultdict(int)
    for (pid, _), count in counts.items():
        sums[pid] += count
    waiting = Counter(parent.values())
    leaves = [pid for pid in parent if not waiting[pid]]
    while leaves:
        above = _carried(leaves.pop(), parent, sums, waiting)
        leaves.extend(above)
    return sums


def _carried(
    pid: int, parent: Mapping[int, int], sums: dict[int, int], waiting: Counter[int]
) -> Iterable[int]:
    """Add a leaf to its parent; return the parent where that was its last child."""
    above = parent[pid]
    sums[above] += sums[pid]
    waiting[above] -= 1
    return [above] if not waiting[above] and above in parent else []
