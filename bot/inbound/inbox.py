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
    BindParameter,
    Boolean,
    Column,
    Connection,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    Update,
    bindparam,
    delete,
    false,
    func,
    insert,
    select,
    true,
    update,
)

from bot.inbound.told import AlertKey, Source, ToldAlert
from bot.ports import Clock
from bot.storage import store
from bot.storage.database import Database
from remediation.ledger.audit import Event, append
from remediation.ledger.tables import Instant

MOST_FIRING: Final = 20_000
"""Alerts that fire at once. More are not taken; what was taken is never thrown away."""
_KEPT_FOR: Final = timedelta(days=1)
_AT_ONCE: Final = 500
"""Alerts written in one transaction: a click waits for no more than these."""

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
    Column("polled", String(40), nullable=False),
    Column("change", Integer, nullable=False, index=True),
    Column("body", Text, nullable=False),
)


_ITS: Final = (inbox.c.source == bindparam("its_source")) & (
    inbox.c.fingerprint == bindparam("its_name")
)
_THIS: Final = _ITS & (inbox.c.starts_at == bindparam("its_start"))
_REPLACED: Final = delete(inbox).where(_ITS)
_SEEN: Final = update(inbox).where(_THIS).values(is_seen=True)
_NOTED: Final[dict[str, BindParameter[object]]] = {
    "heard_at": bindparam("now"),
    "change": bindparam("its_change"),
}
_OVER: Final = update(inbox).where(_THIS).values(is_firing=False, **_NOTED)
_HEARD: Final = (
    update(inbox)
    .where(_ITS)
    .values(is_firing=True, polled=bindparam("server"), **_NOTED)
)
_OLD: Final = (inbox.c.is_firing == false()) & (inbox.c.is_seen == true())
_LOOKED_AT: Final = select(inbox).where(
    (inbox.c.is_firing == true()) | (inbox.c.is_seen == false())
)
_LAST: Final = select(func.coalesce(func.max(inbox.c.change), 0))
_UNSEEN: Final = select(func.count()).where(inbox.c.is_seen == false())
_STATE: Final = select(func.count(), func.max(inbox.c.change))


