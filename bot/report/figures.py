"""The values of a report. Every figure is counted from the record; none is a guess.

A report is about the incidents that were opened in its span, and all that came of them.

Acknowledged: the first thing that a person did about an incident (took it, handed it
over, decided, asked for an action, escalated, answered). Decided: from a proposal to the
vote that approved it or the word that rejected it. Recovered: from opened, or
from the last return of what came back, to resolved. What people asked for
themselves is neither acknowledged nor an alert, and a false alarm does not recover.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.llm.costs import Total
from bot.quiet.unpaged import Why


class Ending(StrEnum):
    """How an incident ended."""

    BY_ACTION = "after an action"
    BY_ITSELF = "without an action"
    FALSE_ALARM = "called a false alarm"
    OPEN = "still open"


class Fate(StrEnum):
    """What became of a proposed action; the first seven were carried out."""

    RECOVERED = "recovered"
    UNCHANGED = "unchanged"
    WORSE = "worse"
    UNKNOWN = "not measured"
    UNJUDGED = "not judged"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    REFUSED = "refused at the last look"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "not needed"
    WAITING = "waiting"


CARRIED_OUT = frozenset(list(Fate)[:7])


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long something took, so many times."""

    count: int
    mean: timedelta
    median: timedelta
    worst: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A host or a service with what happened there. recover: None where nothing did."""

    name: str
    incidents: int
    carried_out: int
    recovered: int
    recover: Times | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What went wrong where, so often. service: "" where none is known."""

    condition: str
    service: str
    incidents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What people heard, and did not hear.

    alerts: conditions that made up incidents. expired: incidents on whose card nobody
    decided in time. unpaged: what was seen and called nobody, counted since a day.
    """

    alerts: int
    incidents: int
    expired: int
    false_alarms: int
    unpaged: Mapping[Why, int]
    unpaged_since: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """How much less was used after an action, on average over so many actions.

    of: the condition it was measured by.
    """

    of: str
    mean: float
    actions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One column of the chart: a day, or some of them, from `start` on."""

    start: date
    endings: Mapping[Ending, int]
    recover: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it. unread: older incidents that were too many to read.

    asked: incidents that people opened by asking for an action. undone: actions that were
    put back. glass: how often somebody approved alone. minutes_per_action: what is assumed.
    days: of a stretch.
    """

    since: datetime
    until: datetime
    incidents: int
    unread: int
    asked: int
    endings: Mapping[Ending, int]
    causes: tuple[Cause, ...]
    acknowledge: Times | None
    decide: Times | None
    recover: Times | None
    fates: Mapping[Fate, int]
    undone: int
    glass: int
    noise: Noise
    money: Total
    drops: tuple[Drop, ...]
    minutes_per_action: int
    hosts: tuple[Place, ...]
    services: tuple[Place, ...]
    stretches: tuple[Stretch, ...]
    days: int

    @property
    def carried_out(self) -> int:
        """How many actions were carried out, however they ended."""
        return sum(self.fates.get(fate, 0) for fate in CARRIED_OUT)

    @property
    def recovered(self) -> int:
        """How many of them helped, as measured."""
        return self.fates.get(Fate.RECOVERED, 0)

    @property
    def saved(self) -> timedelta:
        """What people were spared, as assumed: so many minutes for each that helped."""
        return timedelta(minutes=self.minutes_per_action * self.recovered)
