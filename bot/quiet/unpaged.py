"""What was seen and called nobody: counted until the day's digest tells of it.

How many there were on which day stays, for reports.

Brief: over before its `for`. Expected: declared work. Muted: a mute or a maintenance kept
it quiet. Unusual: improbable, and nothing else agreed.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    String,
    Table,
    Text,
    delete,
    select,
    update,
)

from bot.model import Finding
from bot.storage import store
from bot.storage.database import Database
from bot.text.words import measured
from remediation.ledger.tables import Instant

MOST = 500
"""Kept until they are told; beyond it only their number grows."""

COUNTED_FOR = timedelta(days=400)
"""How long the bare numbers by day stay, for reports."""
_DAY = "unpaged on "

table = Table(
    "unpaged",
    store.metadata,
    Column("condition", Text, primary_key=True),
    Column("why", String(16), primary_key=True),
    Column("times", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("last", Instant, nullable=False),
)


class Why(StrEnum):
    """Why it called nobody."""

    BRIEF = "brief"
    EXPECTED = "expected"
    MUTED = "muted"
    UNUSUAL = "unusual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One condition that came and called nobody. said: its figure, or what was declared."""

    condition: str
    why: Why
    times: int
    host: str
    label: str
    said: str
    last: datetime

    @property
    def key(self) -> tuple[str, Why]:
        """What it is counted by."""
        return self.condition, self.why


class Unpaged:
    """Counts in memory; `keep` writes, so that a round waits for no disk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fresh: dict[tuple[str, Why], Seen] = {}
        self._lock = threading.Lock()

    def add(self, finding: Finding, why: Why, said: str = "") -> None:
        """Count one. A process's condition goes by its figure, not by its pid."""
        passing = finding.is_passing
        seen = Seen(
            condition=f"{finding.host}/{finding.detector}/{finding.label}"
            if passing
            else finding.key,
            why=why,
            times=1,
            host=finding.host,
            label=finding.label,
            said=said or measured(finding),
            last=finding.at,
        )
        with self._lock:
            if len(self._fresh) < MOST or seen.key in self._fresh:
                self._fresh[seen.key] = _together(self._fresh.get(seen.key), seen)

    def keep(self) -> None:
        """Write what was counted; what cannot be written now is written next time."""
        with self._lock:
            fresh, self._fresh = self._fresh, {}
        if not fresh:
            return
        with ExitStack() as undo:
            undo.callback(self._put_back, fresh)
            with self._database.write() as tx:
                known = {seen.key: seen for seen in all_of(tx)}
                for key, seen in fresh.items():
                    if key in known or len(known) < MOST:
                        known[key] = _together(known.get(key), seen)
                        _write(tx, known[key])
                _count(tx, fresh.values())
            undo.pop_all()

    def _put_back(self, unwritten: Mapping[tuple[str, Why], Seen]) -> None:
        with self._lock:
            for key, seen in unwritten.items():
                newer = self._fresh.get(key)
                if newer is not None or len(self._fresh) < MOST:
                    self._fresh[key] = _together(seen, newer) if newer else seen


def all_of(tx: Connection) -> tuple[Seen, ...]:
    """Return what nobody was told of yet, the most frequent first."""
    rows = tx.execute(select(table).order_by(table.c.times.desc(), table.c.condition))
    return tuple(
        Seen(
            condition=row.condition,
            why=Why(row.why),
            times=row.times,
            host=row.host,
            label=row.label,
            said=row.said,
            last=row.last,
        )
        for row in rows
    )


def forget(tx: Connection, told: Sequence[Seen]) -> None:
    """Forget what was told; the times that it was seen again since then stay."""
    for seen in told:
        mine = (table.c.condition == seen.condition) & (table.c.why == seen.why)
        tx.execute(delete(table).where(mine & (table.c.times <= seen.times)))
        rest = table.c.times - seen.times
        tx.execute(update(table).where(mine).values(times=rest))


def counted(tx: Connection, start: date, end: date) -> Counter[Why]:
    """Return how much called nobody from one day to another (UTC), both included."""
    found = Counter[Why]()
    for day, times in _days(tx).items():
        if start <= day <= end:
            found.update(times)
    return found


def counted_since(tx: Connection) -> date | None:
    """Return the first day that anything was counted on; None while there is none."""
    return min(_days(tx), default=None)


def _days(tx: Connection) -> dict[date, Counter[Why]]:
    return {
        date.fromisoformat(day): Counter(
            {Why(why): int(times) for why, times in json.loads(told).items()}
        )
        for day, told in store.notes(tx, _DAY).items()
    }


def _count(tx: Connection, fresh: Iterable[Seen]) -> None:
    """Add to the numbers by day, which stay when the digest has told the rest."""
    days, added = _days(tx), dict[date, Counter[Why]]()
    for seen in fresh:
        day = seen.last.astimezone(UTC).date()
        added.setdefault(day, Counter())[seen.why] += seen.times
    for day, times in added.items():
        total = times + days.get(day, Counter())
        store.remember(tx, f"{_DAY}{day}", json.dumps(total))
    for day in days:
        if max(added) - day > COUNTED_FOR:
            store.forget(tx, f"{_DAY}{day}")


def _together(before: Seen | None, now: Seen) -> Seen:
    return replace(now, times=now.times + (before.times if before else 0))


def _write(tx: Connection, seen: Seen) -> None:
    mine = (table.c.condition == seen.condition) & (table.c.why == seen.why)
    tx.execute(delete(table).where(mine))
    tx.execute(
        table.insert().values(
            condition=seen.condition,
            why=seen.why,
            times=seen.times,
            host=seen.host,
            label=seen.label,
            said=seen.said,
            last=seen.last,
        )
    )
