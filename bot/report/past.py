"""What the record tells of the incidents of a while, read a slice at a time.

Ten thousand of them are read in a second or two, beside everything else: a slice is short,
and a reader keeps no writer waiting.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from bot.model import Incident, Verification
from bot.storage import store
from remediation.ledger.proposal import State
from remediation.ledger.tables import events, proposals, votes
from remediation.rules.drilled import DRILL
from remediation.target.unit import is_login

MOST: Final = 20_000
"""Incidents in one report, the newest; how many were left out is said."""
_SLICE: Final = 500
_ANSWERS: Final = (
    "incident.taken",
    "incident.handed_over",
    "incident.escalated",
    "incident.false_alarm",
    "incident.muted",
    "proposal.approved",
    "proposal.rejected",
    "proposal.glass_broken",
    "proposal.reason",
    "proposal.chosen",
    "proposal.again",
    "proposal.requested",
    "feedback.given",
)
"""What a person does about one incident; a lock or a maintenance is about all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What is counted of a proposal. decided_at: None where no person decided."""

    id: str
    state: State
    rule: str
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is counted of one incident. judged: its verifications by proposal.

    last_opened: when it came back last, else when it was opened.
    """

    number: int
    host: str
    service: str
    detector: str
    label: str
    alerts: int
    opened_at: datetime
    last_opened: datetime
    resolved_at: datetime | None
    resolution: str
    is_storm: bool
    judged: Mapping[str, Verification]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Everything that is counted. made: by incident. answered: the first time, likewise."""

    incidents: tuple[Told, ...]
    unread: int
    made: Mapping[int, tuple[Made, ...]]
    answered: Mapping[int, datetime]
    glass: int


def past(tx: Connection, since: datetime, until: datetime) -> Past:
    """Read what was opened between two instants, both included. Drills do not count."""
    rows = store.incidents.c
    span = (rows.opened_at >= since) & (rows.opened_at <= until)
    count = tx.execute(
        select(func.count()).select_from(store.incidents).where(span)
    ).scalar_one()
    read = tuple(_incidents(tx, span))
    found = tuple(told for told in read if told.detector != DRILL)
    numbers = {told.number for told in found}
    lowest = min(numbers, default=0)
    made = _made(tx, lowest) if numbers else {}
    return Past(
        incidents=found,
        # On PostgreSQL what is purged meanwhile is gone from the later look only.
        unread=count - len(read) if len(read) == MOST else 0,
        made={number: some for number, some in made.items() if number in numbers},
        answered=_answered(tx, lowest) if numbers else {},
        glass=sum(number in numbers for number in _alone(tx, lowest)),
    )


def _incidents(tx: Connection, span: ColumnElement[bool]) -> Iterator[Told]:
    below, left = None, MOST
    while left > 0:
        wanted = span if below is None else span & (store.incidents.c.number < below)
        slice_ = store.newest(tx, wanted, limit=min(_SLICE, left))
        yield from map(_told, slice_)
        if len(slice_) < _SLICE:
            return
        below, left = slice_[-1].number, left - len(slice_)


def _told(incident: Incident) -> Told:
    # Before every verification was kept there was the last one.
    last = incident.verification
    judged = incident.judged or ((last,) if last else ())
    unit = incident.unit_name or ""
    return Told(
        number=incident.number,
        host=incident.host,
        service="" if is_login(unit) else unit,
        detector=incident.lead.detector,
        label=incident.lead.label,
        alerts=sum(finding.stands_for for finding in incident.findings),
        opened_at=incident.opened_at,
        last_opened=incident.last_opened,
        resolved_at=incident.resolved_at,
        resolution=incident.resolution,
        is_storm=incident.is_storm,
        judged={one.proposal: one for one in judged},
    )


def _made(tx: Connection, lowest: int) -> dict[int, tuple[Made, ...]]:
    c = proposals.c
    query = select(
        c.id, c.incident, c.state, c.rule, c.created_at, c.decided_at, c.decided_by
    ).where(c.incident >= lowest)
    found: dict[int, list[Made]] = {}
    for row in tx.execute(query):
        made = Made(
            id=row.id,
            state=State(row.state),
            rule=row.rule,
            created_at=row.created_at,
            decided_at=row.decided_at if row.decided_by else None,
        )
        found.setdefault(row.incident, []).append(made)
    return {number: tuple(some) for number, some in found.items()}


def _answered(tx: Connection, lowest: int) -> dict[int, datetime]:
    c = events.c
    query = (
        select(c.incident, func.min(c.at))
        .where(c.incident >= lowest, c.actor.is_not(None), c.kind.in_(_ANSWERS))
        .group_by(c.incident)
    )
    return {
        number: datetime.fromisoformat(first) for number, first in tx.execute(query)
    }


def _alone(tx: Connection, lowest: int) -> list[int]:
    """Return the incident of each vote that broke the glass."""
    query = (
        select(proposals.c.incident)
        .join(votes, votes.c.proposal == proposals.c.id)
        .where(proposals.c.incident >= lowest, votes.c.glass != "")
    )
    return [int(number) for number in tx.execute(query).scalars()]
