"""What is known of an incident beyond its facts: past cases, runbooks, an opinion.

Runs in a thread of its own after the card was posted, and edits it: first what memory
and the shelf say, at once; then, where a model is configured, its opinion and the
critic's objections. It writes prose only; no fact and no button is made from it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot import store
from bot.diagnosis.opinion import with_opinion
from bot.loop import Unfinished, one_by_one
from bot.lore import Knowledge, PastCase, RunbookRef
from bot.model import Diagnosis, EvidenceItem, Incident
from bot.ports import Wakeable
from bot.record import Record
from bot.retell import past, symptoms_of, track_words
from bot.runbooks.matching import Match
from memory.case import Recollection, Symptoms, TrackRecord
from remediation.action import in_words
from remediation.audit import Event, append
from remediation.proposal import Proposal

log = logging.getLogger(__name__)

_STEPS = 3
_PAST = 3


class Recalls(Protocol):
    """Whoever remembers cases."""

    def recall(self, symptoms: Symptoms, limit: int = 3) -> list[Recollection]:
        """Return the most similar cases; never raises for a broken index."""

    def track(self, symptoms: Symptoms, action_kind: str) -> TrackRecord:
        """Return how often such an action helped."""

    def health(self) -> str:
        """Return what is missing, in words; "" when all is well."""


class Picks(Protocol):
    """The shelf of runbooks."""

    def pick(self, incident: Incident, limit: int = 2) -> list[Match]:
        """Return the runbooks for an incident, the best first."""


class Explains(Protocol):
    """A model with the rules behind it."""

    def diagnose(
        self,
        incident: Incident,
        *,
        candidates: Sequence[tuple[str, str]],
        context: Sequence[EvidenceItem],
    ) -> Diagnosis:
        """Return an opinion; whatever fails, the rules answer."""


class Objects(Protocol):
    """The critic."""

    def review(
        self, incident: Incident, *, candidates: Sequence[tuple[str, str]], policy: str
    ) -> tuple[str, ...]:
        """Return objections from the written policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Whom to ask. model, critic: None where none is configured.

    policy: returns the written policy, "" where there is none.
    """

    memory: Recalls
    shelf: Picks
    model: Explains | None = None
    critic: Objects | None = None
    policy: Callable[[], str] = str


class Explain:
    """Asks the sources about every open incident, once.

    `look_up` and `ask` are called by loops of their own: a slow model holds up no
    memory and no runbook. One incident that fails holds up no other.
    """

    def __init__(
        self,
        *,
        record: Record,
        sources: Sources,
        poster: Wakeable,
        failed: Callable[[str], None],
    ) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._sources = sources
        self._poster = poster
        self._failed = failed

    def look_up(self) -> None:
        """Ask memory and the shelf about what they were not asked yet."""
        new = [i for i in self._unexplained() if i.knowledge is None]
        self._each(new, self._look_up)

    def ask(self) -> None:
        """Ask the model about what was looked up; intent first, so never twice.

        What was asked and has no answer lost it with the bot, or with the database.
        """
        known = [i for i in self._unexplained() if i.knowledge is not None]
        lost = [i for i in known if i.is_asked]
        self._each(lost, self._let_be)
        fresh = [i for i in known if not i.is_asked]
        self._each(fresh, self._ask)

    def _each(
        self, incidents: Sequence[Incident], work: Callable[[Incident], None]
    ) -> None:
        done = one_by_one(incidents, work, name="explain", failed=self._failed)
        if len(done) < len(incidents):
            raise Unfinished

    def _unexplained(self) -> list[Incident]:
        with self._database.read() as tx:
            return [i for i in store.opened(tx) if not i.is_explained]

    def _let_be(self, incident: Incident) -> None:
        self._write(incident.number, is_explained=True)

    def _look_up(self, incident: Incident) -> None:
        symptoms = symptoms_of(incident)
        offered = self._offered(incident)
        memory = self._sources.memory
        kind = offered.action.kind if offered else ""
        knowledge = Knowledge(
            past=tuple(past(found) for found in memory.recall(symptoms, limit=_PAST)),
            track=track_words(memory.track(symptoms, kind), kind) if kind else "",
            runbooks=tuple(map(_ref, self._sources.shelf.pick(incident))),
            missing=memory.health(),
        )
        # Without a model this is all there is to ask, and one edit of the card.
        done = self._sources.model is None
        self._write(incident.number, knowledge=knowledge, is_explained=done)

    def _ask(self, incident: Incident) -> None:
        model = self._sources.model
        if model is None:
            self._let_be(incident)
            return
        self._write(incident.number, is_asked=True)
        candidates = self._candidates(incident)
        diagnosis = model.diagnose(
            incident, candidates=candidates, context=context_of(incident.knowledge)
        )
        objections: tuple[str, ...] = ()
        if self._sources.critic is not None:
            objections = self._sources.critic.review(
                incident, candidates=candidates, policy=self._sources.policy()
            )
        self._conclude(incident, diagnosis, objections)

    def _conclude(
        self, incident: Incident, diagnosis: Diagnosis, objections: tuple[str, ...]
    ) -> None:
        now = self._clock.now()
        with self._database.write() as tx:
            kept = store.get(tx, incident.number)
            if not kept.is_open:
                # Over meanwhile: people judge the cause that stood, not a later one.
                store.bump(tx, kept.number, is_explained=True)
                return
            fresh = with_opinion(kept, diagnosis, objections)
            store.save(tx, fresh.changed(is_explained=True))
            text = f"Opinion by {diagnosis.author}: {diagnosis.summary}"
            event = Event(
                kind="diagnosis.formed",
                text=text,
                at=now.wall,
                incident=incident.number,
            )
            append(tx, event)
        self._poster.wake()

    def _write(self, number: int, **fields: object) -> None:
        with self._database.write() as tx:
            store.bump(tx, number, **fields)
        self._poster.wake()

    def _offered(self, incident: Incident) -> Proposal | None:
        with self._database.read() as tx:
            proposals = self._ledger.of(tx, incident.number)
        return next((p for p in proposals if p.id == incident.offered), None)

    def _candidates(self, incident: Incident) -> list[tuple[str, str]]:
        with self._database.read() as tx:
            proposals = self._ledger.of(tx, incident.number)
        return [(p.letter, in_words(p.action)) for p in proposals if p.is_pending]


def context_of(knowledge: Knowledge | None) -> tuple[EvidenceItem, ...]:
    """Return what memory and runbooks say as evidence with ids of its own."""
    if knowledge is None:
        return ()
    cases = (
        EvidenceItem(id=f"M{n}", title=_title(case), text=_story(case))
        for n, case in enumerate(knowledge.past, start=1)
    )
    pages = (
        EvidenceItem(id=f"R{n}", title=f"Runbook {p.title}", text="\n".join(p.steps))
        for n, p in enumerate(knowledge.runbooks, start=1)
    )
    return (*cases, *pages)


def _title(case: PastCase) -> str:
    return f"Incident {case.incident} of {case.closed_at:%Y-%m-%d}"


def _story(case: PastCase) -> str:
    done = f" Done: {case.action}; {case.outcome}." if case.action else ""
    return f"{case.symptoms} Cause: {case.cause or 'not known'}.{done}"


def _ref(match: Match) -> RunbookRef:
    page = match.page
    return RunbookRef(
        name=page.name, title=page.title, steps=page.steps[:_STEPS], why=match.why
    )
