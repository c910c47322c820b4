"""The last hours of every figure, in memory: what the charts are drawn from.

`watch.py` appends what each round measured. Bounded twice, so that it never grows
with the age of the bot or with the number of processes a host has seen.
"""

import threading
from array import array
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

MAX_POINTS: Final = 4320
"""Six hours at one point every five seconds."""
MAX_SERIES: Final = 200

Point = tuple[datetime, float]


@dataclass(slots=True)
class _Ring:
    unit: str = ""
    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    values: "array[float]" = field(default_factory=lambda: array("d"))

    def append(self, second: float, value: float, most: int) -> None:
        kept = bisect_left(self.seconds, second)
        first = max(kept + 1 - most, 0)
        self.seconds = self.seconds[first:kept]
        self.values = self.values[first:kept]
        self.seconds.append(second)
        self.values.append(value)


class History:
    """Rings of points by series name; safe to use from several threads.

    max_points: kept of each series. max_series: kept at all; the one that was not
    appended to for longest goes first. Sixteen bytes a point: 14 MB at most.
    """

    def __init__(
        self, *, max_points: int = MAX_POINTS, max_series: int = MAX_SERIES
    ) -> None:
        self._max_points = max_points
        self._max_series = max_series
        self._rings: OrderedDict[str, _Ring] = OrderedDict()
        self._lock = threading.Lock()

    def append(self, series: str, at: datetime, value: float, unit: str = "") -> None:
        """Add one point. A wall clock that was set back drops the points ahead of it."""
        with self._lock:
            ring = self._rings.setdefault(series, _Ring())
            self._rings.move_to_end(series)
            ring.unit = unit or ring.unit
            ring.append(at.timestamp(), value, self._max_points)
            if len(self._rings) > self._max_series:
                self._rings.popitem(last=False)

    def window(self, series: str, since: datetime) -> tuple[Point, ...]:
        """Return the points from `since` on, oldest first; none where none are known."""
        with self._lock:
            ring = self._rings.get(series) or _Ring()
            first = bisect_left(ring.seconds, since.timestamp())
            seconds, values = ring.seconds[first:], ring.values[first:]
        times = (datetime.fromtimestamp(second, UTC) for second in seconds)
        return tuple(zip(times, values, strict=True))

    def unit(self, series: str) -> str:
        """Return the unit that was last given with a point of the series, or ''."""
        with self._lock:
            ring = self._rings.get(series)
            return ring.unit if ring else ""

    def names(self) -> tuple[str, ...]:
        """Return the known series, the least recently measured first."""
        with self._lock:
            return tuple(self._rings)
