"""What stands in the chain where events were purged: the hashes on both sides of the gap.

An anchor is the run of events that are gone, the hash before them and the last one's own,
so that what follows is still bound to what came before. The event of each purge seals all
anchors there are by their digest: to invent one is as hard as to invent an event.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, inspect, select

from remediation.ledger.tables import anchors

KIND = "records.purged"
"""The event of a purge; its `action_hash` is the digest of all anchors after it."""

_ITS = anchors.c.first == bindparam("its_first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The events `first` to `last` are gone. prev: the hash before them. hash: of `last`."""

    first: int
    last: int
    prev: str
    hash: str


def all_of(tx: Connection) -> list[Anchor]:
    """Return all anchors in the chain's order; none in a schema older than purging."""
    if not inspect(tx).has_table(anchors.name):
        return []
    rows = tx.execute(select(anchors).order_by(anchors.c.first)).mappings()
    return [Anchor(**row) for row in rows]


def digest(found: Sequence[Anchor]) -> str:
    """Return what the purge's event seals: one hash over all anchors."""
    lines = (f"{a.first} {a.last} {a.prev} {a.hash}" for a in found)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def joined(found: Sequence[Anchor]) -> list[Anchor]:
    """Make one of those that follow each other; a break between two stays to be found."""
    made: list[Anchor] = []
    for anchor in sorted(found, key=lambda anchor: anchor.first):
        before = made[-1] if made else None
        if before is not None and _leads_to(before, anchor):
            made[-1] = Anchor(
                first=before.first,
                last=anchor.last,
                prev=before.prev,
                hash=anchor.hash,
            )
        else:
            made.append(anchor)
    return made


def _leads_to(before: Anchor, after: Anchor) -> bool:
    return (before.last + 1, before.hash) == (after.first, after.prev)


def add(tx: Connection, gone: Sequence[Anchor]) -> list[Anchor]:
    """Keep the anchors of what is purged in this transaction; return all there are."""
    before = all_of(tx)
    after = joined([*before, *gone])
    old, new = set(before) - set(after), set(after) - set(before)
    if old:
        firsts = [{"its_first": anchor.first} for anchor in old]
        tx.execute(delete(anchors).where(_ITS), firsts)
    if new:
        tx.execute(insert(anchors), [_row(anchor) for anchor in new])
    return after


def _row(anchor: Anchor) -> dict[str, object]:
    return {
        "first": anchor.first,
        "last": anchor.last,
        "prev": anchor.prev,
        "hash": anchor.hash,
    }
