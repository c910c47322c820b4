"""A memory, a shelf, a model and a critic that know one case and one page."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from bot.lore import Diagnosis
from bot.model import EvidenceItem, Incident
from bot.runbooks.matching import Match
from bot.runbooks.page import Page
from memory.case import Case, Outcome, Recollection, Symptoms, TrackRecord
from tests.fakes.clock import START

CASE = Case(
    key="7",
    incident=7,
    closed_at=START,
    host="web-1",
    service="burn.py",
    condition="cpu",
    symptoms="CPU 98 % on web-1",
    cause="a loop",
    action="terminate burn.py",
    action_kind="terminate",
    outcome=Outcome.FIXED,
)
PAGE = Page(
    path=Path("cpu.md"), name="cpu", title="CPU is busy", steps=("a", "b", "c", "d")
)


class FakeMemory:
    """Recalls one case."""

    def __init__(self, *, unwell: str = "") -> None:
        self.asked: list[Symptoms] = []
        self.unwell = unwell
        self.breaks = False

    def recall(self, symptoms: Symptoms, limit: int = 3) -> list[Recollection]:
        self.asked.append(symptoms)
        if self.breaks:
            raise ValueError(symptoms.condition)
        found = Recollection(case=CASE, similarity=0.9, seen=5, worked=4, tried=5)
        return [found][:limit]

    def track(self, symptoms: Symptoms, action_kind: str) -> TrackRecord:
        del symptoms, action_kind
        return TrackRecord(tried=5, worked=4, median=timedelta(seconds=38))

    def health(self) -> str:
        return self.unwell


class FakeShelf:
    """Has one page for everything."""

    def pick(self, incident: Incident, limit: int = 2) -> list[Match]:
        del incident
        return [Match(page=PAGE, why="it is for cpu")][:limit]


class FakeModel:
    """Says what it was given."""

    def __init__(self) -> None:
        self.seen: list[tuple[Sequence[tuple[str, str]], Sequence[EvidenceItem]]] = []

    def diagnose(
        self,
        incident: Incident,
        *,
        candidates: Sequence[tuple[str, str]],
        context: Sequence[EvidenceItem],
    ) -> Diagnosis:
        del incident
        self.seen.append((candidates, context))
        return Diagnosis(
            summary="It loops.", hypotheses=(), confidence=0.7, author="fake-model"
        )


class FakeCritic:
    """Objects with the policy it read."""

    def review(
        self, incident: Incident, *, candidates: Sequence[tuple[str, str]], policy: str
    ) -> tuple[str, ...]:
        del incident, candidates
        return (policy,)
