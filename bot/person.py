"""Who speaks to the bot: somebody whom Slack has named, and what rules ask of them."""

from dataclasses import dataclass

from remediation.ledger.decision import NotDecided
from remediation.rules.rule import Voter


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who was verified: an active human of the home workspace.

    groups: those user groups that the policy names and this person is in.
    """

    id: str
    is_approver: bool
    groups: frozenset[str] = frozenset()

    @property
    def voter(self) -> Voter:
        """The same person as rules see them."""
        return Voter(id=self.id, groups=self.groups)

    def must_approve(self, verb: str) -> None:
        """Raise `NotDecided` unless this is an approver, who alone may do this."""
        if not self.is_approver:
            raise NotDecided(f"only approvers may {verb}")
