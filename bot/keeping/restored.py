"""What a database that was put back may not bring back with it.

It is of an earlier hour: what was approved in it may have been carried out since, a lock
that people set since is not in it, nor are the numbers that incidents were given since.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from bot.actions.settle import settle_request
from bot.actions.told import named, tell
from bot.decide import is_awaited
from bot.host.boots import KEY as ALIVE
from bot.storage import store
from remediation.ledger import docket, lock
from remediation.ledger.audit import happened
from remediation.ledger.lock import Locked
from remediation.moment import Moment

KIND = "records.restored"
"""The event of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What is taken over from the database that was there before."""

    locked: Locked | None = None
    last_number: int = 0


def replaced(tx: Connection) -> Replaced:
    """Read it, in that database."""
    return Replaced(locked=lock.locked(tx), last_number=store.last_number(tx))


def make_safe(tx: Connection, before: Replaced, *, why: str, now: Moment) -> int:
    """End what is undecided or not carried out, and say so; return how many that were.

    why: where it was restored from and by whom, for the event.
    """
    open_ = docket.end_undecided(tx)
    for proposal in open_:
        kind = "proposal.expired" if is_awaited(tx, proposal) else "proposal.lapsed"
        text = f"{named(proposal)} ended: the database was restored from a copy"
        tell(tx, proposal, kind, text, now)
        settle_request(tx, store.get(tx, proposal.incident), "restored", now)
    store.begin_after(tx, before.last_number)
    # A sign of life of an earlier boot would look as if the host had crashed since.
    store.forget(tx, ALIVE)
    text = f"Restored: {why}. Open proposals that ended with it: {len(open_)}"
    happened(tx, KIND, text, now)
    _keep_locked(tx, before.locked, now)
    return len(open_)


def _keep_locked(tx: Connection, found: Locked | None, now: Moment) -> None:
    if found is None or not lock.set_lock(tx, by=found.by, why=found.why, at=found.at):
        return
    text = f"Stays locked, as it was before the restore: {found.why}"
    happened(tx, "bot.locked", text, now, actor=found.by)
