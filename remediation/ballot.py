"""What the team's rules say to a vote and to a claim, at that instant.

Undoing is asked nothing: it puts back what an earlier approved action changed.
"""

from remediation.decision import NotClaimable, NotDecided
from remediation.moment import Moment
from remediation.proposal import Proposal
from remediation.rule import Voter
from remediation.rulebook import RuleBook
from remediation.undo import UNDO
from remediation.verdict import Refusal


def needed_for(book: RuleBook, found: Proposal, voter: Voter, now: Moment) -> int:
    """Return how many approvals it needs now; raise `NotDecided` by the rule that refuses.

    Never fewer than when it was proposed.
    """
    if found.rule == UNDO:
        return found.needed
    terms = book.judge(found.question, now.wall)
    refused = terms if isinstance(terms, Refusal) else terms.refuse_voter(voter)
    if refused is not None:
        raise NotDecided(f"{refused.reason} (rule {refused.rule})")
    return (
        found.needed if isinstance(terms, Refusal) else max(found.needed, terms.needed)
    )


def check_claim(book: RuleBook, found: Proposal, now: Moment) -> None:
    """Raise `NotClaimable`, for good, when a rule refuses what was approved."""
    if found.rule == UNDO:
        return
    refused = book.refuse(found.question, found.votes, now.wall, least=found.needed)
    if refused is not None:
        raise NotClaimable(f"{refused.reason} (rule {refused.rule})", final=True)
