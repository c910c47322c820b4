"""A detector's readings of the last while, so that a rate is that of a whole window.

One round is too short for what comes in bursts: a host that swaps has seconds without a
page moved. A mean over the window neither begins nor ends with each of them.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

from bot.host import LONGEST, SHORTEST, Stamped

Reading = TypeVar("Reading", bound=Stamped)


def _none(_reading: object) -> Sequence[int]:
    return ()


class Rolling(Generic[Reading]):
    """Keeps the readings of a span, some dozen at most.

    span: how long the window is. interval: of the rounds. What was read before a reboot
    or before a pause of ten intervals (a suspended machine) is forgotten, and so is what
    was read before a counter was set back. counters: what of a reading only grows.
    """

    def __init__(
        self,
        span: timedelta,
        interval: timedelta,
        counters: Callable[[Reading], Sequence[int]] = _none,
    ) -> None:
        self._counters = counters
        self._span = span.total_seconds()
        self._longest = LONGEST * interval.total_seconds()
        self._spacing = max(self._span / 12, SHORTEST)
        self._kept: deque[Reading] = deque()

    def exchange(self, now: Reading) -> Reading | None:
        """Keep `now`; return the oldest reading of the window, None where there is none."""
        last = self._kept[-1] if self._kept else None
        if last is None or not self._follows(last, now):
            self._kept.clear()
        while len(self._kept) > 1 and self._age(self._kept[1], now) >= self._span:
            self._kept.popleft()
        before = self._kept[0] if self._kept else None
        if not self._kept or self._age(self._kept[-1], now) >= self._spacing:
            self._kept.append(now)
        return before if before and self._age(before, now) >= SHORTEST else None

    def _follows(self, last: Reading, now: Reading) -> bool:
        pause = self._age(last, now)
        pairs = zip(self._counters(last), self._counters(now), strict=True)
        if any(new < old for old, new in pairs):
            return False
        allowed = max(self._longest, 2 * self._spacing)
        return last.at.boot_id == now.at.boot_id and 0 <= pause <= allowed

    @staticmethod
    def _age(before: Reading, now: Reading) -> float:
        return now.at.boot - before.at.boot


class Mean:
    """The mean of a figure that jumps, over the readings of a span.

    most: of the readings; with them it is as old as that many rounds.
    """

    def __init__(self, most: int) -> None:
        self._kept: deque[float] = deque(maxlen=most)

    def of(self, value: float) -> float:
        """Add a value; return the mean of all that are kept."""
        self._kept.append(value)
        return sum(self._kept) / len(self._kept)
