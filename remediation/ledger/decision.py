"""What is proposed, what a vote came to, and why one did not count."""

from dataclasses import dataclass
from datetime import timedelta

from remediation.action import Action
from remediation.ledger.proposal import Proposal
from remediation.rules.asked import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be proposed, as the policy allowed it.

    asked: what the team's rules are asked again; None: what the action itself tells.
    """

    incident: int
    action: Action
    rule: str
    needed: int
    ttl: timedelta
    requested_by: str | None = None
    asked: Asked | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A vote that counted: the proposal after it."""

    proposal: Proposal

    @property
    def missing(self) -> int:
        """How many more approvers are needed."""
        if any(vote.broke_glass for vote in self.proposal.votes):
            return 0
        return max(self.proposal.needed - len(self.proposal.votes), 0)


class NotDecided(Exception):
    """The click did not count; `reason` says why in words for the person.

    by: whoever decided (or locked) before, where somebody did.
    """

    def __init__(self, reason: str, *, by: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.by = by


class NotClaimable(Exception):
    """The proposal cannot be carried out (now): `final` says whether ever."""

    def __init__(self, reason: str, *, final: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
