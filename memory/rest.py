"""How long to leave alone what failed: a pause that doubles, up to a longest one."""

import time
from collections.abc import Callable
from datetime import timedelta


class Rest:
    """Says when something that failed may be tried again. Threads may share it.

    first, longest: the pause after one failure, and after many. now: seconds on a clock
    that nobody sets. Failures within a pause count as one: those who share what failed
    all meet it at once.
    """

    def __init__(
        self,
        first: timedelta,
        longest: timedelta,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first = first.total_seconds()
        self._longest = longest.total_seconds()
        self._now = now
        self._pause = 0.0
        self._until = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether the last try failed."""
        return self._pause > 0

    def seconds(self) -> float:
        """Return how long to wait still; 0 when it may be tried."""
        return max(self._until - self._now(), 0.0) if self.is_failing else 0.0

    def failed(self) -> None:
        """Begin a pause, twice as long as the one before."""
        if not self.seconds():
            self._pause = min(self._pause * 2, self._longest) or self._first
            self._until = self._now() + self._pause

    def worked(self) -> None:
        """End the pause; the next failure is a first one."""
        self._pause = 0.0
