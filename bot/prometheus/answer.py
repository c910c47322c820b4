"""What a Prometheus server answered, as values; whatever else it says is refused by name."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

MOST_SERIES: Final = 1000
"""Series in one answer; a rule that gives more is asked to say less."""

Point = tuple[datetime, float]


class ServerSilent(Exception):
    """The server gave no answer of Prometheus; its text says why, fit for a card."""


class QuestionRefused(Exception):
    """The server answers, but not this question; its text says why, fit for a card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One series' value at one instant; it may be NaN or infinite."""

    labels: Mapping[str, str]
    value: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series over a time, the oldest point first."""

    labels: Mapping[str, str]
    points: tuple[Point, ...]


Second = Annotated[float, Field(ge=0, le=4_000_000_000)]
"""Until the year 2096; beyond it a clock is wrong, not late."""


class _Vector(BaseModel):
    metric: dict[str, str]
    value: tuple[Second, float]


class _Matrix(BaseModel):
    metric: dict[str, str]
    values: list[tuple[Second, float]]


_VECTORS: Final = TypeAdapter(list[_Vector])
_MATRICES: Final = TypeAdapter(list[_Matrix])


def samples(result: object) -> tuple[Sample, ...]:
    """Return an instant answer; raise `QuestionRefused` for anything else."""
    _count(result)
    try:
        found = _VECTORS.validate_python(result)
    except ValidationError as error:
        raise _shapeless() from error
    return tuple(
        Sample(labels=one.metric, at=_instant(one.value[0]), value=one.value[1])
        for one in found
    )


def series(result: object) -> tuple[Series, ...]:
    """Return a range's answer; raise `QuestionRefused` for anything else."""
    _count(result)
    try:
        found = _MATRICES.validate_python(result)
    except ValidationError as error:
        raise _shapeless() from error
    return tuple(
        Series(
            labels=one.metric,
            points=tuple((_instant(at), value) for at, value in one.values),
        )
        for one in found
    )


def finite(series: Series) -> Series:
    """Return it without points that are no number or have no end: nothing draws them."""
    points = tuple((at, value) for at, value in series.points if math.isfinite(value))
    return Series(labels=series.labels, points=points)


def _count(result: object) -> None:
    if isinstance(result, list) and len(result) > MOST_SERIES:
        raise QuestionRefused(
            f"it gives {len(result):,} series, and more than {MOST_SERIES:,} are not "
            "read; aggregate in the expression, or use topk"
        )


def _shapeless() -> QuestionRefused:
    return QuestionRefused(
        "its answer is no list of series with one number each; the expression must "
        "give an instant vector"
    )


def _instant(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)
