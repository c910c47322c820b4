"""What is kept quiet, until when and by whom: mutes, and maintenance, as rows.

A target is a condition (`HOST/DETECTOR/SUBJECT`), a host (`HOST`) or a service on it
(`HOST/nginx.service`). A mute silences; maintenance also withdraws what was proposed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    Row,
    String,
    Table,
    Text,
    delete,
    select,
    update,
)

from bot import store
from bot.model import REQUEST, Finding, Incident, NoAction
from remediation.tables import Instant

RULE = "maintenance"
"""The rule that a card names where maintenance keeps proposals back."""

mutes = Table(
    "mutes",
    store.metadata,
    Column("target", Text, primary_key=True),
    Column("until", Instant, nullable=False),
    Column("by", String(40), nullable=False),
    Column("why", Text, nullable=False, server_default=""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """One target and until when it is quiet.

    by: a Slack user id, or whose command it was. why: what is done in the maintenance;
    empty for a mute.
    """

    target: str
    until: datetime
    by: str
    why: str = ""

    @property
    def is_maintenance(self) -> bool:
        """Whether somebody works on it, so that nothing is proposed either."""
        return bool(self.why)


def keep(tx: Connection, quiet: Quiet) -> None:
    """Write it, in place of what was there for this target."""
    lift(tx, quiet.target)
    tx.execute(mutes.insert().values(asdict(quiet)))


def lift(tx: Connection, target: str) -> Quiet | None:
    """Forget what kept the target quiet and return it, if anything did."""
    row = tx.execute(select(mutes).where(mutes.c.target == target)).first()
    tx.execute(delete(mutes).where(mutes.c.target == target))
    return None if row is None else _quiet(row)


def kept(tx: Connection, at: datetime) -> dict[str, Quiet]:
    """Return what is quiet now, by target."""
    rows = tx.execute(select(mutes).where(mutes.c.until > at).order_by(mutes.c.target))
    return {row.target: _quiet(row) for row in rows}


def kept_by(tx: Connection, person: str) -> list[str]:
    """Return the targets that somebody keeps quiet."""
    return list(
        tx.execute(select(mutes.c.target).where(mutes.c.by == person)).scalars()
    )


def pass_on(tx: Connection, *, by: str, to: str) -> None:
    """Make somebody else the one who keeps quiet what `by` did."""
    tx.execute(update(mutes).where(mutes.c.by == by).values(by=to))


def lapsed(tx: Connection, at: datetime) -> list[Quiet]:
    """Return whose time is over."""
    rows = tx.execute(select(mutes).where(mutes.c.until <= at))
    return [_quiet(row) for row in rows]


def targets_of(finding: Finding) -> Iterator[str]:
    """Yield every target under which a finding is quiet."""
    yield finding.key
    yield finding.host
    if finding.service is not None:
        yield f"{finding.host}/{finding.service.name}"
    if finding.culprit is not None and finding.culprit.process.unit is not None:
        yield f"{finding.host}/{finding.culprit.process.unit}"


def silences(quiet: Mapping[str, Quiet], finding: Finding) -> bool:
    """Say whether anything keeps this finding quiet."""
    return any(target in quiet for target in targets_of(finding))


def until(quiet: Mapping[str, Quiet], incident: Incident) -> datetime | None:
    """Return until when all of the incident's conditions are quiet, if all are."""
    ends = []
    for finding in incident.findings:
        over = [quiet[t].until for t in targets_of(finding) if t in quiet]
        if not over:
            return None
        ends.append(max(over))
    return min(ends)


def maintenance_of(quiet: Mapping[str, Quiet], incident: Incident) -> Quiet | None:
    """Return the maintenance that an incident falls into, the longest of several.

    What a person asked for falls into none: who works on a host may want the bot's help.
    """
    if incident.lead.detector == REQUEST:
        return None
    named = set(targets_of(incident.lead)) | {f"{incident.host}/{incident.unit_name}"}
    found = [q for q in quiet.values() if q.is_maintenance and q.target in named]
    return max(found, key=lambda q: q.until, default=None)


def no_action(over: Quiet) -> NoAction:
    """Say on the card why nothing is proposed."""
    end = f"{over.until:%-d %b %H:%M} UTC"
    reason = f"{over.target} is in maintenance until {end}: {over.why}"
    return NoAction(rule=RULE, reason=reason)


def _quiet(row: Row[tuple[str, datetime, str, str]]) -> Quiet:
    return Quiet(target=row.target, until=row.until, by=row.by, why=row.why)
