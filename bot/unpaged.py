"""What was seen and called nobody: counted until the day's digest tells of it.

Brief: over before its `for`. Expected: declared work. Muted: a mute or a maintenance kept
it quiet. Unusual: improbable, and nothing else agreed.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
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

from bot import store
from bot.database import Database
from bot.model import Finding
from bot.words import measured
from remediation.tables import Instant

MOST = 500
"""Kept until they are told; beyond it only their number grows."""

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
