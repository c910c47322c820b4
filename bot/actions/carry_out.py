"""What follows an approval: claim, act, observe, record, and begin to measure.

Runs in the executor's own thread. A crash between any two of its steps never makes an
action happen twice: what was claimed is observed at the next start and called
interrupted (`recover`).
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.actions.give_up import escalate_if_spent
from bot.actions.settle import settle_request
from bot.actions.told import named, tell
from bot.model import Check, Finding, Incident
from bot.ports import Wakeable
from bot.storage import quiet, store
from bot.storage.record import Record
from remediation.action import CleanFiles, OperateUnit
from remediation.acts.execute import Executor
from remediation.acts.observe import Observer
from remediation.ledger import docket
from remediation.ledger.decision import NotClaimable
from remediation.ledger.ledger import Approval
from remediation.ledger.proposal import UNDO, Proposal, State
from remediation.moment import Moment
from remediation.outcome import Outcome, Result, Seen

log = logging.getLogger(__name__)

_FORGOTTEN = timedelta(hours=6)
"""For how long it is looked what became of an interrupted action."""

_NOT_ITS_DRILL = "this bot did not start the process of this drill, or let it go"
_UNKNOWN = Outcome(
    result=Result.INTERRUPTED,
    seen=Seen.UNKNOWN,
    summary="Countersign failed while acting; what was done is not known. "
    "It is not tried again: look at the target",
)


class CarryOut:
    """What follows an approval, on this host: claim, act, observe, record.

    is_foreign: whether it is of a drill that is not this bot's. Such a one is left to the
    bot that leads, which mostly started it, and refused there if it did not.
    """

    def __init__(
        self,
        *,
        record: Record,
        executor: Executor,
        observer: Observer,
        window: Callable[[Incident], timedelta],
        poster: Wakeable,
        is_foreign: Callable[[Proposal], bool] = lambda _: False,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._executor = executor
        self._observer = observer
        self._clock = record.clock
        self._window = window
        self._is_foreign, self._leads = is_foreign, leads
        self._poster = poster
        self._ended: list[tuple[Proposal, Outcome]] = []
        # What complained when the action began: by its end a service may be well again.
        self._complained: dict[str, tuple[Finding, ...]] = {}

    def step(self) -> None:
        """Carry out what is approved, one after the other; the worker calls it."""
        self._record_ended()
        with self._database.read() as tx:
            approved = self._ledger.in_state(tx, State.APPROVED)
        for proposal in approved:
            # What belongs to another host is its own executor's; what belongs to an
            # earlier boot expires.
            if not self._ledger.acts_on(proposal, self._clock.now()):
                continue
            if self._is_foreign(proposal) and not self._leads():
                continue
            approval = self._claim(proposal)
            if approval is not None:
                self._act(approval)

    def look_again(self) -> None:
        """Tell what is seen by now of interrupted actions whose target was out of sight.

        Nothing is asked for anew; a host that comes back tells what became of it.
        """
        now = self._clock.now()
        with self._database.read() as tx:
            ended = self._ledger.in_state(tx, State.INTERRUPTED)
        for proposal in ended:
            decided = proposal.decided_at or proposal.created_at
            is_old = now.wall - decided > _FORGOTTEN
            seen = None if is_old else self._observer.later(proposal)
            if seen is not None:
                self._told_later(proposal, seen, now)

    def _told_later(self, proposal: Proposal, seen: Outcome, now: Moment) -> None:
        with self._database.write() as tx:
            if docket.see(tx, proposal, seen):
                tell(tx, proposal, "action.seen", seen.summary, now)
                store.bump(tx, proposal.incident)
        self._poster.wake()

    def _claim(self, proposal: Proposal) -> Approval | None:
        now = self._clock.now()
        me = self._observer.claimant
        with self._database.write() as tx:
            incident = store.get(tx, proposal.incident)
            if proposal.rule != UNDO and not incident.is_open:
                self._refuse(tx, proposal, "the incident was resolved meanwhile", now)
                return None
            if proposal.is_bots_own and quiet.is_kept_back(incident):
                none = incident.no_action.reason if incident.no_action else ""
                self._refuse(tx, proposal, none, now)
                return None
            if self._is_foreign(proposal):
                self._refuse(tx, proposal, _NOT_ITS_DRILL, now)
                return None
            try:
                approval = self._ledger.claim(tx, proposal.id, claimant=me, now=now)
            except NotClaimable as refusal:
                if refusal.final:
                    self._refuse(tx, proposal, refusal.reason, now)
                return None
            text = f"Executing {named(proposal)}"
            tell(tx, proposal, "action.started", text, now)
            self._complained[proposal.id] = incident.findings
        self._poster.wake()
        return approval

    def _refuse(
        self, tx: Connection, proposal: Proposal, reason: str, now: Moment
    ) -> None:
        outcome = Outcome(
            result=Result.REFUSED,
            seen=Seen.UNKNOWN,
            summary=f"Not carried out: {reason}",
        )
        if self._ledger.refuse(tx, proposal.id, outcome):
            tell(tx, proposal, "action.refused", outcome.summary, now)
            incident = store.get(tx, proposal.incident)
            settle_request(tx, incident, outcome.summary, now)

    def _act(self, approval: Approval) -> None:
        outcome = _UNKNOWN
        try:
            progress = self._progress(approval.proposal)
            outcome = self._executor.execute(approval, progress=progress)
        finally:
            self._ended.append((approval.proposal, outcome))
            self._record_ended()
            self._complained.pop(approval.proposal.id, None)

    def _progress(self, proposal: Proposal) -> Callable[[str], None]:
        """Return who is told each step: the log, and of slow actions the thread."""

        def told(step: str) -> None:
            log.info("action.step proposal=%s step=%s", proposal.id, step)
            if not isinstance(proposal.action, OperateUnit | CleanFiles):
                return
            try:
                with self._database.write() as tx:
                    tell(tx, proposal, "action.step", step, self._clock.now())
            except DBAPIError:
                # The outcome will tell; a step must not end the action half-way.
                log.warning("action.step_lost proposal=%s", proposal.id)
            self._poster.wake()

        return told

    def _record_ended(self) -> None:
        # Kept until it is written: a full disk must not leave the host occupied.
        while self._ended:
            self._record(*self._ended[0])
            del self._ended[0]

    def _record(self, proposal: Proposal, outcome: Outcome) -> None:
        now = self._clock.now()
        with self._database.write() as tx:
            if not self._ledger.finish(tx, proposal.id, outcome):
                return
            tell(tx, proposal, f"action.{outcome.result}", outcome.summary, now)
            incident = store.get(tx, proposal.incident)
            if settle_request(tx, incident, outcome.summary, now):
                pass  # nothing complained, so what was seen is the end
            elif outcome.result is Result.DONE and incident.is_open:
                self._begin_check(tx, incident, proposal, now)
            elif outcome.result is Result.FAILED:
                escalate_if_spent(tx, self._ledger, incident.number, now)
        self._poster.wake()

    def _begin_check(
        self, tx: Connection, incident: Incident, proposal: Proposal, now: Moment
    ) -> None:
        check = Check(
            proposal=proposal.id,
            acted=now,
            window=self._window(incident),
            before=self._complained.get(proposal.id, incident.findings),
        )
        store.bump(tx, incident.number, check=check, verification=None)

    def recover(self) -> None:
        """At the start: say what became of actions whose executor is gone.

        They are observed, never repeated.
        """
        with self._database.read() as tx:
            executing = self._ledger.in_state(tx, State.EXECUTING)
        for proposal in executing:
            seen = self._observer.after_crash(proposal, self._clock.now())
            if seen is not None:
                self._record(proposal, seen)
