"""One rule of the team: whether it is about an action, and what it asks for. Pure.

A rule only ever takes away: it denies, asks for more approvals, or narrows who may give
them. Therefore no order of rules matters, and a rule that matches too much is safe.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

from remediation.rules.asked import Asked, Risk, Subject
from remediation.rules.calendar import Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Voter:
    """Somebody who approves, and the user groups they were verified to be in.

    broke_glass: whether they approve alone what needs more people, with a reason.
    """

    id: str
    groups: frozenset[str] = frozenset()
    broke_glass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """People by user id, and groups by group id: whoever is in one of them."""

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def has(self, voter: Voter) -> bool:
        """Say whether this person is among them."""
        return voter.id in self.users or not self.groups.isdisjoint(voter.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What a rule is about, by patterns (fnmatch, case counts); an empty kind is any.

    Of each kind that is named one pattern must match the same target. What is
    not known of it (a service has no executable) matches no pattern.
    """

    units: tuple[str, ...] = ()
    exes: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def has(self, subject: Subject) -> bool:
        """Say whether this process, service or folder is meant."""
        return (
            _fits(subject.units, self.units)
            and _fits((subject.exe,), self.exes)
            and _fits(subject.users, self.users)
            and _fits((subject.cgroup,), self.cgroups)
            and _fits((subject.folder,), self.folders)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the team decided about some actions; whatever it does not name, it matches.

    name: unique. why: for people. actions: kinds. reversible: only what can be undone, or
    only what cannot. when: None is always. deny: it may not be done. approvals: so many
    different people. approvers: nobody else may approve.
    """

    name: str
    why: str = ""
    actions: frozenset[str] = frozenset()
    risks: frozenset[Risk] = frozenset()
    reversible: bool | None = None
    hosts: tuple[str, ...] = ()
    targets: Targets = field(default_factory=Targets)
    when: Time | None = None
    deny: bool = False
    approvals: int = 1
    approvers: Circle | None = None

    @property
    def full_name(self) -> str:
        """Its name as verdicts say it."""
        return f"policy.rules.{self.name}"

    def matches(self, asked: Asked, at: datetime) -> bool:
        """Say whether it is about this action at this instant."""
        return self.passed_over(asked, at) is None

    def passed_over(self, asked: Asked, at: datetime) -> str | None:
        """Say why it is not about this action now; None when it is."""
        for reason in self._differences(asked, at):
            return reason
        return None

    def reason(self) -> str:
        """Say for people why it denies."""
        when = f" ({self.when.in_words()})" if self.when else ""
        return f"{self.why or 'the team denies it'}{when}"

    def _differences(self, asked: Asked, at: datetime) -> Iterator[str]:
        if self.actions and asked.kind not in self.actions:
            yield f"it is about {_listed(self.actions)}"
        if self.risks and asked.risk not in self.risks:
            yield f"it is about {_listed(self.risks)} risk; this is {asked.risk}"
        if self.reversible is not None and asked.is_reversible is not self.reversible:
            yield f"it is about what can{'' if self.reversible else 'not'} be undone"
        if self.hosts and not _fits((asked.host,), self.hosts):
            yield f"it is about hosts {_listed(self.hosts)}"
        if asked.subjects and not any(map(self.targets.has, asked.subjects)):
            yield "it is about other targets"
        if self.when is not None and not self.when.covers(at):
            yield f"it holds {self.when.in_words()}"


def _fits(texts: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return True
    return any(fnmatchcase(t, p) for t in texts if t for p in patterns)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
