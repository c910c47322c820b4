"""A week of each series, by the minute: what the same time of the days before looked like."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from bot.surprise.baselines import Floats, Rows, Singles

DAYS: Final = 7
"""Days that are compared with; the first of them is this day of last week."""
MOST: Final = 4
"""Of them. What was so on as many is usual, whatever yesterday was."""
AROUND: Final = 15
"""Minutes before and after the same time of a day that are compared with as well."""
_MOSTLY: Final = (0.1, 0.9)
_MINUTES: Final = 24 * 60
_LARGEST: Final = float(np.finfo("f4").max) / 4


class Days:
    """The last week of all series, a row each, in slots of one point.

    values: a ring, in single precision, in which what is compared with it is taken too,
    so that what stays the same has no distance.
    """

    def __init__(self, rows: int, per_day: int) -> None:
        self._per_day = per_day
        self._around = round(AROUND * per_day / _MINUTES)
        self.width = DAYS * per_day + self._around + 1
        self.values: Singles = np.full((rows, self.width), np.nan, "f4")
        span = np.arange(-self._around, self._around + 1)
        self._before = span - per_day * np.arange(1, DAYS + 1)[:, None]

    def keep(self, rows: Sequence[int], new: int) -> None:
        """Keep these rows in this order, and add `new` ones without a past."""
        empty = np.full((new, self.width), np.nan, "f4")
        self.values = np.concatenate([self.values[list(rows)], empty])

    def near(self, slot: int) -> Singles:
        """Return the values around the same time, by series, day and minute."""
        places = slot % self.width + self._before
        found: Singles = self.values.take(places, axis=1, mode="wrap")
        return found

    def distances(self, slot: int, values: Floats) -> Singles:
        """Return how far each value is from what is usual; NaN where there is no past.

        Usual is what was so yesterday, on this day of last week, or on most of the days.
        """
        apart = self.near(slot)
        apart -= _single(values)[:, None, None]
        by_day = np.fmin.reduce(np.abs(apart, out=apart), axis=2)
        # A day without a past is the farthest.
        either = np.fmin(by_day[:, 0], by_day[:, DAYS - 1])
        by_day.partition(MOST - 1, axis=1)
        least: Singles = np.fmin(either, by_day[:, MOST - 1])
        return least

    def usual(self, slot: int, row: int) -> tuple[float, float]:
        """Return between which values a series mostly is around this time.

        All but the lowest and the highest tenth: one odd day of the week says nothing.
        """
        near = self.near(slot)[row]
        low, high = np.nanquantile(near, _MOSTLY)
        return float(low), float(high)

    def put(self, slot: int, values: Floats, kept: Rows) -> None:
        """Take one point in; for rows not `kept`, yesterday's stands for today's."""
        taken = _single(values)
        if not kept.all():
            before = self.values[:, (slot - self._per_day) % self.width]
            taken = np.where(kept, taken, before)
        self.values[:, slot % self.width] = taken

    def blank(self, first: int, last: int) -> None:
        """Forget the slots from `first` to `last`: nothing was measured in them."""
        span = np.arange(max(first, last - self.width + 1), last + 1) % self.width
        self.values[:, span] = np.nan


def _single(values: Floats) -> Singles:
    # Twice as fast as clip().
    return np.minimum(np.maximum(values, -_LARGEST), _LARGEST).astype("f4")
