"""The last hours of every figure, in memory: what the charts are drawn from.

`watch.py` appends what each round measured. Bounded twice, so that it never grows
with the age of the bot or with the number of processes a host has seen.
"""

import threading
from bisect import bisect_left
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

MAX_POINTS: Final = 4320
"""Six hours at one point every five seconds."""
MAX_SERIES: Final = 200

Point = tuple[datetime, float]


@dataclass(slots=True)
class _Ring:
    unit: str = ""
    points: deque[Point] = field(default_factory=deque)


class History:
    """Rings of points by series name; safe to use from several threads.

    max_points: kept of each series. max_series: kept at all; the one that was not
    appended to for longest goes first. At the defaults at most about 90 MB if all
    200 series were full; a host has about ten that live longer than an incident.
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
            while ring.points and ring.points[-1][0] >= at:
                ring.points.pop()
            ring.points.append((at, value))
            if len(ring.points) > self._max_points:
                ring.points.popleft()
            if len(self._rings) > self._max_series:
                self._rings.popitem(last=False)

    def window(self, series: str, since: datetime) -> tuple[Point, ...]:
        """Return the points from `since` on, oldest first; none where none are known."""
        with self._lock:
            ring = self._rings.get(series)
            points = tuple(ring.points) if ring else ()
        return points[bisect_left(points, since, key=lambda point: point[0]) :]

    def unit(self, series: str) -> str:
        """Return the unit that was last given with a point of the series, or ''."""
        with self._lock:
            ring = self._rings.get(series)
            return ring.unit if ring else ""

    def names(self) -> tuple[str, ...]:
        """Return the known series, the least recently measured first."""
        with self._lock:
            return tuple(self._rings)
