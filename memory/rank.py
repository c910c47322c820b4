"""Which cases to tell of, and in what order. Values in, values out."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from memory.case import TRIED, Case, Outcome, Recollection, Symptoms, TrackRecord
from memory.cases import PARTS
from memory.search import WORDS, similarity

if TYPE_CHECKING:
    from memory.bert import Floats

_SAME_CONDITION = 0.15
_SAME_SERVICE = 0.10
_FIXED = 0.03
_CONFIRMED = 0.04
_FRESH = 0.03
"""Small and bounded: together they cannot outweigh what the texts say."""
_HALF_LIFE = timedelta(days=180)
ALIKE = 0.5
"""Below this a case of another condition and service is another trouble: with MiniLM six
kinds of incidents resembled their like at 0.9 and above, all others at 0.45 at most."""
_FAILED = frozenset({Outcome.NO_EFFECT, Outcome.WORSE, Outcome.REJECTED})

Counts = Mapping[Outcome, int]
"""Incidents by outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A case with its place in the order. similarity: without the small weights."""

    case: Case
    similarity: float
    score: float


def rank(
    symptoms: Symptoms,
    cases: Mapping[str, Case],
    near: Mapping[str, float],
    words: Mapping[str, float],
) -> list[Ranked]:
    """Return the cases in order. near: similarity by key, words: BM25's share by key."""
    latest = max((case.closed_at for case in cases.values()), default=None)
    ranked = []
    for key, case in cases.items():
        alike = near.get(key, 0.0) + WORDS * words.get(key, 0.0)
        score = alike + _weight(symptoms, case, latest)
        ranked.append(Ranked(case=case, similarity=alike, score=score))
    return sorted(ranked, key=lambda one: (-round(one.score, 6), one.case.key))


def nearness(vectors: Mapping[str, "Floats"], query: "Floats") -> float:
    """Return the mean similarity of the whole case and its best part."""
    import numpy as np

    rows = [vectors[part] for part in PARTS if part in vectors]
    fits = [row for row in rows if row.shape == query.shape]
    return similarity(np.stack(fits), query)[0] if fits else 0.0


def is_alike(symptoms: Symptoms, found: Recollection) -> bool:
    """Say whether it is worth telling: the nearest of all may still be far away."""
    case = found.case
    same = case.condition == symptoms.condition
    there = bool(symptoms.service) and case.service == symptoms.service
    return same or there or found.similarity >= ALIKE


def fold(ranked: Iterable[Ranked]) -> list[Ranked]:
    """Return the best case of each group: one story is told once."""
    best: dict[tuple[str, str, str], Ranked] = {}
    for one in ranked:
        best.setdefault(one.case.group, one)
    return list(best.values())


def choose(ranked: Sequence[Ranked], limit: int) -> tuple[list[Ranked], Ranked | None]:
    """Return the cases to tell of, and a counter-example to them where there is one.

    A counter-example has the first one's condition and the opposite result. It takes
    the last place.
    """
    shown = fold(ranked)[:limit]
    if not shown:
        return [], None
    against = _counter_example(shown[0], shown[1:])
    if against is None and limit > 1:
        against = _counter_example(shown[0], ranked)
        shown = [*shown[: limit - 1], against] if against else shown
    return shown, against


def tell(
    shown: Sequence[Ranked], against: Ranked | None, count: Callable[[Case], Counts]
) -> list[Recollection]:
    """Return what is told. count: incidents of a case's group by outcome."""
    told = []
    for one in shown:
        counts = count(one.case)
        told.append(
            Recollection(
                case=one.case,
                similarity=one.similarity,
                seen=sum(counts.values()),
                tried=sum(n for outcome, n in counts.items() if outcome in TRIED),
                worked=counts.get(Outcome.FIXED, 0),
                counter_example=one is against,
            )
        )
    return told


def track_record(cases: Iterable[Case]) -> TrackRecord:
    """Return how these cases' action did. A pattern counts as often as it happened."""
    tried = [case for case in cases if case.outcome in TRIED]
    worked = [case for case in tried if case.outcome is Outcome.FIXED]
    took = [case.took for case in worked for _ in range(case.weight) if case.took]
    return TrackRecord(
        tried=sum(case.weight for case in tried),
        worked=sum(case.weight for case in worked),
        median=middle(took),
    )


def middle(took: Sequence[timedelta]) -> timedelta | None:
    """Return the median, if there is anything."""
    seconds = [one.total_seconds() for one in took]
    return timedelta(seconds=median(seconds)) if seconds else None


def _weight(symptoms: Symptoms, case: Case, latest: datetime | None) -> float:
    total = _SAME_CONDITION if case.condition == symptoms.condition else 0.0
    if symptoms.service and case.service == symptoms.service:
        total += _SAME_SERVICE
    total += _FIXED if case.outcome is Outcome.FIXED else 0.0
    if case.confirmed is not None:
        total += _CONFIRMED if case.confirmed else -_CONFIRMED
    # Age is counted from the latest case found, so that an answer needs no clock.
    age = (latest - case.closed_at) / _HALF_LIFE if latest else 0.0
    return total + _FRESH * math.exp2(-max(age, 0.0))


def _counter_example(first: Ranked, others: Iterable[Ranked]) -> Ranked | None:
    return next((one for one in others if _opposite(first.case, one.case)), None)


def _opposite(first: Case, other: Case) -> bool:
    if first.condition != other.condition:
        return False
    if first.outcome is Outcome.FIXED:
        return other.outcome in _FAILED
    return first.outcome in _FAILED and other.outcome is Outcome.FIXED
