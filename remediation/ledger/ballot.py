"""Votes: whose counts, what the team's rules say to it, and to what was voted at the claim.

Undoing is asked nothing: it puts back what an earlier approved action changed.
"""

from datetime import datetime

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    update,
)

from remediation.ledger import docket
from remediation.ledger.decision import NotClaimable, NotDecided
from remediation.ledger.proposal import UNDO, Proposal, State
from remediation.ledger.tables import proposals, votes
from remediation.moment import Moment
from remediation.rules.rule import Voter
from remediation.rules.rulebook import RuleBook
from remediation.rules.verdict import Refusal

GLASS = "policy.break_glass"
"""The rule that lets somebody approve alone what needs more people."""

_WITHDRAW = delete(votes).where(
    votes.c.proposal == bindparam("wanted"), votes.c.person == bindparam("by")
)
# Built once: it is on the path of every click.
_NEEDED = (
    update(proposals)
    .where(
        proposals.c.id == bindparam("wanted"),
        proposals.c.needed < bindparam("people"),
    )
    .values(needed=bindparam("people"))
)


def cast(
    tx: Connection,
    book: RuleBook,
    proposal_id: str,
    voter: Voter,
    now: Moment,
    *,
    glass: str = "",
) -> None:
    """Write the vote; raise `NotDecided` when it is too late, double, own or denied.

    What is raised must take the vote back with the transaction. The proposal needs from
    now on what the rules ask for, where that is more than before.
    glass: the reason of whoever breaks the glass; their earlier vote becomes this one.
    """
    if voter.broke_glass:
        tx.execute(_WITHDRAW, {"wanted": proposal_id, "by": voter.id})
    # Without the option PostgreSQL's driver says -1 for an INSERT.
    written = tx.execute(
        insert(votes).from_select(
            ["proposal", "person", "at", "groups", "glass"],
            _votable(proposal_id, voter, now, glass),
        ),
        execution_options={"preserve_rowcount": True},
    )
    found = docket.one(tx, proposal_id)
    if written.rowcount != 1:
        raise docket.why_not(tx, found, by=voter.id, now=now)
    needed = _needed(book, found, voter, now)
    tx.execute(_NEEDED, {"wanted": proposal_id, "people": needed})


def check(
    tx: Connection, book: RuleBook, proposal_id: str, voter: Voter, now: Moment
) -> None:
    """Raise `NotDecided` unless a vote of this person would count now."""
    found = docket.one(tx, proposal_id)
    if tx.execute(_votable(proposal_id, voter, now, "")).first() is None:
        raise docket.why_not(tx, found, by=voter.id, now=now)
    _needed(book, found, voter, now)


def check_claim(book: RuleBook, found: Proposal, now: Moment) -> None:
    """Raise `NotClaimable`, for good, when a rule refuses what was approved."""
    if found.rule == UNDO:
        return
    refused = book.refuse(found.question, found.votes, now.wall, least=found.needed)
    if refused is not None:
        raise NotClaimable(f"{refused.reason} (rule {refused.rule})", final=True)


def _votable(
    proposal_id: str, voter: Voter, now: Moment, glass: str
) -> Select[tuple[str, str, datetime, str, str]]:
    """Return the row of votes that counts, or no row."""
    by = voter.id
    own = or_(proposals.c.requested_by.is_(None), proposals.c.requested_by != by)
    voted = exists().where(votes.c.proposal == proposal_id, votes.c.person == by)
    # Who breaks the glass may have approved already, as one of several.
    once = () if voter.broke_glass else (~voted,)
    return select(
        proposals.c.id,
        literal(by),
        literal(now.wall, votes.c.at.type),
        literal(" ".join(sorted(voter.groups))),
        literal(glass),
    ).where(*docket.alive(proposal_id, State.PENDING, now), own, *once)


def _needed(book: RuleBook, found: Proposal, voter: Voter, now: Moment) -> int:
    """Return how many approvals it needs now, never fewer than when it was proposed.

    Raises `NotDecided` by the rule that denies it, that says who else may approve, or
    that lets this person not break the glass.
    """
    if found.rule == UNDO:
        return found.needed
    terms = book.judge(found.question, now.wall)
    if isinstance(terms, Refusal):
        raise _refused(terms)
    refused = terms.refuse_voter(voter)
    if refused is not None:
        raise _refused(refused)
    needed = max(found.needed, terms.needed)
    if voter.broke_glass and not book.stands_alone(voter, terms):
        raise _refused(Refusal(rule=GLASS, reason="the policy does not let you do so"))
    if voter.broke_glass and needed == 1:
        raise NotDecided("one approval is enough; Approve is on the card")
    return needed


def _refused(refusal: Refusal) -> NotDecided:
    return NotDecided(f"{refusal.reason} (rule {refusal.rule})")
