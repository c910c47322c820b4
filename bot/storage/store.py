"""Incidents and what was posted of them, in the database.

The incident row and its version change in the same transaction as the ledger and
the chain of events. The posting row is the poster's own: it says how much of that
Slack has seen.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from bot.model import STORM, Incident, Phase
from remediation.ledger.tables import Instant, events

REOPENED: Final = "incident.reopened"

metadata = MetaData()

incidents = Table(
    "incidents",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("host", String(63), nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("phase", String(12), nullable=False),
    Column("version", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
)
Index(
    "one_open_incident_per_fingerprint",
    incidents.c.fingerprint,
    unique=True,
    sqlite_where=incidents.c.phase != Phase.RESOLVED.value,
    postgresql_where=incidents.c.phase != Phase.RESOLVED.value,
)

postings = Table(
    "postings",
    metadata,
    Column("incident", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(24), nullable=False),
    Column("ts", String(32)),
    Column("permalink", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("seq", Integer, nullable=False, server_default="0"),
    Column("attempting", Integer, nullable=False, server_default="0"),
    Column("doubtful", Integer, nullable=False, server_default="0"),
)

meta = Table(
    "meta",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

_LAST = "last incident"
CARD = -1
"""`Posting.attempting` while the card's own first post has no recorded answer."""

_INCIDENTS: TypeAdapter[Incident] = TypeAdapter(Incident)

