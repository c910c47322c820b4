"""A reading that all who ask at about the same time share: one of them reads, all wait."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Generic, TypeVar

from bot.ports import Clock
from remediation.moment import Moment

Read = TypeVar("Read")
SPARING: Final = 4
"""A scan is shared for so many times what it took: thousands of processes take long."""
STALEST: Final = 1.0
"""Seconds beyond which no scan is shared, however long it took."""


@dataclass(slots=True)
class Shared(Generic[Read]):
    """One reading for all who ask at about the same time, and the one before it.

    sparing: for how many times what it took it is shared, if that is longer.
    """

    clock: Clock
    max_age: timedelta
    sparing: float = 0.0
    _took: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _taken: Moment | None = None
    _latest: Read | None = None
    _earlier: Read | None = None

    def get(self, read: Callable[[], Read]) -> tuple[Read | None, Read]:
        """Return the reading before and the latest, which is read anew if it is old."""
        with self._lock:
            if self._latest is None or not self._is_fresh():
                began, found = self.clock.now(), read()
                self._earlier, self._latest = self._latest, found
                # From its end on: whoever waited for a long reading shares it.
                self._taken = self.clock.now()
                self._took = max(self._taken.boot - began.boot, 0.0)
            return self._earlier, self._latest

    def _is_fresh(self) -> bool:
        now = self.clock.now()
        if self._taken is None or self._taken.boot_id != now.boot_id:
            return False
        age = self.max_age.total_seconds()
        if age:
            age = max(age, min(self.sparing * self._took, STALEST))
        return 0 <= now.boot - self._taken.boot <= age
