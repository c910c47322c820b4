"""The story of a click: who may, the vote, the claim, the act, what was seen.

`approve` and `reject` are called before the click is acknowledged: the vote, its
event and the incident's new version are one transaction. `CarryOut.step` runs in the
executor's own thread afterwards: claim, act, observe, record. A crash between any
two of these steps never makes an action happen twice (`recover`).
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection

from bot import store
from bot.model import Check, Incident, Origin, Person
from bot.ports import Wakeable
from bot.record import Record
from bot.settle import settle_request
from bot.words import seconds
from remediation.action import (
    Action,
    LowerPriority,
    Pause,
    RestorePriority,
    Resume,
    in_words,
)
from remediation.audit import Event, append
from remediation.execute import Executor
from remediation.ledger import (
    Approval,
    Decided,
    Draft,
    NotClaimable,
    NotDecided,
)
from remediation.moment import Moment
from remediation.observe import Observer
from remediation.outcome import Outcome, Result, Seen
from remediation.proposal import ID_PATTERN, Proposal, State, issuer

log = logging.getLogger(__name__)

_UNKNOWN = Outcome(
    result=Result.INTERRUPTED,
    seen=Seen.UNKNOWN,
    summary="Countersign failed while acting; what was done is not known. "
    "It is not tried again: look at the target",
)


class Decide:
    """What people decide about proposals."""

    def __init__(
        self,
        *,
        record: Record,
        poster: Wakeable,
        worker: Wakeable,
    ) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._poster = poster
        self._worker = worker

    def approve(self, proposal_id: str, who: Person, origin: Origin | None) -> Decided:
        """Count the click; durable when this returns. Raises `NotDecided`."""
        self._may_decide(proposal_id, who)
        now = self._clock.now()
        with self._database.write() as tx:
            self._bound(tx, proposal_id, origin)
            incident = store.get(tx, self._ledger.get(tx, proposal_id).incident)
            if not incident.is_open:
                raise NotDecided(f"incident {incident.number} is resolved already")
            decided = self._ledger.approve(tx, proposal_id, by=who.id, now=now)
            proposal = decided.proposal
            more = f" ({decided.missing} more needed)" if decided.missing else ""
            text = f"approved {_named(proposal)}{more}"
            _tell(tx, proposal, "proposal.approved", text, now, who.id)
        self._worker.wake()
        self._poster.wake()
        return decided

    def reject(
        self, proposal_id: str, who: Person, origin: Origin | None, *, why: str = ""
    ) -> Decided:
        """Reject at once, with all other candidates of the incident left standing."""
        self._may_decide(proposal_id, who)
        now = self._clock.now()
        with self._database.write() as tx:
            self._bound(tx, proposal_id, origin)
            decided = self._ledger.reject(tx, proposal_id, by=who.id, why=why, now=now)
            reason = f": {why}" if why else ""
            text = f"rejected {_named(decided.proposal)}{reason}"
            _tell(tx, decided.proposal, "proposal.rejected", text, now, who.id)
            incident = store.get(tx, decided.proposal.incident)
            settle_request(tx, self._ledger, incident, "rejected", now)
        self._poster.wake()
        return decided

    def say_why(self, proposal_id: str, who: Person, why: str) -> None:
        """Add the reason to one's own rejection; raise `NotDecided` otherwise."""
        if not why:
            raise NotDecided("please say why in a few words")
        now = self._clock.now()
        with self._database.write() as tx:
            proposal = self._ledger.get(tx, proposal_id)
            if not self._ledger.note(tx, proposal_id, by=who.id, why=why):
                raise NotDecided("only whoever rejected it can say why, and only once")
            text = f"gave the reason for rejecting {_letter(proposal)}: {why}"
            _tell(tx, proposal, "proposal.reason", text, now, who.id)
        self._poster.wake()

    def choose(self, proposal_id: str, who: Person, origin: Origin | None) -> None:
        """Show another of the incident's candidates on the card; approves nothing."""
        self._may_decide(proposal_id, who)
        now = self._clock.now()
        with self._database.write() as tx:
            self._bound(tx, proposal_id, origin)
            proposal = self._ledger.get(tx, proposal_id)
            if not proposal.is_pending:
                raise NotDecided(f"it is already {proposal.state}")
            store.bump(tx, proposal.incident, offered=proposal_id)
            text = f"put {_named(proposal)} on the card"
            _tell(tx, proposal, "proposal.chosen", text, now, who.id)
        self._poster.wake()

    def undo(self, incident: int, who: Person) -> Decided:
        """Put back what the incident's last action changed: one approver's click."""
        self._allowed(who)
        now = self._clock.now()
        with self._database.write() as tx:
            done = [p for p in self._ledger.of(tx, incident) if p.state is State.DONE]
            action = _undo_of(done[-1]) if done else None
            if action is None:
                raise NotDecided("nothing was done here that can be undone")
            draft = Draft(
                incident=incident,
                action=action,
                rule="undo",
                needed=1,
                ttl=timedelta(minutes=1),
            )
            proposal = self._ledger.propose(tx, draft, now=now)
            decided = self._ledger.approve(tx, proposal.id, by=who.id, now=now)
            text = f"undid {_named(done[-1])}: {in_words(action)}"
            _tell(tx, proposal, "proposal.approved", text, now, who.id)
        self._worker.wake()
        self._poster.wake()
        return decided

    def _may_decide(self, proposal_id: str, who: Person) -> None:
        if not ID_PATTERN.fullmatch(proposal_id):
            raise NotDecided("this button does not belong to Countersign")
        if issuer(proposal_id) != self._ledger.instance:
            host = issuer(proposal_id).partition("~")[0]
            raise NotDecided(f"it was issued by {host}; decide it there")
        self._allowed(who)

    @staticmethod
    def _allowed(who: Person) -> None:
        if not who.is_approver:
            raise NotDecided("you are not among the approvers")

    def _bound(self, tx: Connection, proposal_id: str, origin: Origin | None) -> None:
        """Refuse a button that does not stand on the card it was made for."""
        if origin is None:
            return
        proposal = self._ledger.get(tx, proposal_id)
        card = store.posting(tx, proposal.incident)
        if card is not None and card.channel == origin.channel:
            if card.ts == origin.ts:
                return
            if card.ts is None and card.attempting == store.CARD:
                # The first post was sent, its answer never came: this is that card.
                store.posted(tx, card.incident, ts=origin.ts, attempting=0)
                return
            other = store.by_message(tx, origin.channel, origin.ts)
            if card.doubtful and other is None:
                return  # the twin that was posted when an answer was lost
        raise NotDecided("this button does not stand on the card it was made for")

    def expire(self) -> None:
        """End what nobody decided in time; a sweep over the rows, both clocks."""
        now = self._clock.now()
        with self._database.read() as tx:
            if not self._ledger.overdue(tx, now=now):
                return
        with self._database.write() as tx:
            for proposal in self._ledger.expire(tx, now=now):
                age = seconds(now.wall - proposal.created_at)
                text = f"{_named(proposal)} expired after {age}; it was not rejected"
                kind = (
                    "proposal.expired" if _awaited(tx, proposal) else "proposal.lapsed"
                )
                _tell(tx, proposal, kind, text, now)
                incident = store.get(tx, proposal.incident)
                settle_request(tx, self._ledger, incident, "expired", now)
        self._poster.wake()


