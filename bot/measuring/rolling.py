"""A detector's readings of the last while, so that a rate is that of a whole window.

One round is too short for what comes in bursts: a host that swaps has seconds without a
page moved. A mean over the window neither begins nor ends with each of them.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

from bot.host.host import LONGEST, SHORTEST, Stamped
from remediation.moment import Moment

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
    """The mean of a figure that jumps, over a span of time.

    It is taken to change evenly between two readings, so that rounds out of turn, which
    come while it is high, weigh no more than others.
    """

    def __init__(self, span: timedelta) -> None:
        self._span = span.total_seconds()
        self._kept: deque[tuple[float, float, float]] = deque()
        """When it was read, for how long it counts, and its mean in that time."""
        self._last: tuple[Moment, float] | None = None

    def of(self, value: float, at: Moment) -> float:
        """Add a value; return the mean of all that are kept."""
        (then, before), self._last = self._last or (at, value), (at, value)
        held = at.boot - then.boot
        if then.boot_id != at.boot_id or not 0 <= held <= self._span:
            self._kept.clear()
            return value
        while self._kept and at.boot - self._kept[0][0] >= self._span:
            self._kept.popleft()
        self._kept.append((at.boot, held, (before + value) / 2))
        whole = sum(held for _, held, _ in self._kept)
        return sum(held * v for _, held, v in self._kept) / whole if whole else value
