"""How much may be done: one action at a time per host, quiet time per target, a cap per hour.

Each limit is a row, so it holds over restarts and over several executors.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
)

from remediation.action import Action, target_key
from remediation.ledger.proposal import UNDO, Proposal
from remediation.ledger.tables import leases
from remediation.moment import Moment
from remediation.rules.drilled import DRILL

_HOUR = timedelta(hours=1)
_UNCOUNTED = frozenset({UNDO, DRILL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """cooldown: quiet time for a target after an action. per_hour: actions per host."""

    cooldown: timedelta
    per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why an action must not start; `passes`: whether waiting a moment may help."""

    rule: str
    reason: str
    passes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the limits are counted by: the host, and what is acted on there.

    is_uncounted: it puts back what was done, or ends a drill's child: neither a quiet
    time nor the cap holds it, and it does not count.
    """

    host: str
    key: str
    is_uncounted: bool = False

    @classmethod
    def of(cls, action: Action, *, rule: str = "") -> "Target":
        """Return what this action is counted by. rule: the one that allowed it."""
        key, free = target_key(action), rule in _UNCOUNTED
        return cls(host=action.host, key=key, is_uncounted=free)


def hold(tx: Connection, target: Target, caps: Caps, now: Moment) -> Hold | None:
    """Return the limit that forbids acting on the target now, if one does."""
    cooling = None if target.is_uncounted else cooling_until(tx, target, now)
    if cooling is not None:
        return Hold(
            rule="policy.cooldown",
            reason="the same target was acted on a short while ago; "
            f"free again at {cooling:%H:%M:%S} UTC",
            passes=False,
        )
    capped = not target.is_uncounted and _lately(tx, target.host, now) >= caps.per_hour
    if capped:
        return Hold(
            rule="policy.actions_per_hour",
            reason=f"{caps.per_hour} actions were taken on {target.host} "
            "within the hour",
            passes=False,
        )
    busy = select(leases.c.holder).where(leases.c.key == f"busy:{target.host}")
    if tx.execute(busy).first() is None:
        return None
    return Hold(
        rule="one action at a time",
        reason="another action is under way on this host",
        passes=True,
    )


def take(
    tx: Connection, proposal_id: str, target: Target, caps: Caps, now: Moment
) -> None:
    """Occupy the host, start the target's quiet time and count, for this proposal."""
    _write(tx, f"busy:{target.host}", proposal_id, None)
    _write(tx, f"cooldown:{target.key}", proposal_id, now.after(caps.cooldown))
    if not target.is_uncounted:
        tx.execute(delete(leases).where(_counted(target.host), _past(now)))
        key = f"hour:{target.host}:{proposal_id}"
        _write(tx, key, proposal_id, now.after(_HOUR))


def release(tx: Connection, proposal: Proposal) -> None:
    """Free the host again; the quiet time goes on."""
    busy = leases.c.key.startswith("busy:")
    tx.execute(delete(leases).where(leases.c.holder == proposal.id, busy))


def cooling_until(tx: Connection, target: Target, now: Moment) -> datetime | None:
    """Return when the target's quiet time ends, if it is in one."""
    query = select(leases.c.until).where(
        leases.c.key == f"cooldown:{target.key}", ~_past(now)
    )
    return tx.execute(query).scalar()


def _lately(tx: Connection, host: str, now: Moment) -> int:
    query = select(func.count()).select_from(leases)
    return tx.execute(query.where(_counted(host), ~_past(now))).scalar_one()


def _counted(host: str) -> ColumnElement[bool]:
    return leases.c.key.startswith(f"hour:{host}:", autoescape=True)


def _write(tx: Connection, key: str, holder: str, until: Moment | None) -> None:
    tx.execute(delete(leases).where(leases.c.key == key))
    tx.execute(
        insert(leases).values(
            key=key,
            holder=holder,
            until=until.wall if until else None,
            until_boot=until.boot if until else None,
            boot_id=until.boot_id if until else None,
        )
    )


def _past(now: Moment) -> ColumnElement[bool]:
    # A quiet time protects: a wall clock that was moved must neither end nor prolong
    # it. Within one boot the boot clock knows; across boots only the wall is left.
    same_boot = leases.c.boot_id == now.boot_id
    return or_(
        and_(same_boot, leases.c.until_boot <= now.boot),
        and_(~same_boot, leases.c.until <= now.wall),
    )
