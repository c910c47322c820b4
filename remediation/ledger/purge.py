"""What a purge takes from the trust kernel: rows, never their place in the chain.

The caller says which incidents; none whose proposals may still be carried out is taken.
A chain that is broken where something is to go stays as it is: a purge hides nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, delete, func, select

from remediation.ledger import anchors
from remediation.ledger.anchors import Anchor
from remediation.ledger.audit import Event, append, seal, serialize
from remediation.ledger.proposal import State
from remediation.ledger.tables import events, proposals, votes

_BUSY = (State.PENDING, State.APPROVED, State.EXECUTING)


class ChainBroken(Exception):
    """What was to be purged is not what was recorded; its text says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many rows went, or would go."""

    events: int
    proposals: int


def busy(tx: Connection) -> set[int]:
    """Return the incidents whose proposals are undecided or under way."""
    waiting = select(proposals.c.incident).where(proposals.c.state.in_(_BUSY))
    return set(tx.execute(waiting).scalars())


def counted(tx: Connection, incidents: Collection[int]) -> Taken:
    """Return what `take_out` would take."""
    return Taken(
        events=_count(tx, events, incidents),
        proposals=_count(tx, proposals, incidents),
    )


def take_out(
    tx: Connection, incidents: Collection[int], *, text: str, at: datetime
) -> Taken:
    """Delete events, proposals and votes of incidents; leave anchors and one event.

    text: of the event. Raises `ChainBroken`, and then changes nothing.
    """
    serialize(tx)
    taken = counted(tx, incidents)
    rows = tx.execute(
        select(*events.c).where(events.c.incident.in_(incidents)).order_by(events.c.seq)
    )
    left = anchors.add(tx, [_anchor(row) for row in rows.all()])
    theirs = select(proposals.c.id).where(proposals.c.incident.in_(incidents))
    tx.execute(delete(votes).where(votes.c.proposal.in_(theirs)))
    tx.execute(delete(proposals).where(proposals.c.incident.in_(incidents)))
    tx.execute(delete(events).where(events.c.incident.in_(incidents)))
    digest = anchors.digest(left) if left else ""
    append(tx, Event(kind=anchors.KIND, text=text, at=at, action_hash=digest))
    return taken


def _anchor(row: Sequence[object]) -> Anchor:
    *fields, sealed = row
    if seal(tuple(fields)) != sealed:
        raise ChainBroken(f"event {fields[0]} was changed")
    seq = int(str(fields[0]))
    return Anchor(first=seq, last=seq, prev=str(fields[-1]), hash=str(sealed))


def _count(tx: Connection, table: Table, incidents: Collection[int]) -> int:
    rows = select(func.count()).where(table.c.incident.in_(incidents))
    return int(tx.execute(rows).scalar_one())
