"""Incidents that are over for longer than they are kept, and all that belongs to them.

What goes of one: its row, its card's place, events, proposals, votes, steps, what memory
and the pager kept of it, its postmortem. What stays: anchors and one event of the purge in
the chain, its number, which is never given again, and what models cost, as bare figures.
Open incidents are never touched, nor one whose action may still be carried out.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    false,
    func,
    select,
    true,
    update,
)

from bot.inbound.inbox import inbox
from bot.learning import postmortems
from bot.llm.costs import model_calls
from bot.model import Phase
from bot.runtime.tracing import trace_steps
from bot.storage import store
from bot.storage.database import Database
from memory import purge as memory
from remediation.ledger import purge as ledger

AT_ONCE: Final = 20
"""Incidents that go in one transaction: a click waits for no more than these."""
_SLICE: Final = 500
_PAGES: Final = "page:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What went, or would go. cases: of memory. documents: postmortems. alerts: told."""

    incidents: int = 0
    events: int = 0
    proposals: int = 0
    cases: int = 0
    documents: int = 0
    alerts: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        pairs = zip(astuple(self), astuple(other), strict=True)
        names = self.__dataclass_fields__
        return Counts(**dict(zip(names, (a + b for a, b in pairs), strict=True)))


class Bygone:
    """Finds what is over for long, and takes it out a few at a time."""

    def __init__(self, database: Database, state_dir: Path) -> None:
        self._database = database
        self._folder = state_dir

    def count(self, before: datetime) -> Counts:
        """Return what would go of everything that ended before."""
        with self._database.read() as tx:
            parts = (self._counted(tx, some) for some in _slices(_due(tx, before)))
            return sum(parts, Counts(alerts=_alerts(tx, before)))

    def take(self, before: datetime, *, why: str, now: datetime) -> Counts:
        """Take out the oldest few; return what went, no incidents when all is done.

        why: whose wish it was, for the event. Raises `remediation.ledger.purge.ChainBroken`
        where what is recorded was changed, and `OSError` where a document cannot go;
        then nothing went.
        """
        with self._database.erase() as tx:
            alerts = _alerts(tx, before)
            tx.execute(delete(inbox).where(_over(before)))
            numbers = list(islice(_due(tx, before), AT_ONCE))
            if not numbers:
                return Counts(alerts=alerts)
            gone = self._counted(tx, numbers)
            text = f"Purged {_named(numbers)}, closed before {before:%Y-%m-%d}: {why}"
            ledger.take_out(tx, numbers, text=text, at=now)
            memory.forget(tx, numbers)
            _forget(tx, numbers)
            store.drop(tx, numbers)
            # Within the transaction: a document can be written again, an incident not.
            for number in numbers:
                postmortems.forget(self._folder, number)
        return gone + Counts(alerts=alerts)

    def finish(self) -> None:
        """Let nothing of it stand in the database's journal either."""
        self._database.empty_journal()

    def _counted(self, tx: Connection, numbers: Sequence[int]) -> Counts:
        rows, known = ledger.counted(tx, numbers), memory.counted(tx, numbers)
        return Counts(
            incidents=len(numbers),
            events=rows.events,
            proposals=rows.proposals,
            cases=known.cases + known.folded,
            documents=sum(
                postmortems.document(self._folder, n).exists() for n in numbers
            ),
        )


def _due(tx: Connection, before: datetime) -> Iterator[int]:
    """Yield the numbers of what ended before, the lowest first."""
    busy = ledger.busy(tx)
    rows = store.incidents.c
    query = (
        select(rows.number, rows.opened_at, rows.body)
        # What ended before was opened before; only the body knows its end.
        .where(rows.phase == Phase.RESOLVED, rows.opened_at < before)
        .order_by(rows.number)
    )
    with tx.execute(query.execution_options(yield_per=100)) as found:
        for row in found:
            ended = json.loads(row.body).get("resolved_at")
            at = datetime.fromisoformat(ended) if ended else row.opened_at
            if at < before and row.number not in busy:
                yield row.number


def _forget(tx: Connection, numbers: Collection[int]) -> None:
    """Delete what other parts of the bot kept about incidents."""
    tx.execute(delete(trace_steps).where(trace_steps.c.incident.in_(numbers)))
    calls = update(model_calls).where(model_calls.c.incident.in_(numbers))
    tx.execute(calls.values(incident=None))
    for key in store.notes(tx, _PAGES):
        number = key.rpartition(":")[2]
        if number.isdigit() and int(number) in numbers:
            store.forget(tx, f"{_PAGES}{key}")


def _over(before: datetime) -> ColumnElement[bool]:
    told = inbox.c
    return (
        (told.is_firing == false())
        & (told.is_seen == true())
        & (told.heard_at < before)
    )


def _alerts(tx: Connection, before: datetime) -> int:
    query = select(func.count()).select_from(inbox).where(_over(before))
    return tx.execute(query).scalar_one()


def _named(numbers: Sequence[int]) -> str:
    what = "incident" if len(numbers) == 1 else "incidents"
    return f"{what} {', '.join(map(str, numbers))}"


def _slices(numbers: Iterator[int]) -> Iterator[list[int]]:
    while some := list(islice(numbers, _SLICE)):
        yield some
