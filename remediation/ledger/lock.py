"""The one lock that stops the whole bot; anyone may set it, approvers free it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    exists,
    insert,
    select,
    update,
)

from remediation.ledger import audit
from remediation.ledger.tables import lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """The bot is stopped: by whom, since when and why."""

    by: str
    at: datetime
    why: str


def set_lock(tx: Connection, *, by: str, why: str, at: datetime) -> bool:
    """Stop the whole bot; False if it is stopped already."""
    audit.serialize(tx)
    if locked(tx) is not None:
        return False
    tx.execute(insert(lock).values(id=1, by=by, at=at, why=why))
    return True


def free_lock(tx: Connection) -> bool:
    """Free the bot; False if it was free."""
    audit.serialize(tx)
    return tx.execute(delete(lock)).rowcount == 1


def pass_on(tx: Connection, *, by: str, to: str) -> bool:
    """Make somebody else the one who locked; False unless `by` did."""
    done = tx.execute(update(lock).where(lock.c.by == by).values(by=to))
    return done.rowcount == 1


def locked(tx: Connection) -> Locked | None:
    """Return the lock, if the bot is stopped."""
    row = tx.execute(select(lock)).first()
    return None if row is None else Locked(by=row.by, at=row.at, why=row.why)


def is_free() -> ColumnElement[bool]:
    """Return the condition for a statement that must not match while locked."""
    return ~exists(select(lock.c.id))
