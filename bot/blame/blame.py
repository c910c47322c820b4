"""Who is to blame, all together: a process, workers and their leader, a unit, a container.

Where nobody is named who explains half of a problem, the card offers no kill; a service
that explains it as a whole may be restarted, if the team lets it be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.blame.families import HALF
from bot.blame.suspects import (
    Suspect,
    cpu_suspects,
    culprit_facts,
    culprits,
    held_bytes,
    is_short,
    memory_suspects,
    percent,
    same_process,
    urgent_ticks,
    whom,
)
from bot.host.host import Facts, HostSampler, ProcessScan
from bot.host.procfs import Key
from bot.model import Culprit, Fact
from bot.pointed import Pointed
from remediation.target.cgroup import Place
from remediation.target.identity import Gone
from remediation.target.unit import is_login

LOOKED_AT: Final = 64
"""Of so many processes, the largest first, it is asked where they live."""
RULE: Final = "half of the problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What lives in one unit or container. members: how many processes were counted."""

    name: str
    share: float
    members: int
    service: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """culprits: at most three. group: who makes half where no culprit does."""

    culprits: tuple[Culprit, ...] = ()
    group: Group | None = None

    @property
    def points_at(self) -> Pointed | None:
        """The service that makes the problem as a whole."""
        if self.group is None or self.group.service is None:
            return None
        return Pointed(service=self.group.service, rule=RULE, actions=("restart",))

    def words(self, of_it: str) -> str:
        """Say who has most: `, 61 % of it by yes (pid 42, root)`; "" where nobody."""
        if self.group is not None:
            return f", {percent(self.group.share)} {of_it} {self.group.name}"
        if not self.culprits:
            return ""
        top = self.culprits[0]
        return f", {percent(top.share)} {of_it} {whom(top)}"

    def facts(self, of: str) -> tuple[Fact, ...]:
        """Say whose share is how large."""
        named = culprit_facts(self.culprits, of)
        if self.group is None:
            return named
        group = self.group
        value = (
            f"{percent(group.share)} of {of}: {group.name}, {group.members} processes"
        )
        return (Fact(label="Together", value=value), *named)


def cpu_blame(
    before: ProcessScan, now: ProcessScan, facts: Facts, busy: float
) -> Blame:
    """Blame for CPU time between two scans; nobody where the cores had time left.

    busy: the problem in the finding's unit.
    """
    if not is_short(before, now):
        return Blame()
    found = culprits(cpu_suspects(before, now), facts, busy)
    whole = now.cpu.urgent - before.cpu.urgent
    return _blame(found, urgent_ticks(before, now), whole, facts)


def memory_blame(
    scan: ProcessScan, used_bytes: int, sampler: HostSampler, facts: Facts, used: float
) -> Blame:
    """Blame for memory in use. used: the problem in the finding's unit."""
    suspects: Sequence[Suspect] = memory_suspects(scan, used_bytes, sampler)
    held = held_bytes(scan, sampler)
    return _blame(culprits(suspects, facts, used), held, used_bytes, facts)


def _blame(
    found: tuple[Culprit, ...], used: Mapping[Key, float], whole: float, facts: Facts
) -> Blame:
    if whole <= 0 or (found and found[0].share >= HALF):
        return Blame(culprits=found)
    return Blame(culprits=found, group=_group(used, whole, facts))


def _group(used: Mapping[Key, float], whole: float, facts: Facts) -> Group | None:
    """Return the unit or container in which at least half of the whole is used."""
    largest = sorted(used, key=lambda key: used[key], reverse=True)[:LOOKED_AT]
    members: dict[str, list[Key]] = {}
    for key in largest:
        place = facts.place(*key)
        if place is not None and (home := place.container or place.unit):
            members.setdefault(home, []).append(key)
    shares = {home: sum(used[k] for k in keys) for home, keys in members.items()}
    top = max(shares, key=lambda home: shares[home], default="")
    if not top or shares[top] < HALF * whole:
        return None
    return Group(
        name=_name(members[top], facts) or top,
        share=min(shares[top] / whole, 1.0),
        members=len(members[top]),
        service=_service(facts.place(*members[top][0])),
    )


def _name(keys: Sequence[Key], facts: Facts) -> str:
    """Return what people call the place in which all of them live."""
    for key in keys:
        try:
            process = same_process(facts, key)
        except Gone:
            continue
        if process is not None:
            return process.home
    return ""


def _service(place: Place | None) -> str | None:
    if place is None or place.unit is None or place.container:
        return None
    unit = place.unit
    return unit if unit.endswith(".service") and not is_login(unit) else None
