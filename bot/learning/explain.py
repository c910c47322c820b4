"""What is known of an incident beyond its facts: past cases, runbooks, an opinion.

Two loops call it after the card was posted, and each edits the card: `look_up` writes
what memory and the shelf say, at once; `ask`, where a model is configured, its opinion
and the critic's objections. Both write prose only; no fact and no button is made from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from bot.diagnosis.context import context_of
from bot.diagnosis.opinion import with_opinion
from bot.learning.retell import past, service_of, symptoms_of, track_words
from bot.lore import Diagnosis, Knowledge, RunbookRef
from bot.model import EvidenceItem, Incident
from bot.ports import Wakeable
from bot.runbooks.matching import Match
from bot.runtime.loop import Unfinished, one_by_one
from bot.storage import store
from bot.storage.database import NotLeading
from bot.storage.record import Record
from memory.case import Recollection, Symptoms, TrackRecord
from memory.rank import is_alike
from remediation.action import in_words, kind_of
from remediation.ledger.audit import Event, append
from remediation.ledger.proposal import Proposal

MOST_LOOKS: Final = 6
"""How often memory and the shelf are asked about one incident, between two restarts."""
REST_SECONDS: Final = 300.0
"""After it something that was missing is tried again, then after twice as long, …"""
_STEPS: Final = 3
_PAST: Final = 3


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """When and about what the sources were asked last, and how often so far.

    at: by the boot clock. missed: whether another look may find more.
    """

    times: int
    at: float
    about: tuple[str, ...]
    missed: bool

    def is_over(self, incident: Incident, *, now: float, is_well: bool) -> bool:
        """Say whether the answer may be another by now. The last look waits for cause."""
        if self.times >= MOST_LOOKS:
            return False
        if self.about != _about(incident):
            return True
        rest = REST_SECONDS * 2 ** (self.times - 1)
        is_rested = now - self.at >= rest and self.times < MOST_LOOKS - 1
        return self.missed and (is_well or is_rested)


class Explain:
    """Asks memory and the shelf about every open incident, and the model once.

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
        self._looks: dict[int, _Look] = {}

    @property
    def has_model(self) -> bool:
        """Whether there is anybody for `ask` to ask."""
        return self._sources.model is not None

    def look_up(self) -> None:
        """Ask memory and the shelf about what is new, and again where it may help.

        What was missing may be back, or the incident may be about something else now.
        """
        found = self._open()
        # After a restart it is as if the last look had been just now.
        self._looks = {
            i.number: self._looks.get(i.number) or self._look(i, times=1)
            for i in found
            if i.knowledge
        }
        new = [i for i in found if i.knowledge is None and not i.is_explained]
        self._each([*new, *filter(self._is_stale, found)], self._look_up)
        if not self.has_model:
            # A model that was taken away leaves what it was not asked.
            waiting = [i for i in found if i.knowledge and not i.is_explained]
            self._each(waiting, self._let_be)

    def ask(self) -> None:
        """Ask the model about what was looked up; intent first, so never twice.

        What was asked and has no answer lost it with the bot, or with the database.
        """
        model = self._sources.model
        if model is None:
            return
        known = [i for i in self._open() if i.knowledge and not i.is_explained]
        self._each([i for i in known if i.is_asked], self._let_be)
        fresh = [i for i in known if not i.is_asked]
        self._each(fresh, lambda incident: self._ask(incident, model))

    def _each(
        self, incidents: Sequence[Incident], work: Callable[[Incident], None]
    ) -> None:
        done = one_by_one(
            incidents,
            work,
            name="explain",
            failed=self._failed,
            passing=(NotLeading,),
        )
        if len(done) < len(incidents):
            raise Unfinished

    def _open(self) -> list[Incident]:
        with self._database.read() as tx:  # a drill explains itself
            return [i for i in store.opened(tx) if not i.is_drill]

    def _look(self, incident: Incident, *, times: int) -> _Look:
        return _Look(
            times=times,
            at=self._clock.now().boot,
            about=_about(incident),
            missed=_misses(incident.knowledge),
        )

    def _is_stale(self, incident: Incident) -> bool:
        look, known = self._looks.get(incident.number), incident.knowledge
        if look is None or known is None:
            return False
        is_well = bool(known.missing) and not self._sources.memory.health()
        return look.is_over(incident, now=self._clock.now().boot, is_well=is_well)

    def _let_be(self, incident: Incident) -> None:
        self._write(incident.number, is_explained=True)

    def _look_up(self, incident: Incident) -> None:
        before = self._looks.get(incident.number)
        look = self._look(incident, times=before.times + 1 if before else 1)
        # Counted before it may fail.
        self._looks[incident.number] = look
        found = self._found(incident)
        self._looks[incident.number] = replace(look, missed=_misses(found))
        if found == incident.knowledge:
            return
        # Without a model this is all there is to ask, and one edit of the card.
        done = {} if self.has_model else {"is_explained": True}
        self._write(incident.number, knowledge=found, **done)

    def _found(self, incident: Incident) -> Knowledge:
        symptoms, memory = symptoms_of(incident), self._sources.memory
        proposals = self._proposals(incident)
        offered = next((p for p in proposals if p.id == incident.offered), None)
        kind = kind_of(offered.action) if offered else ""
        nearest = memory.recall(symptoms, limit=_PAST + 1)
        # What came back is remembered as over; it is no past of its own.
        others = [found for found in nearest if found.case.incident != incident.number]
        alike = [found for found in others[:_PAST] if is_alike(symptoms, found)]
        return Knowledge(
            past=tuple(past(found) for found in alike),
            track=track_words(memory.track(symptoms, kind), kind) if kind else "",
            runbooks=tuple(map(_ref, self._sources.shelf.pick(incident))),
            missing=memory.health(),
        )

    def _ask(self, incident: Incident, model: Explains) -> None:
        self._write(incident.number, is_asked=True)
        pending = [p for p in self._proposals(incident) if p.is_pending]
        candidates = [(p.letter, in_words(p.action)) for p in pending]
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
        with self._database.write() as tx:
            kept = store.get(tx, incident.number)
            if not kept.is_open:
                # Over meanwhile: people judge the cause that stood, not a later one.
                store.bump(tx, kept.number, is_explained=True)
                return
            fresh = with_opinion(kept, diagnosis, objections)
            store.save(tx, fresh.changed(is_explained=True))
            append(tx, _formed(fresh.number, diagnosis, self._clock.now().wall))
        self._poster.wake()

    def _write(self, number: int, **fields: object) -> None:
        with self._database.write() as tx:
            store.bump(tx, number, **fields)
        self._poster.wake()

    def _proposals(self, incident: Incident) -> Sequence[Proposal]:
        with self._database.read() as tx:
            return self._ledger.of(tx, incident.number)


def _formed(number: int, diagnosis: Diagnosis, at: datetime) -> Event:
    text = f"Opinion by {diagnosis.author}: {diagnosis.summary}"
    return Event(kind="diagnosis.formed", text=text, at=at, incident=number)


def _misses(found: Knowledge | None) -> bool:
    # No runbook: the shelf may not have been read yet, and does not say so.
    return found is not None and (bool(found.missing) or not found.runbooks)


def _about(incident: Incident) -> tuple[str, ...]:
    """Return what memory's answer depends on: the conditions, and of what they are."""
    conditions = {finding.detector for finding in incident.findings}
    return (service_of(incident), incident.lead.detector, *sorted(conditions))


def _ref(match: Match) -> RunbookRef:
    page = match.page
    return RunbookRef(
        name=page.name, title=page.title, steps=page.steps[:_STEPS], why=match.why
    )
