"""Who is behind many processes: the parent that makes them, with all that descend from it.

Children of a storm are replaced as fast as they die, so it is their maker that counts.
Pid 1 and pid 2 are nobody's doing: what they adopted or are was made by somebody else.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from bot.blame.ancestry import NOBODY, Ancestry
from bot.blame.suspects import Suspect, ranked
from bot.host.host import ProcessScan
from bot.host.procfs import Key, ProcessRow


def parents(counts: Mapping[Key, int], rows: Mapping[Key, ProcessRow]) -> list[Suspect]:
    """Return the parents of what is counted, with their shares, the largest first."""
    sums: Counter[int] = Counter()
    for key, count in counts.items():
        sums[rows[key].ppid] += count
    return _named(sums, Ancestry(rows.values()), sum(counts.values()))


def makers(
    counts: Mapping[Key, int],
    rows: Mapping[Key, ProcessRow],
    copies: Collection[Key] = (),
) -> list[Suspect]:
    """Return whose subtree holds half of what is counted, else the largest parts.

    It is the lowest such process of the tree; among `copies`, which may be a program
    that copies itself, upwards from there while the parent bears the same name.
    """
    ancestry, whole = Ancestry(rows.values()), sum(counts.values())
    sums = _subtrees(counts, rows)
    half = [r for r in rows.values() if r.pid > NOBODY and sums[r.pid] * 2 >= whole]
    if not half or whole <= 0:
        own = Counter({key[0]: count for key, count in counts.items()})
        return _named(own, ancestry, whole) or parents(counts, rows)
    lowest = min(half, key=lambda row: (sums[row.pid], -row.start_ticks, -row.pid))
    top = _first_copy(lowest, ancestry, set(copies))
    return [Suspect(row=top, share=min(sums[top.pid] / whole, 1.0))]


def _first_copy(row: ProcessRow, ancestry: Ancestry, copies: set[Key]) -> ProcessRow:
    while (above := ancestry.parent(row)) and above.key in copies:
        if above.comm != row.comm:
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
        if faults > 0 and row.pid > NOBODY:
            found[key] = faults
    return found


def _named(sums: Mapping[int, int], ancestry: Ancestry, whole: int) -> list[Suspect]:
    if whole <= 0:
        return []
    known = ancestry.by_pid
    named = {known[p].key: n for p, n in sums.items() if p > NOBODY and p in known}
    return ranked(named, {key: known[key[0]] for key in named}, whole)


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
