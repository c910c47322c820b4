"""Which processes make a problem together: many workers, and the process that leads them.

Sixteen workers of six percent are one culprit. A tree counts as one where its members are
alike, which tells workers from the unrelated programs that one supervisor runs. All that
an interpreter runs bears its name, so its workers count only below one of that name; and
who runs whatever it is told to (systemd, cron, sshd) leads nobody. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.blame.ancestry import NOBODY, Ancestry
from bot.host.procfs import Key, ProcessRow

HALF: Final = 0.5
"""Whoever explains less than this of a problem is not blamed for it."""
# By what they call themselves, of which the kernel keeps 15 bytes.
_RUNS_ANYTHING: Final = re.compile(
    rb"init|systemd|\(sd-pam\)|supervisord|circusd|monit|god|runsv|runsvdir|s6-svscan|"
    rb"s6-supervise|supervise-daemo|perpd|immortal|pm2|PM2 v.*|containerd-shim|containerd|"
    rb"dockerd|conmon|kubelet|tmux: (?:server|client)|tmux|screen|SCREEN|sshd|sshd-session|"
    rb"login|su|sudo|cron|crond|anacron|atd|code",
    re.DOTALL,
)
_INTERPRETERS: Final = re.compile(
    rb"python[\d.]*|pypy[\d.]*|java|node|ruby[\d.]*|perl|php[\d.]*|sh|bash|dash"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """leader: the lowest process whose tree explains half. pids: who did something of it."""

    leader: ProcessRow
    amount: float
    pids: frozenset[int]


def family(
    used: Mapping[Key, float], rows: Mapping[Key, ProcessRow], whole: float
) -> Family | None:
    """Return the smallest tree of workers that makes at least half of the whole.

    used: by process, in the unit of `whole`, also what its ended children used.
    """
    if whole <= 0:
        return None
    ancestry = Ancestry(rows.values())
    trees = _trees(used, rows, ancestry)
    below: dict[int, list[int]] = {}
    for pid in trees:
        above = ancestry.parent(ancestry.by_pid[pid])
        below.setdefault(above.pid if above else NOBODY, []).append(pid)
    found, at = None, NOBODY
    while heaviest := max(below.get(at, ()), key=lambda p: trees[p].amount, default=0):
        if trees[heaviest].amount < HALF * whole:
            break
        found = at = heaviest
    if found is None:
        return None
    leader, tree = ancestry.by_pid[found], trees[found]
    if not tree.are_workers_of(leader.comm):
        return None
    return Family(
        leader=leader,
        amount=min(tree.amount, whole),
        pids=frozenset(tree.pids),
    )


def ended_ticks(
    before: Mapping[Key, ProcessRow], now: Mapping[Key, ProcessRow], left: int
) -> dict[Key, int]:
    """Return the CPU time that the ended children of each process used in between.

    A parent is told a child's whole life when it has ended; what the child, and whoever
    ended below it, had used at the first scan is taken away. left: what all of them can
    have used together, since nobody else is known to have.
    """
    earlier = _earlier(before, now)
    found = {}
    for key, row in now.items():
        known = before.get(key)
        if known is None or row.pid <= NOBODY or row.nice > 0:
            continue
        ticks = row.ended_ticks - known.ended_ticks - earlier.get(key, 0)
        if ticks > 0:
            found[key] = ticks
    told = sum(found.values())
    if told <= left:
        return found
    return {key: ticks * max(left, 0) // told for key, ticks in found.items()}


def _earlier(
    before: Mapping[Key, ProcessRow], now: Mapping[Key, ProcessRow]
) -> dict[Key, int]:
    """Return what those that ended had used before, by the ancestor that still lives."""
    ancestry = Ancestry(before.values())
    used: dict[Key, int] = {}
    for key, row in before.items():
        if key in now:
            continue
        for above in ancestry.line(row):
            if above.key in now:
                lived = row.cpu_ticks + row.ended_ticks
                used[above.key] = used.get(above.key, 0) + lived
                break
    return used


@dataclass(slots=True)
class _Tree:
    amount: float = 0
    pids: set[int] = field(default_factory=set)
    by_name: dict[bytes, float] = field(default_factory=dict)

    def are_workers_of(self, leader: bytes) -> bool:
        """Say whether one program, which belongs to the leader, does half of the work."""
        most = max(self.by_name, key=lambda name: self.by_name[name])
        if self.by_name[most] < HALF * self.amount or _RUNS_ANYTHING.fullmatch(leader):
            return False
        return most == leader or not _INTERPRETERS.fullmatch(most)


def _trees(
    used: Mapping[Key, float], rows: Mapping[Key, ProcessRow], ancestry: Ancestry
) -> dict[int, _Tree]:
    """Return what each process and all below it use, by pid."""
    trees: dict[int, _Tree] = {}
    for key, amount in used.items():
        name = rows[key].comm
        for above in ancestry.line(rows[key]):
            tree = trees.setdefault(above.pid, _Tree())
            tree.amount += amount
            tree.pids.add(key[0])
            tree.by_name[name] = tree.by_name.get(name, 0) + amount
    return trees
