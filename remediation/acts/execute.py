"""Carrying out an approval: the last checks, then the act, then what was seen."""

from collections.abc import Callable
from datetime import datetime

from remediation.action import CleanFiles, OperateUnit
from remediation.acts.clean import clean
from remediation.acts.fleet import Fleet
from remediation.acts.process import perform
from remediation.acts.service import operate
from remediation.acts.service_manager import ManagerUnavailable
from remediation.attempt import Attempt, Refused, TargetFacts
from remediation.ledger.ledger import Approval
from remediation.ledger.proposal import UNDO, Proposal
from remediation.outcome import Outcome, Seen
from remediation.policy import Rules, refuse_target
from remediation.rules.asked import asked_of
from remediation.rules.drilled import DRILL
from remediation.rules.protect import OwnTree
from remediation.rules.rulebook import OBSERVES
from remediation.rules.verdict import Refusal
from remediation.target.privilege import Gate


class Executor:
    """Acts, with nothing but an `Approval`: on this host, and on services of others.

    fleet: whoever starts and stops services on each. halted: asked right before every
    signal; words stop the action (the lock). now: aware UTC, for the steps of the
    outcome. gate: acts on processes where the bot's own user may not. unseen: why this
    host's processes are not looked at, so that an approval of before ends; "": they are.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        own: OwnTree,
        fleet: Fleet,
        halted: Callable[[], str | None],
        now: Callable[[], datetime],
        gate: Gate | None = None,
        unseen: str = "",
    ) -> None:
        self._rules = rules
        self._own = own
        self._fleet = fleet
        self._halted = halted
        self._now = now
        self._gate = gate
        self._unseen = unseen

    def execute(
        self, approval: Approval, *, progress: Callable[[str], None]
    ) -> Outcome:
        """Do it once and observe. Whatever changed since the approval refuses it."""
        action = approval.proposal.action
        is_drill = approval.proposal.rule == DRILL
        own = self._own.in_drill() if is_drill else self._own

        def recheck(facts: TargetFacts) -> str | None:
            refused = refuse_target(action, facts, self._rules, own)
            refused = refused or self._by_rules(approval.proposal, facts)
            if refused is not None:
                return f"{refused.rule}: {refused.reason}"
            return self._halted()

        now, gate = self._now, self._gate
        attempt = Attempt(recheck=recheck, progress=progress, now=now, gate=gate)
        match action:
            case OperateUnit():
                return self._operate(action, attempt)
            case CleanFiles():
                return clean(action, attempt, self._rules.areas)
            case _:
                return perform(
                    action, recheck=recheck, progress=progress, now=now, gate=gate
                )

    def _operate(self, action: OperateUnit, attempt: Attempt) -> Outcome:
        try:
            manager = self._fleet.of(action.host)
        except ManagerUnavailable as elsewhere:
            reason = Refused(str(elsewhere), Seen.UNKNOWN)
            return attempt.refused(action.unit.name, reason)
        stable_for = self._rules.stable_for
        return operate(action, attempt, manager, stable_for=stable_for)

    def _by_rules(self, proposal: Proposal, facts: TargetFacts) -> Refusal | None:
        """Ask what the team set, as of this instant, about what is really there."""
        if self._rules.book.observes:
            return OBSERVES
        if proposal.rule == UNDO:
            return None
        if self._unseen and not isinstance(proposal.action, OperateUnit):
            return Refusal(rule="watch_host", reason=self._unseen)
        asked = asked_of(proposal.action, (facts,))
        least = max(proposal.needed, self._rules.needed)
        book = self._rules.book
        return book.refuse(asked, proposal.votes, self._now(), least=least)
