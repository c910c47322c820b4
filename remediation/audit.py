"""The chain of events: every transition is one row, and each row seals all before it.

`append` runs inside the transaction that changes the state, so there is no change
without its event and no event without its change. Each row's hash covers its
columns and the hash before it; a row that was changed, removed, inserted or moved
breaks the chain, and a chain that was cut at its end disagrees with the head (the
copy in the database, and the copies that were posted in Slack).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from remediation.tables import as_text, events, head

_ROOT = "0" * 64
# Built once: making a statement costs more than running it, and these are on the
# path of every click.
_HEAD = select(head).where(head.c.id == 1).with_for_update()
_ADD = insert(events)
_MOVE = (
    update(head)
    .where(head.c.id == 1)
    .values(seq=bindparam("new_seq"), hash=bindparam("new_hash"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, before it has its place in the chain.

    kind: a stable name ("proposal.approved"). actor: a Slack user id, or None for
    the bot itself. text: what the thread says, printable. action_hash: the digest
    of the action it is about, or "".
    """

    kind: str
    text: str
    at: datetime
    incident: int | None = None
    proposal: str | None = None
    actor: str | None = None
    action_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An event with its place in the chain."""

    seq: int
    event: Event
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest event's number and hash: whoever knows it can prove all before it."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What verification found; `fault` is None for a sound chain."""

    rows: int
    head: Head
    fault: str | None


class ChainMissing(Exception):
    """The head row is gone: nothing may be written until a person has looked."""

    def __init__(self) -> None:
        super().__init__("the head of the chain is gone: was the table emptied?")


def serialize(tx: Connection) -> Head:
    """Make this transaction the only writer until it ends; return the head.

    PostgreSQL holds the head row's lock. SQLite ignores FOR UPDATE, but there the
    transaction began with BEGIN IMMEDIATE and is alone already.
    """
    row = tx.execute(_HEAD).first()
    if row is None:
        raise ChainMissing
    return Head(seq=row.seq, hash=row.hash)


def start(tx: Connection) -> None:
    """Write the head of an empty chain; done once, by the first migration."""
    tx.execute(insert(head).values(id=1, seq=0, hash=_ROOT))


def append(tx: Connection, event: Event) -> Sealed:
    """Add the event to the chain inside `tx` and return it with its number."""
    last = serialize(tx)
    row = {
        "seq": last.seq + 1,
        "at": as_text(event.at),
        "kind": event.kind,
        "incident": event.incident,
        "proposal": event.proposal,
        "actor": event.actor,
        "action_hash": event.action_hash,
        "text": event.text,
        "prev": last.hash,
    }
    sealed = _hash(tuple(row.values()))
    tx.execute(_ADD, {**row, "hash": sealed})
    tx.execute(_MOVE, {"new_seq": last.seq + 1, "new_hash": sealed})
    return Sealed(seq=last.seq + 1, event=event, hash=sealed)


def read(
    tx: Connection, *, incident: int | None = None, after: int = 0, limit: int = 1000
) -> list[Sealed]:
    """Return events in order, of one incident or of all, after a number."""
    query = select(events).where(events.c.seq > after).order_by(events.c.seq)
    if incident is not None:
        query = query.where(events.c.incident == incident)
    return [_sealed(row) for row in tx.execute(query.limit(limit)).mappings()]


def export(tx: Connection) -> Iterator[Sealed]:
    """Yield the whole chain in order, in bounded memory."""
    rows = tx.execution_options(yield_per=2000).execute(
        select(events).order_by(events.c.seq)
    )
    for row in rows.mappings():
        yield _sealed(row)


def current(tx: Connection) -> Head:
    """Return the head without locking it."""
    row = tx.execute(select(head).where(head.c.id == 1)).first()
    if row is None:
        raise ChainMissing
    return Head(seq=row.seq, hash=row.hash)


def verify(tx: Connection, *, known: Head | None = None) -> Report:
    """Recompute every hash; `known` is a head somebody wrote down earlier.

    One pass, constant memory. Reads a snapshot, so a running bot may go on.
    """
    stored = tx.execute(select(head).where(head.c.id == 1)).first()
    prev, rows, fault = _ROOT, 0, None
    seen = known is None or known.seq == 0
    result = tx.execution_options(yield_per=5000).execute(
        select(*events.c).order_by(events.c.seq)
    )
    for row in result:
        rows += 1
        *fields, sealed = row
        if fault is None:
            fault = _fault_of(tuple(fields), sealed, rows, prev)
        prev = sealed
        seen = seen or (known is not None and (rows, sealed) == (known.seq, known.hash))
    last = Head(seq=rows, hash=prev)
    if fault is None and (stored is None or (stored.seq, stored.hash) != (rows, prev)):
        fault = "the stored head does not match the last event: rows were cut off"
    if fault is None and not seen and known is not None:
        fault = f"event {known.seq} with the given hash is not in the chain"
    return Report(rows=rows, head=last, fault=fault)


def _fault_of(
    fields: tuple[object, ...], sealed: str, place: int, prev: str
) -> str | None:
    if fields[0] != place:
        return f"event {place} is missing (found {fields[0]} in its place)"
    if fields[-1] != prev:
        return f"event {place} does not follow the event before it"
    return None if _hash(fields) == sealed else f"event {place} was changed"


def _hash(fields: tuple[object, ...]) -> str:
    # Length-prefixed, so that no two rows have the same bytes; None is no text.
    parts = ("-" if value is None else f"{len(str(value))}:{value}" for value in fields)
    return hashlib.sha256("|".join(parts).encode(errors="surrogatepass")).hexdigest()


def _sealed(row: RowMapping) -> Sealed:
    event = Event(
        kind=row["kind"],
        text=row["text"],
        at=datetime.fromisoformat(row["at"]),
        incident=row["incident"],
        proposal=row["proposal"],
        actor=row["actor"],
        action_hash=row["action_hash"],
    )
    return Sealed(seq=row["seq"], event=event, hash=row["hash"])
