"""Asking for a proposal: measure anew (`again`), or name a process or service.

Choosing among the policy's candidates is no request; naming a target oneself is,
and then somebody else must approve.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from bot.actions.candidates import Candidates
from bot.actions.give_up import escalate_if_spent
from bot.actions.requested import process_requested, service_requested
from bot.actions.settle import settle_request
from bot.actions.target import Hidden, Suspect
from bot.model import REQUEST, Incident
from bot.person import Person
from bot.ports import Wakeable
from bot.storage import quiet, store
from bot.storage.record import Record
from remediation.action import OperateUnit
from remediation.ledger.audit import happened
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import Proposal, State
from remediation.moment import Moment
from remediation.rules.verdict import Allowed, Refusal
from remediation.target.identity import Gone, Unobservable, is_same_process
from remediation.target.unit import UnitFacts, Verb, unit_name

_REPEATED = timedelta(seconds=10)
"""Asking again within this time of a proposal is a double click."""


class Ask:
    """Makes proposals that a person asked for."""

    def __init__(
        self,
        *,
        host: str,
        record: Record,
        candidates: Candidates,
        poster: Wakeable,
    ) -> None:
        self._host = host
        self._database = record.database
        self._ledger = record.ledger
        self._candidates = candidates
        self._clock = record.clock
        self._poster = poster

    def again(self, number: int, who: Person | None) -> list[Proposal]:
        """Measure the culprit anew and propose with new ids; raise `NotDecided`.

        who: None where nobody asked, and what kept it from being proposed is over.
        """
        now = self._clock.now()
        with self._database.read() as tx:
            incident = store.get(tx, number)
        if not incident.is_open:
            raise NotDecided(f"incident {number} is resolved already")
        if incident.is_drill:
            raise NotDecided("a drill is proposed once; `/sre drill` begins another")
        live = self._candidates.targets.of(incident)
        with self._database.write() as tx:
            earlier = self._ledger.of(tx, number)
            just_made = _repeated(earlier, now)
            if just_made:
                return just_made
            # What was a request stays one: asking twice makes nobody somebody else.
            asked_by = (
                _requester(earlier) if incident.lead.detector == REQUEST else None
            )
            self._ledger.supersede(tx, number, now=now)
            drafts, none = self._candidates.judge(tx, incident, live, now)
            made = [
                self._ledger.propose(tx, replace(draft, requested_by=asked_by), now=now)
                for draft in drafts
            ]
            offered = made[0].id if made else None
            store.bump(tx, number, offered=offered, no_action=none)
            words = ", ".join(f"{number}{p.letter}" for p in made)
            found = words or (none.reason if none else "nothing")
            text = f"{'asked again' if who else 'Measured anew'}: {found}"
            actor = who.id if who else None
            happened(tx, "proposal.again", text, now, incident=number, actor=actor)
            if not made:
                escalate_if_spent(tx, self._ledger, number, now)
                ended = "the process has ended"
                current = store.get(tx, number)
                settle_request(tx, current, ended, now)
        self._poster.wake()
        return made

    def kill(self, host: str, pid: int, who: Person) -> Proposal:
        """Propose to terminate a process that a person named; raise `NotDecided`."""
        self._here(host)
        suspect = self._find(pid)
        now = self._clock.now()
        action = self._candidates.action("terminate", suspect)
        with self._database.write() as tx:
            allowed = _allowed(self._candidates.review(tx, action, suspect, now))
            number = _incident_of(tx, suspect) or self._open(tx, suspect, now, who)
            draft = self._candidates.draft(number, action, suspect, allowed, who.id)
            proposal = self._ledger.propose(tx, draft, now=now)
            _show(tx, number, proposal)
            text = f"asked to terminate {suspect.process.label} (pid {pid})"
            happened(tx, "proposal.requested", text, now, incident=number, actor=who.id)
        self._poster.wake()
        return proposal

    def operate(self, host: str, verb: Verb, name: str, who: Person) -> Proposal:
        """Propose to operate a service that a person named; raise `NotDecided`."""
        live = self._service(host, unit_name(name))
        now = self._clock.now()
        action = self._candidates.operate(verb, live, host)
        with self._database.write() as tx:
            allowed = _allowed(self._candidates.review(tx, action, live, now))
            number = _incident_about(tx, live, host) or self._open_for(
                tx, action, live, now, who
            )
            draft = self._candidates.draft(number, action, live, allowed, who.id)
            proposal = self._ledger.propose(tx, draft, now=now)
            _show(tx, number, proposal)
            text = f"asked to {verb} {live.name}"
            happened(tx, "proposal.requested", text, now, incident=number, actor=who.id)
        self._poster.wake()
        return proposal

    def _here(self, host: str) -> None:
        if host != self._host:
            raise NotDecided(f"this Countersign acts on {self._host}, not on {host}")

    def _service(self, host: str, name: str) -> UnitFacts:
        targets = self._candidates.targets
        if not targets.covers(host):
            self._here(host)
        found = targets.look(host, name)
        if isinstance(found, Hidden):
            raise NotDecided(f"nobody tells of {name} on {host}: {found.why}")
        return found

    def _find(self, pid: int) -> Suspect:
        try:
            return self._candidates.targets.live(pid)
        except Gone as gone:
            raise NotDecided(f"there is no process {pid} on {self._host}") from gone
        except Unobservable as hidden:
            raise NotDecided(str(hidden)) from hidden

    def _open(self, tx: Connection, suspect: Suspect, now: Moment, who: Person) -> int:
        def draw(number: int) -> Incident:
            return process_requested(number, self._host, suspect, now, who)

        return store.create(tx, draw).number

    def _open_for(
        self,
        tx: Connection,
        action: OperateUnit,
        live: UnitFacts,
        now: Moment,
        who: Person,
    ) -> int:
        def draw(number: int) -> Incident:
            return service_requested(number, action, live, now, who)

        return store.create(tx, draw).number


def _repeated(earlier: Sequence[Proposal], now: Moment) -> list[Proposal]:
    """Return what was asked for a moment ago: a second click asks for nothing new.

    Raises `NotDecided` while something is under way, or has approvals already: those
    would be lost.
    """
    for proposal in earlier:
        name = f"{proposal.incident}{proposal.letter}"
        if proposal.state in (State.APPROVED, State.EXECUTING):
            raise NotDecided(f"{name} is under way")
        if proposal.is_pending and proposal.voters:
            raise NotDecided(f"{name} has an approval already; reject it first")
    first = min((p.created_at for p in earlier), default=now.wall)
    last = max((p.created_at for p in earlier), default=first)
    newest = [p for p in earlier if p.created_at == last > first]
    # Once one of them was rejected, whoever asks again asks for something new.
    untouched = all(p.is_pending for p in newest) and now.wall - last < _REPEATED
    return newest if untouched else []


def _show(tx: Connection, number: int, proposal: Proposal) -> None:
    """Put what was asked for on the card; that it is in maintenance stays true."""
    incident = store.get(tx, number)
    none = incident.no_action if quiet.is_kept_back(incident) else None
    store.bump(tx, number, offered=proposal.id, no_action=none)


def _requester(proposals: Sequence[Proposal]) -> str | None:
    return next((p.requested_by for p in proposals if p.requested_by), None)


def _incident_of(tx: Connection, suspect: Suspect) -> int | None:
    for incident in store.opened(tx):
        culprit = incident.culprit
        if culprit and is_same_process(culprit.identity, suspect.process.identity):
            return incident.number
    return None


def _incident_about(tx: Connection, service: UnitFacts, host: str) -> int | None:
    for incident in store.opened(tx):
        if incident.host == host and incident.unit_name == service.name:
            return incident.number
    return None


def _allowed(verdict: Allowed | Refusal) -> Allowed:
    """Return what allows it; raise `NotDecided` with the one that does not."""
    if isinstance(verdict, Allowed):
        return verdict
    by_hand = f". You can run: {verdict.by_hand}" if verdict.by_hand else ""
    raise NotDecided(f"{verdict.reason} (rule {verdict.rule}){by_hand}")