class CarryOut:
    """What follows an approval, on this host: claim, act, observe, record."""

    def __init__(
        self,
        *,
        record: Record,
        executor: Executor,
        observer: Observer,
        window: Callable[[Incident], timedelta],
        poster: Wakeable,
    ) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._executor = executor
        self._observer = observer
        self._clock = record.clock
        self._window = window
        self._poster = poster
        self._ended: list[tuple[Proposal, Outcome]] = []

    def step(self) -> None:
        """Carry out what is approved, one after the other; the worker calls it."""
        self._record_ended()
        with self._database.read() as tx:
            approved = self._ledger.in_state(tx, State.APPROVED)
        here = self._clock.now().boot_id
        for proposal in approved:
            # What belongs to another host is its own executor's; what belongs to an
            # earlier boot expires.
            if proposal.action.process.boot_id != here:
                continue
            approval = self._claim(proposal)
            if approval is not None:
                self._act(approval)

    def _claim(self, proposal: Proposal) -> Approval | None:
        now = self._clock.now()
        me = self._observer.claimant
        with self._database.write() as tx:
            undo = isinstance(proposal.action, Resume | RestorePriority)
            if not undo and not store.get(tx, proposal.incident).is_open:
                self._refuse(tx, proposal, "the incident was resolved meanwhile", now)
                return None
            try:
                approval = self._ledger.claim(tx, proposal.id, claimant=me, now=now)
            except NotClaimable as refusal:
                if refusal.final:
                    self._refuse(tx, proposal, refusal.reason, now)
                return None
            text = f"Executing {_named(proposal)}"
            _tell(tx, proposal, "action.started", text, now)
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
            _tell(tx, proposal, "action.refused", outcome.summary, now)
            incident = store.get(tx, proposal.incident)
            settle_request(tx, self._ledger, incident, outcome.summary, now)

    def _act(self, approval: Approval) -> None:
        outcome = _UNKNOWN
        try:
            outcome = self._executor.execute(approval, progress=log.info)
        finally:
            self._ended.append((approval.proposal, outcome))
            self._record_ended()

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
            _tell(tx, proposal, f"action.{outcome.result}", outcome.summary, now)
            incident = store.get(tx, proposal.incident)
            if settle_request(tx, self._ledger, incident, outcome.summary, now):
                pass  # nothing complained, so what was seen is the end
            elif outcome.result is Result.DONE and incident.is_open:
                self._begin_check(tx, incident, proposal, now)
        self._poster.wake()

    def _begin_check(
        self, tx: Connection, incident: Incident, proposal: Proposal, now: Moment
    ) -> None:
        check = Check(
            proposal=proposal.id,
            acted_at=now.wall,
            until=now.wall + self._window(incident),
            before=incident.findings,
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


def _tell(
    tx: Connection,
    proposal: Proposal,
    kind: str,
    text: str,
    now: Moment,
    actor: str | None = None,
) -> None:
    """Write the event and move the incident's version, in the same transaction."""
    append(
        tx,
        Event(
            kind=kind,
            text=text,
            at=now.wall,
            incident=proposal.incident,
            proposal=proposal.id,
            actor=actor,
            action_hash=proposal.digest,
        ),
    )
    store.bump(tx, proposal.incident)


def _awaited(tx: Connection, proposal: Proposal) -> bool:
    # Candidates in the menu end with the one on the card; only that one is missed.
    incident = store.get(tx, proposal.incident)
    on_card = incident.offered == proposal.id or bool(proposal.voters)
    return incident.is_open and on_card


def _named(proposal: Proposal) -> str:
    return f"{_letter(proposal)}: {in_words(proposal.action)}"


def _letter(proposal: Proposal) -> str:
    return f"{proposal.incident}{proposal.letter}"


def _undo_of(proposal: Proposal) -> Action | None:
    match proposal.action:
        case Pause(host=host, process=process, label=label):
            return Resume(host=host, process=process, label=label)
        case LowerPriority(host=host, process=process, label=label):
            before = proposal.outcome.undo_nice if proposal.outcome else None
            if before is None:
                return None
            return RestorePriority(host=host, process=process, label=label, nice=before)
        case _:
            return None
