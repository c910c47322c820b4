"""The story of a click: who may, the vote, and what the incident is told.

Each method is called before the click is acknowledged: the vote, its event and the
incident's new version are one transaction. What follows an approval is
`actions/carry_out.py`, in a thread of its own.
"""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from bot.actions.settle import settle_request
from bot.actions.told import lettered, named, tell
from bot.origin import Origin
from bot.person import Person
from bot.ports import Wakeable
from bot.storage import store
from bot.storage.record import Record
from bot.text.redact import HIDDEN
from bot.text.words import seconds
from remediation.action import in_words
from remediation.ledger.decision import Decided, Draft, NotDecided
from remediation.ledger.proposal import ID_PATTERN, UNDO, Proposal, State, issuer
from remediation.ledger.undo import undo_of
from remediation.rules.rulebook import OBSERVES

LEAST_REASON = 10
"""Characters of a reason for approving alone."""

_UNDER_WAY = (State.APPROVED, State.EXECUTING)


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
            self._open(tx, proposal_id)
            decided = self._ledger.approve(
                tx, proposal_id, by=who.id, groups=who.groups, now=now
            )
            proposal = decided.proposal
            more = f" ({decided.missing} more needed)" if decided.missing else ""
            text = f"approved {named(proposal)}{more}"
            tell(tx, proposal, "proposal.approved", text, now, who.id)
        self._worker.wake()
        self._poster.wake()
        return decided

    def break_glass(self, proposal_id: str, who: Person, why: str) -> Decided:
        """Approve alone what needs more people, where the policy lets this person.

        Everybody is told, with the reason. Raises `NotDecided`.
        """
        self._may_decide(proposal_id, who)
        if len(why.replace(HIDDEN, "").strip()) < LEAST_REASON:
            raise NotDecided("say why nobody else can be asked, in a few words")
        now = self._clock.now()
        with self._database.write() as tx:
            self._open(tx, proposal_id)
            decided = self._ledger.approve(
                tx, proposal_id, by=who.id, groups=who.groups, glass=why, now=now
            )
            text = f"broke the glass for {named(decided.proposal)}. Reason: {why}"
            tell(tx, decided.proposal, "proposal.glass_broken", text, now, who.id)
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
            text = f"rejected {named(decided.proposal)}{reason}"
            tell(tx, decided.proposal, "proposal.rejected", text, now, who.id)
            incident = store.get(tx, decided.proposal.incident)
            settle_request(tx, incident, "rejected", now)
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
            text = f"gave the reason for rejecting {lettered(proposal)}: {why}"
            tell(tx, proposal, "proposal.reason", text, now, who.id)
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
            text = f"put {named(proposal)} on the card"
            tell(tx, proposal, "proposal.chosen", text, now, who.id)
        self._poster.wake()

    def undo(self, incident: int, who: Person, of: str | None = None) -> Decided:
        """Put back what the incident's last action changed: one approver's click.

        of: the proposal that a button stands for; refused where another came after it.
        """
        self._allowed(who)
        if self._ledger.book.observes:
            raise NotDecided(OBSERVES.reason)
        now = self._clock.now()
        with self._database.write() as tx:
            all_ = self._ledger.of(tx, incident)
            if any(p.rule == UNDO and p.state in _UNDER_WAY for p in all_):
                raise NotDecided("it is being undone already")
            done = [p for p in all_ if p.state is State.DONE]
            action = undo_of(done[-1]) if done else None
            if action is None:
                raise NotDecided("nothing was done here that can be undone")
            if of not in (None, done[-1].id):
                raise NotDecided(f"{named(done[-1])} was done after that")
            draft = Draft(
                incident=incident,
                action=action,
                rule=UNDO,
                needed=1,
                ttl=timedelta(minutes=1),
            )
            proposal = self._ledger.propose(tx, draft, now=now)
            decided = self._ledger.approve(tx, proposal.id, by=who.id, now=now)
            text = f"undid {named(done[-1])}: {in_words(action)}"
            tell(tx, proposal, "proposal.approved", text, now, who.id)
        self._worker.wake()
        self._poster.wake()
        return decided

    def decidable(self, proposal_id: str, who: Person, *, alone: bool = False) -> None:
        """Raise `NotDecided` unless this person's approval would count now.

        alone: by breaking the glass.
        """
        self._may_decide(proposal_id, who)
        voter = replace(who.voter, broke_glass=alone)
        with self._database.read() as tx:
            now = self._clock.now()
            self._ledger.votable(tx, proposal_id, voter=voter, now=now)

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

    def _open(self, tx: Connection, proposal_id: str) -> None:
        incident = store.get(tx, self._ledger.get(tx, proposal_id).incident)
        if not incident.is_open:
            raise NotDecided(f"incident {incident.number} is resolved already")

    def _bound(self, tx: Connection, proposal_id: str, origin: Origin | None) -> None:
        """Refuse a button that does not stand on the card it was made for."""
        if origin is None:
            return
        number = self._ledger.get(tx, proposal_id).incident
        card = store.posting(tx, number)
        if not store.is_card(tx, card, origin.channel, origin.ts):
            raise NotDecided("this button does not stand on the card it was made for")
        if card is not None and card.ts is None and card.attempting == store.CARD:
            # It was sent, its answer did not come yet: it need not be looked for.
            store.posted(tx, number, ts=origin.ts, attempting=0)

    def expire(self) -> None:
        """End what nobody decided in time; a sweep over the rows, both clocks."""
        now = self._clock.now()
        with self._database.read() as tx:
            if not self._ledger.overdue(tx, now=now):
                return
        with self._database.write() as tx:
            for proposal in self._ledger.expire(tx, now=now):
                age = seconds(now.wall - proposal.created_at)
                text = f"{named(proposal)} expired after {age}; it was not rejected"
                kind = (
                    "proposal.expired"
                    if is_awaited(tx, proposal)
                    else "proposal.lapsed"
                )
                tell(tx, proposal, kind, text, now)
                incident = store.get(tx, proposal.incident)
                settle_request(tx, incident, "expired", now)
        self._poster.wake()


def is_awaited(tx: Connection, proposal: Proposal) -> bool:
    """Say whether somebody must look again when it ends undecided."""
    # Candidates in the menu end with the one on the card; only that one is missed.
    incident = store.get(tx, proposal.incident)
    on_card = incident.offered == proposal.id or bool(proposal.voters)
    return incident.is_open and on_card