class Full(Exception):
    """As many alerts fire as are taken; its text says so, fit for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAlert:
    """An alert, and when it was told last or seen to fire.

    polled: the run of the Alertmanager that was seen to have it, "" where none was.
    """

    alert: ToldAlert
    heard_at: datetime
    polled: str = ""


class Inbox:
    """Takes alerts, and tells which of them fire.

    forgotten_after: how long one may fire of which nobody tells.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        forgotten_after: timedelta = _KEPT_FOR,
    ) -> None:
        self._database = database
        self._clock = clock
        self._forgotten_after = forgotten_after
        self._firing: Sequence[KeptAlert] = ()
        self._shown: Sequence[KeptAlert] = ()
        self._in_vain: frozenset[AlertKey] = frozenset()
        self._state: object = None

    def take(self, alerts: Sequence[ToldAlert]) -> None:
        """Keep what was told; durable at the return.

        Raises `Full`; then some of it may be kept, and all may be told again.
        """
        for first in range(0, len(alerts), _AT_ONCE):
            self._take(alerts[first : first + _AT_ONCE])

    def _take(self, alerts: Sequence[ToldAlert]) -> None:
        now = self._clock.now().wall
        with self._database.write() as tx:
            known = _known(tx, alerts)
            change = tx.execute(_LAST).scalar_one() + 1
            news: dict[AlertKey, _Row] = {}
            for alert in alerts:
                row = _row(alert, known.get(alert.key), now, change)
                if row is not None:
                    known[alert.key] = news[alert.key] = row
            self._forget(tx, now)
            _write(tx, list(news.values()))
            if any(row.is_firing for row in news.values()):
                _has_room(tx)

    def _forget(self, tx: Connection, now: datetime) -> None:
        """Delete what is over for long, and what nobody tells of any more."""
        silent = now - self._forgotten_after - _KEPT_FOR
        old = _OLD & (inbox.c.heard_at < now - _KEPT_FOR)
        tx.execute(delete(inbox).where(old | (inbox.c.heard_at < silent)))

    def look(self) -> Sequence[KeptAlert]:
        """Return the alerts that fire; what the look before returned counts as seen.

        For the one who makes conditions of them: so what came and went unseen is known,
        and told in the ledger.
        """
        vain = self._in_vain
        self._tick_off([k for k in self._shown if k.alert.key not in vain])
        self._shown = [k for k in self._shown if k.alert.key in vain]
        self._in_vain = frozenset()
        with self._database.read() as tx:
            state = tx.execute(_STATE).one()
            if state == self._state:
                return self._firing
            rows = tx.execute(_LOOKED_AT).mappings().all()
        unseen = [_kept(row) for row in rows if not row["is_seen"]]
        self._tick_off([kept for kept in unseen if not kept.alert.is_firing])
        self._shown = [kept for kept in unseen if kept.alert.is_firing]
        self._firing = [_kept(row) for row in rows if row["is_firing"]]
        self._state = state
        return self._firing

    def missed(self, alerts: Sequence[ToldAlert]) -> None:
        """Take note that the look before showed these in vain: they are not seen yet."""
        self._in_vain = frozenset(alert.key for alert in alerts)

    def _tick_off(self, seen: Sequence[KeptAlert]) -> None:
        """Count these as seen; of those that were over before it, tell so."""
        now = self._clock.now().wall
        for first in range(0, len(seen), _AT_ONCE):
            part = seen[first : first + _AT_ONCE]
            with self._database.write() as tx:
                tx.execute(_SEEN, [_key(kept.alert) for kept in part])
                for name in (k.alert.name for k in part if not k.alert.is_firing):
                    text = f"{name} fired and was over before it was looked at"
                    append(tx, Event(kind="alert.passed", text=text, at=now))

    def told(self, source: Source) -> Sequence[KeptAlert]:
        """Return what this source told and is kept: what fires, and what lately did."""
        with self._database.read() as tx:
            rows = tx.execute(select(inbox).where(inbox.c.source == source)).mappings()
            return [_kept(row) for row in rows]

    def waiting(self) -> int:
        """Return how many no round has looked at yet."""
        with self._database.read() as tx:
            return tx.execute(_UNSEEN).scalar_one()

    def end(self, gone: Sequence[ToldAlert]) -> None:
        """Take note that these are over, unless they began anew meanwhile."""
        self._note(_OVER, gone, "")

    def heard(self, fires: Sequence[ToldAlert], server: str) -> None:
        """Take note that a run of Alertmanager was seen to have these, and they fire."""
        self._note(_HEARD, fires, server)

    def _note(
        self, statement: Update, alerts: Sequence[ToldAlert], server: str
    ) -> None:
        now = self._clock.now().wall
        for first in range(0, len(alerts), _AT_ONCE):
            part = alerts[first : first + _AT_ONCE]
            with self._database.write() as tx:
                said = {
                    "now": now,
                    "server": server,
                    "its_change": tx.execute(_LAST).scalar_one() + 1,
                }
                tx.execute(statement, [{**_key(alert), **said} for alert in part])


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
    polled: str
    change: int
    body: str


def _known(tx: Connection, alerts: Sequence[ToldAlert]) -> dict[AlertKey, _Row]:
    named = inbox.c.fingerprint.in_({alert.fingerprint for alert in alerts})
    rows = (_Row(**row) for row in tx.execute(select(inbox).where(named)).mappings())
    return {(row.source, row.fingerprint): row for row in rows}


def _row(
    alert: ToldAlert, before: _Row | None, now: datetime, change: int
) -> _Row | None:
    """Return what to write in place of what was known; None where it is no news."""
    firing = before if before is not None and before.is_firing else None
    if not alert.is_firing and (firing is None or _is_of_before(alert, firing)):
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
        polled=before.polled if before else "",
        change=change,
        body=json.dumps([alert.labels, alert.annotations]),
    )


def _is_of_before(over: ToldAlert, firing: _Row) -> bool:
    """Say whether an end was held up on its way, and is that of an earlier firing.

    A start alone does not tell: Alertmanager sets it back when another Prometheus saw
    the same alert earlier.
    """
    return over.ends_at is not None and over.ends_at <= firing.starts_at


def _write(tx: Connection, rows: Sequence[_Row]) -> None:
    """Put the rows in place of those of the same alerts."""
    if not rows:
        return
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
    return KeptAlert(alert=alert, heard_at=row["heard_at"], polled=row["polled"])