# Built once: these are on the path of every click, or of every detector's round.
_BODY = select(incidents.c.body).where(incidents.c.number == bindparam("number"))
_OPENED = (
    select(incidents.c.body)
    .where(incidents.c.phase != Phase.RESOLVED)
    .order_by(incidents.c.number)
)
_POSTING = select(postings).where(postings.c.incident == bindparam("number"))
_SAVE = (
    update(incidents)
    .where(
        incidents.c.number == bindparam("its_number"),
        incidents.c.version < bindparam("its_version"),
    )
    .values(
        phase=bindparam("phase"), version=bindparam("version"), body=bindparam("body")
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """How much of an incident stands in Slack.

    ts: the card's message, None before its first post is confirmed. version: of the
    incident that the card shows. seq: the newest event in the thread. attempting:
    whether a first post was sent and its answer is not known.
    """

    incident: int
    channel: str
    ts: str | None
    permalink: str
    version: int
    seq: int
    attempting: int
    doubtful: bool


class Unknown(Exception):
    """There is no such incident."""


def create(tx: Connection, draw: Callable[[int], Incident]) -> Incident:
    """Write a new incident; `draw` makes it from its number."""
    incident = draw(last_number(tx) + 1)
    tx.execute(
        insert(incidents).values(
            number=incident.number,
            host=incident.host,
            fingerprint=incident.fingerprint,
            phase=incident.phase,
            version=incident.version,
            opened_at=incident.opened_at,
            body=_dump(incident),
        )
    )
    return incident


def last_number(tx: Connection) -> int:
    """Return the newest number that was ever given, also if its incident was purged."""
    last = tx.execute(select(func.max(incidents.c.number))).scalar()
    return max(last or 0, int(recall(tx, _LAST) or 0))


def begin_after(tx: Connection, number: int) -> None:
    """Give this number and those below it to no incident any more."""
    remember(tx, _LAST, str(max(number, last_number(tx))))


def drop(tx: Connection, numbers: Collection[int]) -> None:
    """Delete incidents and what was posted of them. Their numbers stay taken."""
    begin_after(tx, 0)
    tx.execute(delete(postings).where(postings.c.incident.in_(numbers)))
    tx.execute(delete(incidents).where(incidents.c.number.in_(numbers)))


def save(tx: Connection, incident: Incident) -> None:
    """Write a changed incident; it must have been read in this transaction."""
    written = tx.execute(
        _SAVE,
        {
            "its_number": incident.number,
            "its_version": incident.version,
            "phase": incident.phase,
            "version": incident.version,
            "body": _dump(incident),
        },
    )
    if written.rowcount != 1:
        raise Unknown(incident.number)


def keep(tx: Connection, incident: Incident) -> None:
    """Write what is known by now without a new version: the card waits for its turn."""
    its = (incidents.c.number == incident.number) & (
        incidents.c.version == incident.version
    )
    tx.execute(update(incidents).where(its).values(body=_dump(incident)))


def reopen(tx: Connection, incident: Incident) -> None:
    """Write an incident that has come back; another may have its old fingerprint now."""
    its = incidents.c.number == incident.number
    tx.execute(update(incidents).where(its).values(fingerprint=incident.fingerprint))
    save(tx, incident)


def bump(tx: Connection, number: int, **fields: object) -> Incident:
    """Change fields of an incident and make its card be redrawn."""
    incident = get(tx, number).changed(**fields)
    save(tx, incident)
    return incident


def get(tx: Connection, number: int) -> Incident:
    """Return the incident; raise `Unknown`."""
    body = tx.execute(_BODY, {"number": number}).scalar()
    if body is None:
        raise Unknown(number)
    return _INCIDENTS.validate_json(body)


def opened(tx: Connection) -> list[Incident]:
    """Return all incidents that are not resolved, the oldest first."""
    return [_INCIDENTS.validate_json(body) for body in tx.execute(_OPENED).scalars()]


def resolved(
    tx: Connection, host: str, since: datetime, *, limit: int = 50
) -> Iterator[Incident]:
    """Yield a host's incidents opened since a time that are resolved, newest first."""
    query = select(incidents.c.body).where(
        incidents.c.host == host,
        incidents.c.phase == Phase.RESOLVED,
        incidents.c.opened_at >= since,
        # A list never comes back, and may be long.
        incidents.c.fingerprint.not_like(f"%/{STORM}/%"),
    )
    rows = tx.execute(query.order_by(incidents.c.number.desc()).limit(limit)).scalars()
    return (_INCIDENTS.validate_json(body) for body in rows.all())


def since(tx: Connection, start: datetime, *, limit: int = 50) -> list[Incident]:
    """Return the incidents opened since a time, the newest first."""
    return newest(tx, incidents.c.opened_at >= start, limit=limit)


def newest(
    tx: Connection, wanted: ColumnElement[bool], *, limit: int
) -> list[Incident]:
    """Return the incidents of which a condition on their rows holds, newest first."""
    query = select(incidents.c.body).where(wanted)
    rows = tx.execute(query.order_by(incidents.c.number.desc()).limit(limit)).scalars()
    return [_INCIDENTS.validate_json(body) for body in rows]


def unposted(tx: Connection, channel: str) -> list[Posting]:
    """Return what Slack has not seen yet: newer incidents, newer events.

    Incidents that were never posted come with an empty posting; creating the row
    is part of reading it, so that an attempt can be marked.
    """
    fresh = select(incidents.c.number).where(
        incidents.c.number.not_in(select(postings.c.incident))
    )
    for number in tx.execute(fresh).scalars().all():
        tx.execute(insert(postings).values(incident=number, channel=channel))
    newest = (
        select(func.coalesce(func.max(events.c.seq), 0))
        .where(events.c.incident == postings.c.incident)
        .scalar_subquery()
    )
    behind = or_(
        postings.c.ts.is_(None),
        postings.c.version < incidents.c.version,
        postings.c.seq < newest,
    )
    query = select(postings).join(
        incidents, and_(incidents.c.number == postings.c.incident, behind)
    )
    rows = tx.execute(query.order_by(postings.c.incident)).all()
    return [_posting(row) for row in rows]


def posting(tx: Connection, number: int) -> Posting | None:
    """Return what stands in Slack of this incident, if anything was tried."""
    row = tx.execute(_POSTING, {"number": number}).first()
    return _posting(row) if row else None


def posted(tx: Connection, number: int, **fields: object) -> None:
    """Record what Slack confirmed (ts, version, seq, permalink) or is being tried."""
    tx.execute(update(postings).where(postings.c.incident == number).values(**fields))


def by_message(tx: Connection, channel: str, ts: str) -> int | None:
    """Return the incident whose card is this message."""
    query = select(postings.c.incident).where(
        postings.c.channel == channel, postings.c.ts == ts
    )
    return tx.execute(query).scalar()


def is_card(tx: Connection, card: Posting | None, channel: str, ts: str) -> bool:
    """Say whether this message is an incident's card, as `posting` tells of it.

    One whose answer has not come yet, or never came, is known by being nobody else's.
    """
    if card is None or card.channel != channel or not ts:
        return False
    sent = card.doubtful or (card.ts is None and card.attempting == CARD)
    if not sent or card.ts == ts:
        return card.ts == ts
    return by_message(tx, channel, ts) in (None, card.incident)


def remember(tx: Connection, key: str, value: str) -> None:
    """Keep a small fact of the instance."""
    forget(tx, key)
    tx.execute(insert(meta).values(key=key, value=value))


def forget(tx: Connection, key: str) -> None:
    """Keep a small fact no longer."""
    tx.execute(delete(meta).where(meta.c.key == key))


def recall(tx: Connection, key: str) -> str | None:
    """Return a small fact of the instance."""
    return tx.execute(select(meta.c.value).where(meta.c.key == key)).scalar()


def notes(tx: Connection, prefix: str) -> dict[str, str]:
    """Return the small facts whose key begins so, by the rest of the key."""
    begins = meta.c.key.startswith(prefix, autoescape=True)
    rows = tx.execute(select(meta).where(begins))
    return {row.key.removeprefix(prefix): row.value for row in rows}


def _dump(incident: Incident) -> str:
    return _INCIDENTS.dump_json(incident).decode()


def _posting(row: Row[tuple[object, ...]]) -> Posting:
    return Posting(
        incident=row.incident,
        channel=row.channel,
        ts=row.ts,
        permalink=row.permalink,
        version=row.version,
        seq=row.seq,
        attempting=row.attempting,
        doubtful=bool(row.doubtful),
    )
