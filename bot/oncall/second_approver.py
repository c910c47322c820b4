"""Calling the next people when an action has an approval, and the second does not come.

A sweep over the open incidents. What was called is in the chain of events, so each of
them is called once, also after a restart.
"""

from datetime import timedelta

from sqlalchemy import Connection

from bot.actions.told import lettered, tell
from bot.config.escalation import SecondApprover
from bot.policy.standing import time_of
from bot.ports import Wakeable
from bot.storage import store
from bot.storage.record import Record
from bot.text.words import seconds
from remediation.ledger.audit import read
from remediation.ledger.decision import Decided
from remediation.ledger.proposal import Proposal
from remediation.moment import Moment
from remediation.rules.drilled import DRILL

_APPROVED, _WANTED = "proposal.approved", "approval.wanted"


class CallSecond:
    """Calls one person or group after the other, as the team's section says."""

    def __init__(
        self, *, record: Record, poster: Wakeable, section: SecondApprover
    ) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._poster = poster
        self._after, self._then = section.after, section.then
        self._when = time_of(section.when)

    def sweep(self) -> None:
        """Look once at every proposal that has some of its approvals."""
        now = self._clock.now()
        if not self._then or (self._when and not self._when.covers(now.wall)):
            return
        with self._database.read() as tx:
            waiting = [p for p in self._started(tx) if self._due(tx, p, now)]
        for proposal in waiting:
            self._call(proposal, now)

    def _started(self, tx: Connection) -> list[Proposal]:
        heard = (i.number for i in store.opened(tx) if i.muted_until is None)
        known = (p for number in heard for p in self._ledger.of(tx, number))
        # For a drill nobody is called.
        return [p for p in known if p.is_pending and p.votes and p.rule != DRILL]

    def _due(
        self, tx: Connection, proposal: Proposal, now: Moment
    ) -> tuple[str, timedelta] | None:
        """Return whom to call now, and how long ago the first approval was given."""
        told = read(tx, incident=proposal.incident)
        mine = [entry.event for entry in told if entry.event.proposal == proposal.id]
        approved = (event.at for event in mine if event.kind == _APPROVED)
        waited = now.wall - min(approved, default=now.wall)
        called = [e.text.rpartition("@")[2] for e in mine if e.kind == _WANTED]
        # Who agreed already, or asked for it, cannot be the second.
        passed = {*called, *proposal.voters, proposal.requested_by}
        following = next((who for who in self._then if who not in passed), None)
        if following is None or waited < self._after * (len(called) + 1):
            return None
        return following, waited

    def _call(self, proposal: Proposal, now: Moment) -> None:
        with self._database.write() as tx:
            kept = self._ledger.get(tx, proposal.id)
            due = self._due(tx, kept, now) if kept.is_pending else None
            if due is None:
                return
            missing = Decided(proposal=kept).missing
            people = "1 more approval" if missing == 1 else f"{missing} more approvals"
            # The thread draws the id at the end of the text as whom it calls.
            waited = seconds(due[1])
            text = f"{lettered(kept)} has waited {waited} for {people}: @{due[0]}"
            tell(tx, kept, _WANTED, text, now)
        self._poster.wake()
