"""When something that fills will be full: two windows of its past must say the same. No I/O.

Sixty points for each window, so that hours of one figure are 2 KB and a look at them
takes a few milliseconds (`bot/measuring/trend.py`).
"""

from array import array
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.measuring.trend import Trend, trend

POINTS: Final = 60
"""Kept of each window."""
KNOWN_FROM: Final = 1 / 3
"""A window says something once this part of it has been seen."""
FREED: Final = 0.02
"""A part of the whole that comes free at once: somebody tidied up, or a log was rotated."""
DAY: Final = 25 * 3600.0
"""Seconds for which a low is remembered: what is rotated daily comes back within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When it is full, in hours from now: the two windows' answers, and their pace.

    slope: per second, the slower one. returns: it has been as full within a day and came
    down again, as what is rotated does.
    """

    earliest: float
    latest: float
    slope: float
    returns: bool


class _Window:
    """The last while of one figure, thinned to sixty points."""

    def __init__(self, span: timedelta) -> None:
        self._span = span.total_seconds()
        self._times = array("d")
        self._values = array("d")

    def add(self, at: float, value: float) -> None:
        if self._times and at - self._times[-1] < 0.99 * self._span / POINTS:
            return
        self._times.append(at)
        self._values.append(value)
        old = sum(at - then > self._span for then in self._times)
        del self._times[:old]
        del self._values[:old]

    def clear(self) -> None:
        del self._times[:]
        del self._values[:]

    @property
    def is_known(self) -> bool:
        """Whether enough of it has been seen to speak of a trend."""
        if len(self._times) < 3:
            return False
        return self._times[-1] - self._times[0] >= KNOWN_FROM * self._span

    def fall(self) -> Trend:
        """Return the trend of what was used up."""
        return trend([(t, -v) for t, v in zip(self._times, self._values, strict=True)])


class Filling:
    """What is left of one thing over the last hours.

    short, long: the two windows. Time runs by the boot clock; where it was not looked at
    for as long as the short window, everything begins anew.
    """

    def __init__(self, short: timedelta, long: timedelta) -> None:
        self._windows = (_Window(short), _Window(long))
        self._longest = short.total_seconds()
        self._last: tuple[float, float] | None = None
        self._lows: deque[tuple[float, float]] = deque(maxlen=POINTS)

    def add(self, at: float, left: float, whole: float) -> None:
        """Take in what is left of the whole now."""
        if self._last is not None:
            then, before = self._last
            if not 0 <= at - then <= self._longest:
                for window in self._windows:
                    window.clear()
            elif left - before >= FREED * whole:
                self._lows.append((then, before))
        self._last = (at, left)
        for window in self._windows:
            window.add(at, left)

    @property
    def is_known(self) -> bool:
        """Whether it was followed for long enough to be judged."""
        return all(window.is_known for window in self._windows)

    def forecast(self) -> Forecast | None:
        """Return when it is full; None where nothing is known or the windows disagree."""
        if self._last is None or not self.is_known:
            return None
        at, left = self._last
        falls = [window.fall() for window in self._windows]
        if not all(fall.grows for fall in falls):
            return None
        hours = [left / fall.slope / 3600 for fall in falls]
        return Forecast(
            earliest=min(hours),
            latest=max(hours),
            slope=min(fall.slope for fall in falls),
            returns=any(low <= left and at - then < DAY for then, low in self._lows),
        )
