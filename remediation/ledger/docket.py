"""Proposals as they stand in the database, and why one cannot be voted on any more."""

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

from remediation.action import from_json
from remediation.ledger.audit import serialize
from remediation.ledger.decision import NotDecided
from remediation.ledger.lock import is_free, locked
from remediation.ledger.proposal import Proposal, State
from remediation.ledger.tables import proposals, votes
from remediation.moment import Moment
from remediation.outcome import Outcome
from remediation.rules import asked
from remediation.rules.rule import Voter

OUTCOMES: TypeAdapter[Outcome] = TypeAdapter(Outcome)
# Built once: these are on the path of every click.
_ONE = select(proposals).where(proposals.c.id == bindparam("wanted"))
_VOTERS = (
    select(votes.c.person, votes.c.groups, votes.c.glass)
    .where(votes.c.proposal == bindparam("wanted"))
    .order_by(votes.c.at)
)
_IN_STATE = (
    select(proposals)
    .where(proposals.c.state == bindparam("wanted"))
    .order_by(proposals.c.decided_at, proposals.c.created_at)
)

_WAITING = (
    select(func.count())
    .select_from(proposals)
    .where(proposals.c.state.in_([State.PENDING, State.APPROVED]))
)


def one(tx: Connection, proposal_id: str) -> Proposal:
    """Return the proposal; raise `NotDecided` for an unknown id."""
    row = tx.execute(_ONE, {"wanted": proposal_id}).first()
    if row is None:
        raise NotDecided("this proposal is not known here")
    return _proposal(tx, row)


def of(tx: Connection, incident: int) -> list[Proposal]:
    """Return the incident's proposals in the order of their letters."""
    rows = tx.execute(
        select(proposals)
        .where(proposals.c.incident == incident)
        .order_by(func.length(proposals.c.letter), proposals.c.letter)
    )
    return [_proposal(tx, row) for row in rows.all()]


def in_state(tx: Connection, state: State) -> list[Proposal]:
    """Return all proposals in this state, the oldest decision first."""
    rows = tx.execute(_IN_STATE, {"wanted": state})
    return [_proposal(tx, row) for row in rows.all()]


def see(tx: Connection, proposal: Proposal, outcome: Outcome) -> bool:
    """Keep what was seen of an interrupted action in the end; False if it was before."""
    serialize(tx)
    told = OUTCOMES.dump_json(proposal.outcome).decode() if proposal.outcome else ""
    done = tx.execute(
        update(proposals)
        .where(
            proposals.c.id == proposal.id,
            proposals.c.state == State.INTERRUPTED,
            proposals.c.outcome == told,
        )
        .values(outcome=OUTCOMES.dump_json(outcome).decode())
    )
    return done.rowcount == 1


def end_undecided(tx: Connection) -> list[Proposal]:
    """End what a click could still decide or an executor take; return what it was.

    For a database that was put back: what was approved in it may have been done since.
    """
    serialize(tx)
    waiting = (State.PENDING, State.APPROVED)
    ended = [found for state in waiting for found in in_state(tx, state)]
    open_ = proposals.c.state.in_(waiting)
    tx.execute(update(proposals).where(open_).values(state=State.EXPIRED))
    return ended


def overdue(tx: Connection, now: Moment) -> int:
    """Count the proposals that wait though their time is over."""
    # Asked every second, and mostly nothing waits at all.
    if not tx.execute(_WAITING).scalar_one():
        return 0
    return tx.execute(_WAITING.where(past(now))).scalar_one()


def past(now: Moment) -> ColumnElement[bool]:
    """Return the condition that a proposal's time is over, by either clock."""
    return or_(
        proposals.c.expires_at <= now.wall,
        and_(proposals.c.boot_id == now.boot_id, proposals.c.expires_boot <= now.boot),
    )


def alive(
    proposal_id: str, state: State, now: Moment
) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that this proposal is in that state, in time, and not locked."""
    return (
        proposals.c.id == proposal_id,
        proposals.c.state == state,
        ~past(now),
        is_free(),
    )


def why_not(tx: Connection, found: Proposal, *, by: str, now: Moment) -> NotDecided:
    """Explain why a vote of this person does not count (any more)."""
    undecided = found.state in (State.PENDING, State.APPROVED)
    if found.state is State.EXPIRED or (undecided and now.is_past(found.expires)):
        return NotDecided(
            "it expired, it was not rejected: nobody decided in time. "
            "Propose again measures anew"
        )
    if not undecided:
        return NotDecided(f"it is already {found.state}", by=found.decided_by)
    stopped = locked(tx)
    if stopped is not None:
        return NotDecided(f"the bot is locked ({stopped.why})", by=stopped.by)
    if found.requested_by == by:
        return NotDecided("you asked for this action; somebody else must approve it")
    if found.is_pending and by in found.voters:
        return NotDecided("your approval counts already; another person is needed")
    return NotDecided(f"it is already {found.state}", by=found.decided_by)


def _proposal(tx: Connection, row: Row[tuple[object, ...]]) -> Proposal:
    voted = tx.execute(_VOTERS, {"wanted": row.id}).all()
    return Proposal(
        id=row.id,
        incident=row.incident,
        letter=row.letter,
        action=from_json(row.action),
        digest=row.digest,
        rule=row.rule,
        needed=row.needed,
        requested_by=row.requested_by,
        created_at=row.created_at,
        expires=Moment(wall=row.expires_at, boot=row.expires_boot, boot_id=row.boot_id),
        state=State(row.state),
        votes=tuple(
            Voter(
                id=vote.person,
                groups=frozenset(vote.groups.split()),
                broke_glass=bool(vote.glass),
            )
            for vote in voted
        ),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        claimed_by=row.claimed_by,
        note=row.note,
        outcome=OUTCOMES.validate_json(row.outcome) if row.outcome else None,
        asked=asked.from_json(row.asked) if row.asked else None,
        policy=row.policy,
    )
