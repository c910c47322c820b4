"""What is kept quiet, until when and by whom: mutes, and maintenance, as rows.

A target is a condition (`HOST/DETECTOR/SUBJECT`), a host (`HOST`) or a service on it
(`HOST/nginx.service`). A mute silences, one for a target. Maintenance also withdraws what
was proposed; several people and scripts may work on the same target, each with a row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    Float,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from bot.model import REQUEST, Finding, Incident, NoAction
from bot.storage import store
from remediation.ledger.tables import Instant
from remediation.moment import Moment

RULE = "maintenance"
"""The rule that a card names where maintenance keeps proposals back."""

ALERTMANAGER = "alertmanager"
"""Who mutes what is silenced or inhibited there."""

ENDED = "maintenance has ended"
"""The rule where it is over, and there was nothing to propose yet."""

mutes = Table(
    "mutes",
    store.metadata,
    Column("target", Text, primary_key=True),
    Column("until", Instant, nullable=False),
    Column("by", String(40), nullable=False),
)

maintenance = Table(
    "maintenance",
    store.metadata,
    Column("target", Text, primary_key=True),
    Column("by", String(40), primary_key=True),
    Column("until", Instant, nullable=False),
    Column("until_boot", Float, nullable=False),
    Column("boot_id", String(36), nullable=False),
    Column("why", Text, nullable=False),
)

# Built once: they are read every second.
_MUTES = select(mutes)
_MAINTENANCE = select(maintenance)


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


def mute(tx: Connection, target: str, *, until: datetime, by: str) -> None:
    """Silence a condition or a host until a time, in place of an earlier mute."""
    unmute(tx, target)
    tx.execute(insert(mutes).values(target=target, until=until, by=by))


def unmute(tx: Connection, target: str) -> bool:
    """Lift a mute; False if there was none."""
    return tx.execute(delete(mutes).where(mutes.c.target == target)).rowcount == 1


def muted_elsewhere(tx: Connection, target: str) -> str | None:
    """Say who keeps a target quiet in Alertmanager; None where it is no mute of its."""
    by = tx.execute(select(mutes.c.by).where(mutes.c.target == target)).scalar()
    return by if by is not None and by.startswith(ALERTMANAGER) else None


def begin(tx: Connection, begun: Quiet, end: Moment) -> None:
    """Write a maintenance, in place of an earlier one of the same author.

    end: its end on both clocks, of which the first ends it.
    """
    forget(tx, begun)
    tx.execute(
        insert(maintenance).values(
            target=begun.target,
            by=begun.by,
            until=begun.until,
            until_boot=end.boot,
            boot_id=end.boot_id,
            why=begun.why,
        )
    )


def forget(tx: Connection, over: Quiet) -> None:
    """Forget one author's maintenance of a target."""
    mine = (maintenance.c.target == over.target) & (maintenance.c.by == over.by)
    tx.execute(delete(maintenance).where(mine))


def kept(tx: Connection, now: Moment) -> tuple[Quiet, ...]:
    """Return what is quiet now, sorted by target."""
    return kept_and_lapsed(tx, now)[0]


def kept_and_lapsed(
    tx: Connection, now: Moment
) -> tuple[tuple[Quiet, ...], list[Quiet]]:
    """Return what is quiet now, sorted by target, and whose time is over."""
    rows = _rows(tx)
    still = (quiet for quiet, end in rows if not now.is_past(end))
    over = [quiet for quiet, end in rows if now.is_past(end)]
    return tuple(sorted(still, key=lambda q: (q.target, q.by))), over


def kept_by(tx: Connection, person: str) -> list[str]:
    """Return the targets that somebody keeps quiet."""
    return [
        target
        for table in (mutes, maintenance)
        for target in tx.execute(
            select(table.c.target).where(table.c.by == person)
        ).scalars()
    ]


def pass_on(tx: Connection, *, by: str, to: str) -> None:
    """Make somebody else the one who keeps quiet what `by` did."""
    tx.execute(update(mutes).where(mutes.c.by == by).values(by=to))
    mine = [q for q, _ in _rows(tx) if q.is_maintenance and q.by == by]
    for quiet in mine:
        # What both of them began goes on as the one that is handed over.
        taken = (maintenance.c.target == quiet.target) & (maintenance.c.by == to)
        tx.execute(delete(maintenance).where(taken))
    tx.execute(update(maintenance).where(maintenance.c.by == by).values(by=to))


def targets_of(finding: Finding) -> Iterator[str]:
    """Yield every target under which a finding is quiet."""
    yield finding.key
    yield finding.host
    if finding.service_name is not None:
        yield f"{finding.host}/{finding.service_name}"
    if finding.culprit is not None and finding.culprit.process.unit is not None:
        yield f"{finding.host}/{finding.culprit.process.unit}"


def silences(rows: Sequence[Quiet], finding: Finding) -> bool:
    """Say whether anything keeps this finding quiet."""
    targets = set(targets_of(finding))
    return any(quiet.target in targets for quiet in rows)


def until(rows: Sequence[Quiet], incident: Incident) -> datetime | None:
    """Return until when all of the incident's conditions are quiet, if all are."""
    ends = []
    for finding in incident.findings:
        targets = set(targets_of(finding))
        over = [quiet.until for quiet in rows if quiet.target in targets]
        if not over:
            return None
        ends.append(max(over))
    return min(ends)


def maintenance_of(rows: Sequence[Quiet], incident: Incident) -> Quiet | None:
    """Return the maintenance that an incident falls into, the longest of several.

    What a person asked for falls into none: who works on a host may want the bot's help.
    """
    if incident.lead.detector == REQUEST:
        return None
    named = set(targets_of(incident.lead)) | {f"{incident.host}/{incident.unit_name}"}
    found = [q for q in rows if q.is_maintenance and q.target in named]
    return max(found, key=lambda q: q.until, default=None)


def no_action(over: Quiet) -> NoAction:
    """Say on the card why nothing is proposed."""
    end = f"{over.until:%-d %b %H:%M} UTC"
    reason = f"{over.target} is in maintenance until {end}: {over.why}"
    return NoAction(rule=RULE, reason=reason)


def is_kept_back(incident: Incident) -> bool:
    """Say whether the card names a maintenance as the reason for no action."""
    none = incident.no_action
    return none is not None and none.rule == RULE


def _rows(tx: Connection) -> list[tuple[Quiet, Moment]]:
    """Return everything with its end; of a mute only the wall clock knows it."""
    muted = [
        (
            Quiet(target=r.target, until=r.until, by=r.by),
            Moment(wall=r.until, boot=0, boot_id=""),
        )
        for r in tx.execute(_MUTES)
    ]
    works = [
        (
            Quiet(target=r.target, until=r.until, by=r.by, why=r.why),
            Moment(wall=r.until, boot=r.until_boot, boot_id=r.boot_id),
        )
        for r in tx.execute(_MAINTENANCE)
    ]
    return [*muted, *works]
