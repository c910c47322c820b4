"""All rules of the team together: what they come to for one action at one instant. Pure.

A denial overrides everything; the approvals needed are the most that any rule asks for;
whoever approves must satisfy every rule that says who may. None of this depends on the
order of rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from remediation.rules.asked import Asked
from remediation.rules.rule import Circle, Rule, Voter
from remediation.rules.verdict import Refusal

OBSERVES: Final = Refusal(
    rule="mode: observe", reason="this bot only watches and tells (mode: observe)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which terms an action may be approved.

    needed: different people. rule: whose name a verdict says, where a rule asked for
    anything. circles: each rule that says who may approve, with those people.
    """

    needed: int = 1
    rule: str | None = None
    circles: tuple[tuple[str, Circle], ...] = ()

    def refuse_voter(self, voter: Voter) -> Refusal | None:
        """Say by which rule this person may not approve, if there is one."""
        for rule, circle in self.circles:
            if not circle.has(voter):
                return Refusal(
                    rule=rule, reason="you are not among those who may approve this"
                )
        return None

    def refuse_votes(self, votes: Sequence[Voter], least: int) -> Refusal | None:
        """Say why these approvals are not enough (any more); `least`: at any rate."""
        needed = max(self.needed, least)
        refused = [r for r in map(self.refuse_voter, votes) if r is not None]
        if len(votes) - len(refused) >= needed:
            return None
        if len(votes) >= needed:
            reason = "not everybody who approved may do so now"
            return Refusal(rule=refused[0].rule, reason=reason)
        reason = f"it needs {needed} approvals now, and has {len(votes)}"
        return Refusal(rule=self.rule or "policy.approvals", reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """What the team wrote below `policy.rules`, and what belongs to it.

    break_glass: who may approve alone what needs more people; it lifts nothing else.
    give_up_after: so many actions in a row that did not help end the proposing; None
    never. reversible_first: kinds of action that wait for a reversible one. digest:
    SHA-256 of the whole policy in hex, "" where nobody computed one. observes: nothing
    at all may be done.
    """

    rules: tuple[Rule, ...] = ()
    break_glass: Circle = field(default_factory=Circle)
    give_up_after: int | None = None
    reversible_first: frozenset[str] = frozenset()
    digest: str = ""
    observes: bool = False

    def judge(self, asked: Asked, at: datetime) -> Terms | Refusal:
        """Return the terms for this action at this instant, or the rule that denies it."""
        if self.observes:
            return OBSERVES
        matching = [rule for rule in self.rules if rule.matches(asked, at)]
        matching.sort(key=lambda rule: rule.name)
        denying = next((rule for rule in matching if rule.deny), None)
        if denying is not None:
            return Refusal(rule=denying.full_name, reason=denying.reason())
        return Terms(
            needed=max((rule.approvals for rule in matching), default=1),
            rule=_strictest(matching),
            circles=tuple(
                (rule.full_name, rule.approvers)
                for rule in matching
                if rule.approvers is not None
            ),
        )

    def refuse(
        self, asked: Asked, votes: Sequence[Voter], at: datetime, *, least: int = 1
    ) -> Refusal | None:
        """Say why what was approved by these people may not be done now, if so."""
        found = self.judge(asked, at)
        if isinstance(found, Refusal):
            return found
        if any(self.stands_alone(vote, found) for vote in votes):
            return None
        return found.refuse_votes(votes, least)

    def stands_alone(self, voter: Voter, terms: Terms) -> bool:
        """Say whether this vote counts for all: the glass was broken by one who may."""
        may = voter.broke_glass and self.break_glass.has(voter)
        return may and terms.refuse_voter(voter) is None

    @property
    def groups(self) -> tuple[str, ...]:
        """Every group that a rule names, sorted."""
        named = [rule.approvers for rule in self.rules if rule.approvers]
        circles = [self.break_glass, *named]
        return tuple(sorted({group for circle in circles for group in circle.groups}))


def _strictest(matching: Sequence[Rule]) -> str | None:
    """Return the rule that asks for most; of several the first by name."""
    asking = [r for r in matching if r.approvals > 1 or r.approvers is not None]
    if not asking:
        return None
    return min(asking, key=lambda rule: (-rule.approvals, rule.name)).full_name
