"""What people and pipelines tell the bot that they changed: deployments, switches, rollouts.

Told by `countersign mark` and `POST /webhooks/change`, read as evidence. It explains; it
decides nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    true,
)

from bot.storage import store
from bot.storage.database import Database
from bot.text.redact import fit_to_keep
from remediation.ledger.tables import Instant
from remediation.target.unit import is_service_name, unit_name

KEPT_FOR: Final = timedelta(days=30)
_MOST: Final = 10_000
"""Rows; whoever tells more loses the oldest."""
_PAST: Final = timedelta(days=1)
_FUTURE: Final = timedelta(minutes=5)
_TEXT: Final = 300
_NAME: Final = 63

marks = Table(
    "marks",
    store.metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("host", String(63), nullable=False, server_default=""),
    Column("service", String(255), nullable=False, server_default=""),
    Column("by", String(63), nullable=False, server_default=""),
)


class BadMark(ValueError):
    """It cannot be kept; its text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One change. host, service: where; empty is everywhere. by: who told it."""

    at: datetime
    text: str
    host: str = ""
    service: str = ""
    by: str = ""


def made(
    text: str,
    *,
    now: datetime,
    at: datetime | None = None,
    host: str = "",
    service: str = "",
    by: str = "",
) -> Mark:
    """Return a mark that may be kept; raise `BadMark`.

    Secrets in the text are hidden. at: within the last day; now where nobody said.
    """
    kept = fit_to_keep(text, limit=_TEXT)
    if not kept:
        raise BadMark("say what was changed, such as: deployed 2.31")
    when = at or now
    if when.tzinfo is None:
        raise BadMark("at has no time zone; write it like 2026-11-21T17:00:00Z")
    if not now - _PAST <= when <= now + _FUTURE:
        raise BadMark("at is not within the last 24 h")
    unit = unit_name(service) if service else ""
    if unit and not is_service_name(unit):
        raise BadMark("service is no name of a service")
    return Mark(
        at=when,
        text=kept,
        host=fit_to_keep(host, limit=_NAME),
        service=unit,
        by=fit_to_keep(by, limit=_NAME),
    )


def keep(tx: Connection, mark: Mark) -> None:
    """Write it, and forget what is old or too much."""
    written = tx.execute(insert(marks).values(asdict(mark)).returning(marks.c.id))
    newest = written.scalar_one()
    old = marks.c.at < mark.at - KEPT_FOR
    tx.execute(delete(marks).where(old | (marks.c.id <= newest - _MOST)))


def between(
    tx: Connection, since: datetime, until: datetime, *, host: str, service: str
) -> Sequence[Mark]:
    """Return what was told of this host and service, the newest first, at most fifty.

    service: empty for an incident that is about none; then every service's count.
    """
    of_host = marks.c.host.in_(["", host])
    of_service = marks.c.service.in_(["", service]) if service else true()
    rows = tx.execute(
        select(marks)
        .where(marks.c.at >= since, marks.c.at <= until, of_host, of_service)
        .order_by(marks.c.at.desc(), marks.c.id.desc())
        .limit(50)
    )
    return [
        Mark(at=r.at, text=r.text, host=r.host, service=r.service, by=r.by)
        for r in rows
    ]


class Marks:
    """Reads what was told of any host; evidence sources are given it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(
        self, host: str, service: str, since: datetime, until: datetime
    ) -> Sequence[Mark]:
        """Return what was told of the host and the service, as `between` does."""
        with self._database.read() as tx:
            return between(tx, since, until, host=host, service=service)
