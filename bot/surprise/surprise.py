"""Judges each minute's figures of one host by their own past, before learning from them.

The formula. Of series j at time t three distances count: |x - x'| from the point before,
|x - median of the three before|, and the distance from what is usual at this time, within
15 min, by the seven days before (`days.py`), so that what happens each night or each
week is no news, and one odd day changes nothing. Each has an empirical tail probability
in a long and in a recent baseline (`baselines.py`), of which the larger counts. In
logarithms, with s = -log10 p of each distance:

    s_j = min((s_before + s_median) / 2, s_days, 4)             p_j = 10 ** -s_j
    p   = P(Gamma >= mean of s_j over j and three minutes)      (`together.py`)

A change must thus be rare as a change and for this time of day. The cut at 4 keeps one
series from speaking for the host. Sources: tails of differences with a clipped mean were
the best of the simple methods in our own measurements (`make bench-detect`); combining
dependent tails is Brown's (1975).

Causal: a judgement rests on points before it only.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.surprise.baselines import Baselines, Floats, Rows
from bot.surprise.days import Days
from bot.surprise.together import Together

CUT: Final = 4.0
KINDS: Final = 3
"""Distances of each series: from the point before, from three, from other days."""
UNUSUAL: Final = 3.2e-4
"""The one limit, for every host and series; chosen on one group of labelled hosts."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What one minute's figures are worth.

    host: their tail probability together; None while it is learning. surprises: -log10
    of that of each row; NaN where there is nothing to compare with yet.
    """

    host: float | None
    surprises: Floats


class Surprise:
    """The state of one host: a row per series. per_day: points in a day.

    Time is counted in slots of one point each; a slot is judged once. last: the values of
    the three slots before.
    """

    def __init__(self, rows: int, per_day: int = 1440) -> None:
        self.per_day = per_day
        self.slot: int | None = None
        self.baselines = Baselines(rows, KINDS, per_day)
        self.days = Days(rows, per_day)
        self.together = Together(per_day)
        self.last = [np.full(rows, np.nan) for _ in range(3)]

    def keep(self, rows: Sequence[int], new: int) -> None:
        """Keep these rows in this order, and add `new` ones that know nothing."""
        self.baselines.keep(rows, new)
        self.days.keep(rows, new)
        nothing = np.full(new, np.nan)
        self.last = [np.concatenate([x[list(rows)], nothing]) for x in self.last]

    def take_over(
        self, rows: Sequence[int], other: "Surprise", theirs: Sequence[int]
    ) -> None:
        """Let these rows know what `theirs` know of another layer at the same slot.

        What the host's figures usually are together is taken too, if it is of longer.
        """
        self.baselines.take_over(rows, other.baselines, theirs)
        self.days.values[list(rows)] = other.days.values[list(theirs)]
        for mine, its in zip(self.last, other.last, strict=True):
            mine[list(rows)] = its[list(theirs)]
        self.together.take_over(other.together)

    def judge(
        self, slot: int, values: Floats, kept_out: Rows | None = None
    ) -> Judgement:
        """Judge one point of each series, then learn from it.

        values: NaN where there is none. kept_out: rows inside an open incident, which
        teach nothing. A slot that is not the next one begins the short memory anew; one
        that was passed already (a clock set back) forgets what it said of the future.
        """
        self._move_to(slot)
        kept = np.isfinite(values)
        if not kept.all():
            values = np.where(kept, values, np.nan)
        distances = self._distances(slot, values)
        known = np.isfinite(distances)
        places = self.baselines.places(distances)
        surprises = self._surprises(self.baselines.surprise(places), known)
        host = self._host(surprises)
        taught = known
        if kept_out is None or not kept_out.any():
            self.together.learn()
        else:
            kept = kept & ~kept_out
            taught = known & kept
        self.baselines.learn(places, taught)
        self.days.put(slot, values, kept)
        self.last = [values, *self.last[:2]]
        return Judgement(host, surprises)

    def _surprises(self, found: Floats, known: Rows) -> Floats:
        least = np.minimum((found[0] + found[1]) / 2, found[2])
        is_old = self.baselines.learnt >= self.per_day
        judged = known[0] & known[1] & known[2] & is_old
        return np.where(judged, np.minimum(least, CUT), np.nan)

    def _host(self, surprises: Floats) -> float | None:
        known = [one for one in surprises.tolist() if not math.isnan(one)]
        if not known:
            self.together.skip()
            return None
        return self.together.judge(sum(known) / len(known), len(known))

    def _distances(self, slot: int, values: Floats) -> Floats:
        one, two, three = self.last
        least, most = np.minimum(one, two), np.maximum(one, two)
        found = np.empty((KINDS, len(values)))
        found[0] = values - one
        found[1] = values - np.maximum(least, np.minimum(most, three))
        found[2] = self.days.distances(slot, values)
        distances: Floats = np.abs(found)
        return distances

    def _move_to(self, slot: int) -> None:
        before, self.slot = self.slot, slot
        if before is None or slot == before + 1:
            return
        self.last = [np.full_like(last, np.nan) for last in self.last]
        self.together.skip()
        self.days.blank(min(before + 1, slot), max(before, slot))
