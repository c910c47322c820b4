"""Points prepared for drawing: thinned to what can be seen, split where data is missing."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from bot.metrics import Point

MOST_POINTS: Final = 1500
GAP: Final = 3
"""A pause of more than this many usual steps is shown as a gap."""


def thinned(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return at most as many points as can be seen, the extremes of each stretch kept."""
    if len(points) <= MOST_POINTS:
        return tuple(points)
    size = -(-2 * len(points) // MOST_POINTS)
    stretches = (points[i : i + size] for i in range(0, len(points), size))
    return tuple(
        point
        for stretch in stretches
        for point in sorted({min(stretch, key=_value), max(stretch, key=_value)})
    )


def pieces(points: Sequence[Point]) -> Iterator[tuple[Point, ...]]:
    """Split where nothing was measured for longer than three usual steps."""
    steps = [(b[0] - a[0]).total_seconds() for a, b in pairwise(points)]
    pause = timedelta(seconds=GAP * (median(steps) if steps else 0.0))
    piece: list[Point] = []
    for point in points:
        if piece and point[0] - piece[-1][0] > pause:
            yield tuple(piece)
            piece = []
        piece.append(point)
    if piece:
        yield tuple(piece)


def _value(point: Point) -> float:
    return point[1]
