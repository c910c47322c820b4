"""The chain of events: every transition is one row, and each row seals all before it.

`append` runs inside the transaction that changes the state, so there is no change
without its event and no event without its change. Each row's hash covers its
columns and the hash before it; a row that was changed, removed, inserted or moved
breaks the chain, and a chain that was cut at its end disagrees with the head (the
copy in the database, and the copies that were posted in Slack). Where events were
purged their anchors stand (`remediation/ledger/anchors.py`).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from remediation.ledger import anchors
from remediation.ledger.anchors import Anchor
from remediation.ledger.tables import as_text, events, head
from remediation.moment import Moment

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
    """What verification found; `fault` is None for a sound chain.

    purged: events that are gone, and of which the anchors tell.
    """

    rows: int
    head: Head
    fault: str | None
    purged: int = 0


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
    sealed = seal(tuple(row.values()))
    tx.execute(_ADD, {**row, "hash": sealed})
    tx.execute(_MOVE, {"new_seq": last.seq + 1, "new_hash": sealed})
    return Sealed(seq=last.seq + 1, event=event, hash=sealed)


def happened(
    tx: Connection,
    kind: str,
    text: str,
    now: Moment,
    *,
    incident: int | None = None,
    actor: str | None = None,
) -> None:
    """Append what happens this moment."""
    append(tx, Event(kind=kind, text=text, at=now.wall, incident=incident, actor=actor))


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

    One pass, constant memory. Reads a snapshot, so a running bot may go on. Where events
    were purged the anchors lead on, which the newest purge's event must have sealed.
    """
    stored = tx.execute(select(head).where(head.c.id == 1)).first()
    walk = _Walk(anchors.all_of(tx), known)
    result = tx.execution_options(yield_per=5000).execute(
        select(*events.c).order_by(events.c.seq)
    )
    for row in result:
        walk.step(row)
    last = Head(seq=walk.place, hash=walk.prev)
    is_cut = stored is None or (stored.seq, stored.hash) != (last.seq, last.hash)
    fault = walk.fault or walk.left_over()
    if fault is None and is_cut:
        fault = "the stored head does not match the last event: rows were cut off"
    return Report(
        rows=walk.rows,
        purged=walk.purged,
        head=last,
        fault=fault or walk.unknown(),
    )


class _Walk:
    """One pass along the chain. `fault` is the first thing that is wrong."""

    def __init__(self, gaps: Sequence[Anchor], known: Head | None) -> None:
        self.rows, self.purged = 0, 0
        self.place, self.prev = 0, _ROOT
        self.fault: str | None = None
        self._gaps = {gap.first: gap for gap in gaps}
        self._digest = anchors.digest(gaps) if gaps else None
        self._sealed: str | None = None
        self._known = None if known is None else (known.seq, known.hash)
        self._seen = known is None or known.seq == 0

    def step(self, row: Sequence[object]) -> None:
        """Take the next row."""
        *fields, sealed = row
        self.rows += 1
        if self.fault is None:
            over = self._leap(fields[0])
            self.fault = over or self._fault_of(tuple(fields), sealed)
        if fields[2] == anchors.KIND:
            self._sealed = str(fields[6])
        self.place, self.prev = self.place + 1, str(sealed)
        self._look()

    def left_over(self) -> str | None:
        """Say what is wrong with the anchors, once all rows were taken."""
        if self._gaps:
            first = min(self._gaps)
            return f"an anchor says that event {first} was purged, but nothing follows"
        if self._sealed != self._digest:
            return "the anchors of what was purged are not those that were sealed"
        return None

    def unknown(self) -> str | None:
        """Say it where the head that somebody wrote down is not in the chain."""
        if self._seen or self._known is None:
            return None
        return f"event {self._known[0]} with the given hash is not in the chain"

    def _leap(self, to: object) -> str | None:
        """Go over what was purged on the way to the next row; say what is wrong there."""
        fault = None
        while fault is None and to != self.place + 1:
            gap = self._gaps.pop(self.place + 1, None)
            if gap is None:
                return None
            fault = self._fault_at(gap)
            self.purged += gap.last - gap.first + 1
            self.place, self.prev = gap.last, gap.hash
            self._look()
        return fault

    def _fault_at(self, gap: Anchor) -> str | None:
        if gap.prev != self.prev:
            return f"event {self.place} is not the one that came before a purge"
        if self._known is not None and gap.first <= self._known[0] < gap.last:
            return (
                f"event {self._known[0]} was purged, so this head proves nothing any "
                "more; give a later one"
            )
        return None

    def _look(self) -> None:
        self._seen = self._seen or (self.place, self.prev) == self._known

    def _fault_of(self, fields: tuple[object, ...], sealed: object) -> str | None:
        place = self.place + 1
        if fields[0] != place:
            return f"event {place} is missing (found {fields[0]} in its place)"
        if fields[-1] != self.prev:
            return f"event {place} does not follow the event before it"
        return None if seal(fields) == sealed else f"event {place} was changed"


def seal(fields: tuple[object, ...]) -> str:
    """Return the hash of a row without its own hash, in the order of the columns."""
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
