"""What was usual: the distribution of each series' distances, long ago and of late.

Counts of distances in bins whose width grows with them (DDSketch: Masson, Rim, Lee 2019),
so that bytes and percentages need no scale of their own. Two baselines with two half-lives.
The long one is read from a table that stays as it is for a week, so what goes on for days
is still news; the recent one is read from a table that is made anew each hour.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Rows = NDArray[np.bool_]

PER_OCTAVE: Final = 6
"""Bins between a distance and its double: an error of a tenth at most."""
_OCTAVES: Final = 80
_SMALLEST: Final = 2.0**-40
"""Of the distances that are not taken for none."""
BINS: Final = _OCTAVES * PER_OCTAVE
_HALF_LIVES: Final = (28.0, 3.0)
"""Of the long and of the recent baseline, in days."""
_FROZEN: Final = 7
"""Days that the long table stays as it is; at first it is made after 1, 2 and 4."""
_LEAST_POINTS: Final = 12
"""A recent table is not made anew before so many points, whatever their pace."""
_FULL: Final = 1e6
"""A weight above which all are divided, so that single precision counts well."""


class Baselines:
    """The baselines of all series of a host; `kinds` distances of each row.

    counts, tables: by baseline (long, recent), kind, row, bin. learnt: points that each
    row has learnt from.
    """

    def __init__(self, rows: int, kinds: int, per_day: int) -> None:
        self.counts: Singles = np.zeros((2, kinds, rows, BINS), "f4")
        self.tables: Singles = np.zeros((2, kinds, rows, BINS), "f4")
        self.learnt = np.zeros(rows, "i8")
        self._per_day = per_day
        self._hour = self._until_hour = max(_LEAST_POINTS, per_day // 24)
        halves = np.array(_HALF_LIVES)
        self._growth: Floats = 2 ** (1 / (halves * per_day))
        self._weights = np.ones(2)
        self._begin()

    def keep(self, rows: Sequence[int], new: int) -> None:
        """Keep these rows in this order, and add `new` ones that know nothing."""
        added = ((0, 0), (0, 0), (0, new), (0, 0))
        self.counts = np.pad(self.counts[:, :, list(rows)], added)
        self.tables = np.pad(self.tables[:, :, list(rows)], added)
        self.learnt = np.pad(self.learnt[list(rows)], (0, new))
        self._begin()

    def take_over(
        self, rows: Sequence[int], other: "Baselines", theirs: Sequence[int]
    ) -> None:
        """Let these rows know what `theirs` know of another host's baselines."""
        self.settle()
        other.settle()
        mine, its = list(rows), list(theirs)
        self.counts[:, :, mine] = other.counts[:, :, its]
        self.tables[:, :, mine] = other.tables[:, :, its]
        self.learnt[mine] = other.learnt[its]

    def places(self, distances: Floats) -> NDArray[np.int64]:
        """Return the bin of each distance (kind, row), for `surprise` and `learn`.

        A distance that is not known (NaN) has the place of none.
        """
        known = np.fmax(distances, _SMALLEST)
        octaves = (np.log2(known) + 40) * PER_OCTAVE
        places: NDArray[np.int64] = np.minimum(octaves, BINS - 1).astype("i8")
        places += self._base
        return places

    def surprise(self, places: NDArray[np.int64]) -> Floats:
        """Return -log10 of the tail probability at each place.

        Both baselines must find it rare: the smaller of the two counts.
        """
        found = self._flat_tables.take(places, axis=1)
        least: Floats = np.minimum(found[0], found[1])
        return least

    def learn(self, places: NDArray[np.int64], kept: Rows) -> None:
        """Count the places (kind, row) that are `kept`, and let the past fade."""
        self._weights *= self._growth
        at = places[kept]
        # Later points weigh more, which is the same as letting the earlier ones fade.
        self._flat_counts[0][at] += self._weights[0]
        self._flat_counts[1][at] += self._weights[1]
        self.learnt += kept[0]
        self._until_hour -= 1
        if self._until_hour <= 0:
            self._until_hour = self._hour
            self._refresh()

    def settle(self) -> None:
        """Bring all weights back to one, as they are kept."""
        self.counts /= self._weights.astype("f4")[:, None, None, None]
        self._weights = np.ones(2)

    def restore(
        self, counts: Singles, long: Singles, learnt: NDArray[np.int64]
    ) -> None:
        """Take up what was kept: settled counts, the long table, what was learnt."""
        self.counts, self.learnt = counts, learnt
        self.tables = np.stack([long, _tails(counts[1])])
        self._begin()

    def _begin(self) -> None:
        kinds, rows = self.counts.shape[1:3]
        self._base = np.arange(kinds * rows).reshape(kinds, rows) * BINS
        self._flat_counts = self.counts.reshape(2, -1)
        self._flat_tables = self.tables.reshape(2, -1)

    def _refresh(self) -> None:
        if self._weights.max() > _FULL:
            self.settle()
        weights = self._weights.astype("f4")
        self.tables[1] = _tails(self.counts[1] / weights[1])
        days, part = np.divmod(self.learnt, self._per_day)
        of_age = (days == 1) | (days == 2) | (days == 4) | (days % _FROZEN == 0)
        due = of_age & (days > 0) & (part < self._hour)
        if due.any():
            self.tables[0][:, due] = _tails(self.counts[0][:, due] / weights[0])


def _tails(counts: Singles) -> Singles:
    """Return -log10((n(>= bin) + 1) / (n + 1)) for each bin."""
    above = np.cumsum(counts[..., ::-1], axis=-1, dtype="f8")[..., ::-1]
    tails: Singles = -np.log10((above + 1) / (above[..., :1] + 1)).astype("f4")
    return tails
