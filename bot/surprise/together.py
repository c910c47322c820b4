"""The series of one host taken together: the tail probability of their sum.

Fisher's sum of logarithms asks for independent series, and a host's are not. Brown's
method (1975) matches the sum's mean and variance, here those seen in the last two weeks,
to a gamma distribution, whose tail is read by Wilson and Hilferty's cube root (1931).
So a host of twenty figures and one of a single figure have the same limit.
"""

import math
from collections import deque
from typing import Final

_DAYS: Final = 14
"""Days over which mean and variance are taken."""
_SPAN: Final = 3
"""Minutes of which the sum is the mean: one odd minute is less than three."""
_LEAST_MEAN: Final = 0.05
_LEAST_VARIANCE: Final = 0.05
"""Of a single series; a past without any variation proves little about its tail."""
_MINUTES: Final = 24 * 60


class Together:
    """What the sum usually is. per_day: points in a day."""

    def __init__(self, per_day: int) -> None:
        self.mean = self.variance = 0.0
        self.points = 0
        self._smooth = 0.0
        self._least = per_day // 4
        self._most = _DAYS * per_day
        span = max(1, round(_SPAN * per_day / _MINUTES))
        self._last: deque[float] = deque(maxlen=span)

    def judge(self, total: float, series: int) -> float | None:
        """Return the tail probability of `total`; None while too little is known.

        total: the mean of the surprises of all `series` that could be judged. Series
        that know nothing of each other have the least variance that a mean can have.
        """
        self._last.append(total)
        self._smooth = sum(self._last) / len(self._last)
        if self.points < self._least:
            return None
        variance = max(self.variance, _LEAST_VARIANCE / series)
        return tail(self._smooth, max(self.mean, _LEAST_MEAN), variance)

    def learn(self) -> None:
        """Count what was judged last as usual."""
        if not self._last:
            return
        value = self._smooth
        self.points += 1
        share = 1 / min(self.points, self._most)
        off = value - self.mean
        self.mean += share * off
        self.variance += share * (off * (value - self.mean) - self.variance)

    def take_over(self, other: "Together") -> None:
        """Know what another knows, if it has learnt for longer."""
        if other.points > self.points:
            self.points = other.points
            self.mean, self.variance = other.mean, other.variance

    def skip(self) -> None:
        """Begin the mean of the last minutes anew: nothing was judged in this one."""
        self._last.clear()


def tail(value: float, mean: float, variance: float) -> float:
    """Return P(X >= value) of the gamma distribution with this mean and variance."""
    spread = variance / (9 * mean * mean)
    score = (math.cbrt(value / mean) - 1 + spread) / math.sqrt(spread)
    return max(0.5 * math.erfc(score / math.sqrt(2)), 1e-300)
