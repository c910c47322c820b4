"""What the team's rules are asked: which kind of action, where, and what it would touch.

What it would touch is told by the kernel and by the manager of services, never by the
name that a process gives itself. It is kept with the proposal, so that a click is judged
without looking at the machine again; right before the act the machine is looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter

from remediation.action import (
    IRREVERSIBLE,
    Action,
    CleanFiles,
    OperateUnit,
    kind_of,
)
from remediation.attempt import TargetFacts
from remediation.target.area import Area
from remediation.target.unit import UnitFacts

_DELETED: Final = " (deleted)"


class Risk(StrEnum):
    """How much an action can cost."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


RISKS: Final = {
    "reload": Risk.LOW,
    "resume": Risk.LOW,
    "restore_priority": Risk.LOW,
    "lower_priority": Risk.LOW,
    "pause": Risk.LOW,
    "start": Risk.MEDIUM,
    "restart": Risk.MEDIUM,
    # What is gone is gone, but nothing that runs uses it, and each file was listed.
    "clean": Risk.MEDIUM,
    "stop": Risk.HIGH,
    "terminate": Risk.HIGH,
}
"""Every kind of action and its class of risk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One process, service or folder that would be touched.

    units: its systemd unit; of a service every name. exe: path of the executable, without
    the mark of a deleted file; empty where it is not known. users: the account's name and
    number. cgroup: its path, empty where it has none. folder: whose files would go.
    """

    units: tuple[str, ...] = ()
    exe: str = ""
    users: tuple[str, ...] = ()
    cgroup: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An action as rules see it. kind: a key of `RISKS`."""

    kind: str
    host: str
    subjects: tuple[Subject, ...]

    @property
    def risk(self) -> Risk:
        """Its class of risk; of a kind that is not known, the highest."""
        return RISKS.get(self.kind, Risk.HIGH)

    @property
    def is_reversible(self) -> bool:
        """Whether it can be undone; a kind that is not known cannot."""
        return self.kind in RISKS and self.kind not in IRREVERSIBLE


_ASKED: TypeAdapter[Asked] = TypeAdapter(Asked)


def asked_of(action: Action, members: Sequence[TargetFacts]) -> Asked:
    """Return what rules are asked. `members`: facts of all that it would touch."""
    return Asked(
        kind=kind_of(action),
        host=action.host,
        subjects=tuple(_subjects(action, members)),
    )


def to_json(asked: Asked) -> str:
    """Return it as text."""
    return _ASKED.dump_json(asked).decode()


def from_json(text: str) -> Asked:
    """Read it back; raise `ValueError` for anything else."""
    return _ASKED.validate_json(text)


def _subjects(action: Action, members: Sequence[TargetFacts]) -> Iterator[Subject]:
    yield _named(action)
    for facts in members:
        yield _told(facts)


def _named(action: Action) -> Subject:
    """Return what the action itself says of its target."""
    if isinstance(action, OperateUnit):
        also = action.dependents if action.takes_dependents else ()
        return Subject(units=(action.unit.name, *also))
    if isinstance(action, CleanFiles):
        return Subject(folder=action.folder)
    process = action.process
    return Subject(exe=process.exe.removesuffix(_DELETED), users=(str(process.uid),))


def _told(facts: TargetFacts) -> Subject:
    if isinstance(facts, UnitFacts):
        return Subject(units=(facts.name, *facts.names), cgroup=facts.cgroup)
    if isinstance(facts, Area):
        return Subject(folder=facts.folder)
    return Subject(
        units=() if facts.unit is None else (facts.unit,),
        exe=facts.identity.exe.removesuffix(_DELETED),
        users=(facts.user, str(facts.identity.uid)),
        cgroup=facts.cgroup,
    )
