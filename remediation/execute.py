"""Carrying out an approval: the last checks, then the act, then what was seen."""

from collections.abc import Callable
from datetime import datetime

from remediation.facts import ProcessFacts
from remediation.ledger import Approval
from remediation.outcome import Outcome
from remediation.policy import Rules, refuse_target
from remediation.process import perform
from remediation.protect import OwnTree


class Executor:
    """Acts on this host, with nothing but an `Approval`.

    halted: asked right before every signal; words stop the action (the lock).
    now: aware UTC, for the steps of the outcome.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        own: OwnTree,
        halted: Callable[[], str | None],
        now: Callable[[], datetime],
    ) -> None:
        self._rules = rules
        self._own = own
        self._halted = halted
        self._now = now

    def execute(
        self, approval: Approval, *, progress: Callable[[str], None]
    ) -> Outcome:
        """Do it once and observe. Whatever changed since the approval refuses it."""
        action = approval.proposal.action

        def recheck(facts: ProcessFacts) -> str | None:
            refused = refuse_target(action, facts, self._rules.protect, self._own)
            if refused is not None:
                return f"{refused.rule}: {refused.reason}"
            return self._halted()

        return perform(action, recheck=recheck, progress=progress, now=self._now)
