"""What is to be drawn, and the measures of its axes. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bot.host.metrics import Point
from bot.text.words import amount

AMBER: Final = "#b7791f"
RED: Final = "#c0392b"
SECOND: Final = 1 / 86400
"""The time axis counts days since 1970, as matplotlib does."""
_EDGE: Final = 360 * SECOND
_STEPS: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRequest:
    """One figure over time. Every text in it is printable already.

    points: oldest first, in `unit`. warning, critical: limits in `unit`, if any.
    onset: when the trouble began. marks: what was done and when. until: right edge.
    yesterday: its course a day before, moved to today.
    """

    title: str
    unit: str
    points: tuple[Point, ...]
    warning: float | None = None
    critical: float | None = None
    onset: datetime | None = None
    marks: tuple[tuple[datetime, str], ...] = ()
    until: datetime | None = None
    yesterday: tuple[Point, ...] = ()


def limit_lines(request: ChartRequest) -> list[tuple[float, str, str]]:
    """Return value, name and colour of the limits there are; one where both are equal."""
    named = [
        (request.warning, "warning", AMBER),
        (request.critical, "critical", RED),
    ]
    found = [(value, name, color) for value, name, color in named if value is not None]
    if request.warning == request.critical and found:
        # Which of them it is, one number cannot say.
        return [(found[0][0], "limit", AMBER)]
    return found


def is_above(request: ChartRequest) -> bool:
    """Say whether high values are bad: critical is the higher limit."""
    if request.warning is None or request.critical is None:
        return True
    return request.critical >= request.warning


def day(at: datetime) -> float:
    """Return a time as the time axis counts it."""
    return at.timestamp() * SECOND


def days(first: datetime, last: datetime) -> str:
    """Say of which days a chart is."""
    said = f"{first.astimezone(UTC):%Y-%m-%d}"
    if first.astimezone(UTC).date() != last.astimezone(UTC).date():
        said += f" to {last.astimezone(UTC):%Y-%m-%d}"
    return said


def span_of(request: ChartRequest) -> tuple[float, float]:
    """Return both ends of the time axis."""
    if not request.points:
        return 0.0, 1.0
    start, end = day(request.points[0][0]), day(request.points[-1][0])
    end = max(end, day(request.until) if request.until else end)
    return start, max(end, start + 10 * SECOND)


def before_of(request: ChartRequest) -> tuple[Point, ...]:
    """Return what of yesterday is seen, with the points that lead over the edges."""
    start, end = span_of(request)
    return tuple(
        point
        for point in request.yesterday
        if start - _EDGE <= day(point[0]) <= end + _EDGE
    )


def range_of(request: ChartRequest) -> tuple[float, float]:
    """Choose the vertical axis: percents are seen whole, others from zero on."""
    limits = [value for value, _, _ in limit_lines(request)]
    values = [value for _, value in (*request.points, *before_of(request))]
    if request.warning and not is_above(request):
        # What is far from trouble may leave the chart at the top.
        values = [min(value, 3 * request.warning) for value in values]
    return height_of([*values, *limits], request.unit)


def height_of(values: Iterable[float], unit: str) -> tuple[float, float]:
    """Return both ends of the vertical axis for these values."""
    known = list(values)
    low, high = min([0.0, *known]), max(known, default=1.0)
    if unit == "%" and high <= 100 and low == 0:
        return 0.0, 102.0
    return low, low + 1.15 * ((high - low) or 1.0)


def said(value: float, unit: str) -> str:
    """Say a value in the room of an axis: the unit's first word only.

    >>> said(0.034, "s"), said(2_500_000, "")
    ('0.034 s', '2.5 M')
    """
    short = unit.partition(" ")[0]
    if short in ("B", "bytes"):
        return amount(value, short)
    if 0 < abs(value) < 1:
        return f"{value:.2g} {short}".strip()
    for size, step in _STEPS:
        if abs(value) >= size:
            return f"{value / size:.3g} {step}{short}"
    return amount(value, short)
