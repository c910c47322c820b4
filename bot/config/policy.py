"""What a team decides about actions, as it stands in the file below `policy:`."""

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)

from bot.config.cleaning import CleaningSection
from bot.config.durations import Duration
from bot.config.section import Section
from bot.config.services import Pattern, ServicePolicy
from remediation.rules.asked import RISKS, Risk
from remediation.rules.calendar import DAYS

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?")

SlackUser = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{2,}$")]
SlackGroup = Annotated[str, Field(pattern=r"^S[A-Z0-9]{2,}$")]
CandidateKind = Literal["terminate", "lower_priority", "pause"]
ActionKind = Literal[
    "terminate",
    "lower_priority",
    "pause",
    "start",
    "stop",
    "restart",
    "reload",
    "clean",
]
RiskName = Literal["low", "medium", "high"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _time_of_day(value: object) -> timedelta:
    # Without quotes YAML takes 15:00 for the number 900.
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('a time is written in quotes, like "15:00" or "24:00"')
    hours, _, minutes = str(value).partition(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _local(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    text = value if isinstance(value, str) else ""
    if not _INSTANT.fullmatch(text):
        raise ValueError(
            "a date and time are written like 2026-12-23 12:00; the zone has its own key"
        )
    return datetime.fromisoformat(text)


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("this machine knows no such time zone (tzdata)") from error


def _path(pattern: str) -> str:
    if not pattern.startswith(("/", "*")):
        raise ValueError("a pattern of whole paths was expected: /usr/bin/x, */x")
    return pattern


def _unit(pattern: str) -> str:
    is_bare = "." not in pattern and not pattern.endswith(("*", "?", "]"))
    return f"{pattern}.service" if is_bare else pattern


def _some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    # An empty list would match everything, which is what leaving it out means.
    if not values:
        raise ValueError("an empty list says nothing; leave the key out")
    return values


TimeOfDay = Annotated[timedelta, BeforeValidator(_time_of_day)]
Local = Annotated[datetime, BeforeValidator(_local)]
Zone = Annotated[
    ZoneInfo, BeforeValidator(_zone), PlainSerializer(lambda zone: zone.key)
]
_SOME = AfterValidator(_some)
Paths = Annotated[tuple[Annotated[Pattern, AfterValidator(_path)], ...], _SOME]
Units = Annotated[tuple[Annotated[Pattern, AfterValidator(_unit)], ...], _SOME]
Patterns = Annotated[tuple[Pattern, ...], _SOME]
_UTC = ZoneInfo("UTC")


class Approvers(Section):
    """Who may decide: Slack user ids (U…) and user group ids (S…). Empty: nobody."""

    users: tuple[SlackUser, ...] = ()
    groups: tuple[SlackGroup, ...] = ()


class When(Section):
    """Every week: on days (of its beginning) from one time to another, in a zone.

    An end that is not after the beginning belongs to the next day.
    """

    days: Annotated[tuple[Day, ...], _SOME] = DAYS
    from_: TimeOfDay = Field(default=timedelta(0), alias="from")
    to: TimeOfDay = timedelta(hours=24)
    zone: Zone = _UTC

    @model_validator(mode="after")
    def _lasts(self) -> "When":
        if self.from_ == self.to or self.from_ >= timedelta(hours=24):
            raise ValueError('from and to differ; a whole day is "00:00" to "24:00"')
        return self


class FreezeSection(Section):
    """Once: from one date and time to another, in a zone."""

    from_: Local = Field(alias="from")
    to: Local
    zone: Zone = _UTC

    @model_validator(mode="after")
    def _lasts(self) -> "FreezeSection":
        if self.from_ >= self.to:
            raise ValueError("it ends before it begins")
        return self


class TargetsSection(Section):
    """What a rule is about, by patterns (`*`, `?`): each kind that is named must match."""

    units: Units | None = None
    exes: Paths | None = None
    users: Patterns | None = None
    cgroups: Paths | None = None
    folders: Paths | None = None


class RuleSection(Section):
    """One rule; whatever it does not name, it matches.

    It is about actions, classes of risk, what can or cannot be undone, hosts, targets, at
    times; it denies, asks for more different approvers, or says who may approve.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
    why: Annotated[str, Field(max_length=200)] = ""
    actions: Annotated[tuple[ActionKind, ...], _SOME] | None = None
    risk: Annotated[tuple[RiskName, ...], _SOME] | None = None
    reversible: bool | None = None
    hosts: Patterns | None = None
    targets: TargetsSection | None = None
    when: When | None = None
    freeze: FreezeSection | None = None
    deny: bool = False
    approvals: Annotated[int, Field(ge=2, le=5)] | None = None
    approvers: Approvers | None = None

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> "RuleSection":
        asks = self.approvals is not None or self.approvers is not None
        if self.deny is asks:
            raise ValueError("a rule says deny: true, or approvals and approvers")
        if self.when is not None and self.freeze is not None:
            raise ValueError("a rule has when or freeze; write two rules for both")
        if self.approvers == Approvers():
            raise ValueError("approvers names nobody; deny: true says that openly")
        return self


class Processes(Section):
    """Which processes an action may be proposed for.

    users: accounts; without the key every account that is no system account.
    protect: extra patterns (`*` and `?`) on executable, unit or cgroup.
    allow: exact executables or units that lift the overridable protections
    (databases, package managers, backups, login shells).
    """

    users: tuple[str, ...] | None = None
    protect: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()


class Policy(Section):
    """The rules under which anything may be done.

    approval_ttl: how long a button lives (at most 15 min). cooldown: quiet time
    for the same target after an action. actions_per_hour: cap for one host.
    approvals: different people needed. candidates: the order in which actions are
    proposed for a process. pause_for, lower_to: how long, how nice (1 to 19).
    rules: the team's own. break_glass: who may approve alone, with a typed reason, what
    needs more people; nobody without the key. give_up_after: so many actions in a row that did not help end
    the proposing. reversible_first: actions or classes of risk that are offered after one
    that can be undone, where there is one.
    """

    approval_ttl: Annotated[
        Duration, Field(gt=timedelta(0), le=timedelta(minutes=15))
    ] = timedelta(minutes=15)
    cooldown: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(minutes=30)
    actions_per_hour: Annotated[int, Field(ge=1, le=1000)] = 6
    approvals: Annotated[int, Field(ge=1, le=5)] = 1
    candidates: tuple[CandidateKind, ...] = ("terminate", "lower_priority", "pause")
    pause_for: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(hours=1))] = (
        timedelta(minutes=10)
    )
    lower_to: Annotated[int, Field(ge=1, le=19)] = 10
    grace: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(minutes=5))] = (
        timedelta(seconds=10)
    )
    processes: Processes = Processes()
    services: ServicePolicy = ServicePolicy()
    cleaning: CleaningSection = CleaningSection()
    rules: tuple[RuleSection, ...] = ()
    break_glass: Approvers = Approvers()
    give_up_after: Annotated[int, Field(ge=1, le=10)] = 2
    reversible_first: tuple[ActionKind | RiskName, ...] = ()

    @field_validator("rules")
    @classmethod
    def _names_differ(cls, rules: tuple[RuleSection, ...]) -> tuple[RuleSection, ...]:
        names = [rule.name for rule in rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules are named {', '.join(twice)}")
        return rules

    @property
    def waits_for_reversible(self) -> frozenset[str]:
        """The kinds of action that `reversible_first` names."""
        named = set(self.reversible_first)
        return frozenset(
            kind for kind, risk in RISKS.items() if kind in named or risk in named
        )


def risks(names: tuple[RiskName, ...] | None) -> frozenset[Risk]:
    """Return the classes of risk by these names."""
    return frozenset(Risk(name) for name in names or ())
