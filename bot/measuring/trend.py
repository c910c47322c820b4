"""Does a figure grow steadily, and how fast? Robust against outliers; no I/O.

Theil-Sen: the median of the slopes of all pairs of points (P. K. Sen, 1968), right
even if 29 % of the points are wild. Steadiness: of the pairs that differ, how many
rise (Goodman and Kruskal's gamma): 1 rises always, 0 is noise, -1 falls always.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Final

Point = tuple[float, float]
"""Seconds, value."""

STEADY: Final = 0.8
"""Least steadiness of a trend; a sawtooth (log rotation, garbage collection) has less."""
LASTING: Final = 1 / 3
"""Least slope of the second half, as a part of the whole: less is a warm-up ending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """slope: per second. steadiness: -1 to 1. late_slope: of the second half."""

    slope: float
    steadiness: float
    late_slope: float

    @property
    def grows(self) -> bool:
        """Whether it rises steadily and has not begun to level off."""
        return (
            self.slope > 0
            and self.steadiness >= STEADY
            and self.late_slope >= LASTING * self.slope
        )


def trend(points: Sequence[Point]) -> Trend:
    """Return the trend of points in order of time; fewer than three have none."""
    if len(points) < 3:
        return Trend(slope=0.0, steadiness=0.0, late_slope=0.0)
    pairs = list(combinations(points, 2))
    rising = sum(later[1] > earlier[1] for earlier, later in pairs)
    falling = sum(later[1] < earlier[1] for earlier, later in pairs)
    return Trend(
        slope=_slope(points),
        steadiness=(rising - falling) / max(rising + falling, 1),
        late_slope=_slope(points[len(points) // 2 :]),
    )


def _slope(points: Sequence[Point]) -> float:
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in combinations(points, 2)
        if later[0] > earlier[0]
    ]
    return median(slopes) if slopes else 0.0
