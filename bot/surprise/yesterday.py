"""A day of each series, by the minute: what the same time of yesterday looked like."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from bot.surprise.baselines import Floats, Rows

AROUND: Final = 15
"""Minutes before and after the same time of yesterday that are compared with as well."""
_MINUTES: Final = 24 * 60


class Yesterday:
    """The last day of all series, a row each, in slots of one point.

    values: a ring that is written twice, one after the other, so that any span of slots
    is one slice of it.
    """

    def __init__(self, rows: int, per_day: int) -> None:
        self._per_day = per_day
        self._around = round(AROUND * per_day / _MINUTES)
        self.width = per_day + self._around + 1
        self.values: Floats = np.full((rows, 2 * self.width), np.nan)

    def keep(self, rows: Sequence[int], new: int) -> None:
        """Keep these rows in this order, and add `new` ones without a past."""
        empty = np.full((new, 2 * self.width), np.nan)
        self.values = np.concatenate([self.values[list(rows)], empty])

    def near(self, slot: int) -> Floats:
        """Return the values around the same time yesterday, a row per series."""
        first = (slot - self._per_day - self._around) % self.width
        return self.values[:, first : first + 2 * self._around + 1]

    def distances(self, slot: int, values: Floats) -> Floats:
        """Return how far each value is from the nearest of them; NaN where none is."""
        apart = np.abs(self.near(slot) - values[:, None])
        nearest: Floats = np.fmin.reduce(apart, axis=1)
        return nearest

    def put(self, slot: int, values: Floats, kept: Rows) -> None:
        """Take one point in; for rows not `kept`, yesterday's stands for today's."""
        at = slot % self.width
        if not kept.all():
            before = self.values[:, (slot - self._per_day) % self.width]
            values = np.where(kept, values, before)
        self.values[:, at] = self.values[:, at + self.width] = values

    def blank(self, first: int, last: int) -> None:
        """Forget the slots from `first` to `last`: nothing was measured in them."""
        span = np.arange(max(first, last - self.width + 1), last + 1) % self.width
        self.values[:, span] = self.values[:, span + self.width] = np.nan
