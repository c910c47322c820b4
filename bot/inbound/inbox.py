"""The alerts that were told, each in one row from its arrival until a day after its end.

Whoever told it is answered when the row is durable, so the rows are the truth: detection
reads them each round, and a bot that died in between finds them again.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    bindparam,
    delete,
    false,
    func,
    insert,
    select,
    true,
    update,
)

from bot import store
from bot.database import Database
from bot.inbound.messages import MOST_ALERTS
from bot.inbound.told import AlertKey, Source, ToldAlert
from bot.ports import Clock
from remediation.audit import Event, append
from remediation.tables import Instant

MOST_FIRING: Final = MOST_ALERTS
"""Alerts that fire at once. More are not taken; what was taken is never thrown away."""
_KEPT_FOR: Final = timedelta(days=1)

inbox = Table(
    "inbox",
    store.metadata,
    Column("source", String(16), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("starts_at", Instant, nullable=False),
    Column("is_firing", Boolean, nullable=False, index=True),
    Column("is_seen", Boolean, nullable=False),
    Column("heard_at", Instant, nullable=False),
    Column("grouped", String(16), nullable=False),
    Column("left_out", Integer, nullable=False),
    Column("body", Text, nullable=False),
)


_ITS: Final = (inbox.c.source == bindparam("its_source")) & (
    inbox.c.fingerprint == bindparam("its_name")
)
_REPLACED: Final = delete(inbox).where(_ITS)
_SEEN: Final = (
    update(inbox)
    .where(_ITS, inbox.c.starts_at == bindparam("its_start"))
    .values(is_seen=True)
)
_OVER: Final = (
    update(inbox)
    .where(_ITS, inbox.c.starts_at == bindparam("its_start"))
    .values(is_firing=False, heard_at=bindparam("ended_at"))
)
_FORGET: Final = delete(inbox).where(
    inbox.c.is_firing == false(),
    inbox.c.is_seen == true(),
    inbox.c.heard_at < bindparam("before"),
)
_LOOKED_AT: Final = select(inbox).where(
    (inbox.c.is_firing == true()) | (inbox.c.is_seen == false())
)


class Full(Exception):
    """As many alerts fire as are taken; its text says so, fit for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAlert:
    """An alert that fires, and when it was told last."""

    alert: ToldAlert
    heard_at: datetime


class Inbox:
    """Takes alerts, and tells which of them fire."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def take(self, alerts: Sequence[ToldAlert]) -> None:
        """Keep what was told; durable at the return. Raises `Full`, and keeps none."""
        now = self._clock.now().wall
        with self._database.write() as tx:
            known = _known(tx, alerts)
            news: dict[AlertKey, _Row] = {}
            for alert in alerts:
                row = _row(alert, known.get(alert.key), now)
                if row is not None:
                    known[alert.key] = news[alert.key] = row
            _write(tx, list(news.values()), now)
            if any(row.is_firing for row in news.values()):
                _has_room(tx)

    def firing(self) -> Sequence[KeptAlert]:
        """Return the alerts that fire; they count as seen from now on."""
        with self._database.read() as tx:
            rows = tx.execute(_LOOKED_AT).mappings().all()
        fresh = [_kept(row) for row in rows if not row["is_seen"]]
        if fresh:
            self._seen(fresh)
        return [_kept(row) for row in rows if row["is_firing"]]

    def _seen(self, fresh: Sequence[KeptAlert]) -> None:
        """Tick off what was read; what came and went in between is told in the ledger."""
        now = self._clock.now().wall
        with self._database.write() as tx:
            tx.execute(_SEEN, [_key(kept.alert) for kept in fresh])
            for kept in fresh:
                if not kept.alert.is_firing:
                    text = (
                        f"{kept.alert.name} fired and was over before it was looked at"
                    )
                    append(tx, Event(kind="alert.passed", text=text, at=now))

    def waiting(self) -> int:
        """Return how many no round has looked at yet."""
        unseen = select(func.count()).where(inbox.c.is_seen == false())
        with self._database.read() as tx:
            return tx.execute(unseen).scalar_one()

    def end(self, gone: Sequence[ToldAlert]) -> None:
        """Take note that these are over, unless they began anew meanwhile."""
        now = self._clock.now().wall
        keys = [{**_key(alert), "ended_at": now} for alert in gone]
        if keys:
            with self._database.write() as tx:
                tx.execute(_OVER, keys)


def _key(alert: ToldAlert) -> dict[str, object]:
    return {
        "its_source": alert.source,
        "its_name": alert.fingerprint,
        "its_start": alert.starts_at,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One row, by its columns."""

    source: str
    fingerprint: str
    starts_at: datetime
    is_firing: bool
    is_seen: bool
    heard_at: datetime
    grouped: str
    left_out: int
    body: str


def _known(tx: Connection, alerts: Sequence[ToldAlert]) -> dict[AlertKey, _Row]:
    named = inbox.c.fingerprint.in_({alert.fingerprint for alert in alerts})
    rows = (_Row(**row) for row in tx.execute(select(inbox).where(named)).mappings())
    return {(row.source, row.fingerprint): row for row in rows}


def _row(alert: ToldAlert, before: _Row | None, now: datetime) -> _Row | None:
    """Return what to write in place of what was known; None where it is no news.

    A message about an earlier firing than the known one was held up on its way.
    """
    firing = before if before is not None and before.is_firing else None
    if before is not None and alert.starts_at < before.starts_at:
        return None
    if not alert.is_firing and firing is None:
        return None
    # The plain form does not tell when it began: as long as it fires it is the same.
    goes_on = firing is not None and alert.source is Source.JSON
    return _Row(
        source=alert.source,
        fingerprint=alert.fingerprint,
        starts_at=firing.starts_at if firing and goes_on else alert.starts_at,
        is_firing=alert.is_firing,
        is_seen=firing is not None and firing.is_seen,
        heard_at=now,
        grouped=alert.group,
        left_out=alert.left_out,
        body=json.dumps([alert.labels, alert.annotations]),
    )


def _write(tx: Connection, rows: Sequence[_Row], now: datetime) -> None:
    """Put the rows in place of those of the same alerts, and forget the old ones."""
    if not rows:
        return
    tx.execute(_FORGET, {"before": now - _KEPT_FOR})
    keys = [{"its_source": r.source, "its_name": r.fingerprint} for r in rows]
    tx.execute(_REPLACED, keys)
    tx.execute(insert(inbox), [asdict(row) for row in rows])


def _has_room(tx: Connection) -> None:
    firing = select(func.count()).where(inbox.c.is_firing == true())
    if tx.execute(firing).scalar_one() > MOST_FIRING:
        raise Full(f"{MOST_FIRING:,} alerts fire already, and no more are taken")


def _kept(row: RowMapping) -> KeptAlert:
    labels, annotations = json.loads(row["body"])
    alert = ToldAlert(
        source=Source(row["source"]),
        fingerprint=row["fingerprint"],
        starts_at=row["starts_at"],
        is_firing=row["is_firing"],
        labels=labels,
        annotations=annotations,
        group=row["grouped"],
        left_out=row["left_out"],
    )
    return KeptAlert(alert=alert, heard_at=row["heard_at"])
