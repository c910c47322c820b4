"""Points prepared for drawing: thinned to what can be seen, split where data is missing."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from bot.host.metrics import Point

MOST_POINTS: Final = 1500
GAP: Final = 3
"""A pause of more than this many usual steps is shown as a gap."""
_NEAR: Final = 5
"""Steps on each side by which it is known what is usual: the pace may change once."""


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
    """Split where nothing was measured for longer than three usual steps.

    What was fetched of the time before has another pace than the rounds after it.
    """
    steps = [(b[0] - a[0]).total_seconds() for a, b in pairwise(points)]
    piece = list(points[:1])
    for n, point in enumerate(points[1:]):
        if steps[n] > GAP * _usual(steps, n):
            yield tuple(piece)
            piece = []
        piece.append(point)
    if piece:
        yield tuple(piece)


def _usual(steps: Sequence[float], n: int) -> float:
    sides = (steps[max(n - _NEAR, 0) : n], steps[n + 1 : n + 1 + _NEAR])
    return max((median(side) for side in sides if side), default=steps[n])


def _value(point: Point) -> float:
    return point[1]
