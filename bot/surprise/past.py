"""What was before the bot came, told by others: learnt beside the layer that lives.

Fed in the order of time through the very code that judges live points. Where the host's
own layer has a point already, that one counts. Only when both have come to the same slot
are the rows taken over, so no point is ever learnt after a later one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.surprise.baselines import Floats, Singles
from bot.surprise.surprise import Surprise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Young:
    """Rows of a layer that have learnt for less than a day. own: the points they know.

    slot: the last that was judged. names: of the series, in the order of the rows.
    """

    slot: int
    per_day: int
    names: tuple[str, ...]
    own: Singles

    def only(self, names: Sequence[str]) -> "Young":
        """Return the part that is about these."""
        rows = [self.names.index(name) for name in names]
        return Young(
            slot=self.slot,
            per_day=self.per_day,
            names=tuple(names),
            own=self.own[rows],
        )

    def at(self, slot: int) -> Singles:
        """Return the own point of each series at a slot; NaN where there is none."""
        width = self.own.shape[1]
        if not self.slot - width < slot <= self.slot:
            return np.full(len(self.names), np.nan, "f4")
        found: Singles = self.own[:, slot % width]
        return found


def young(layer: Surprise, names: Sequence[str]) -> Young | None:
    """Return what of a layer knows less than a day; None before its first judgement."""
    if layer.slot is None:
        return None
    known = layer.baselines.learnt.tolist()
    rows = [row for row, learnt in enumerate(known) if learnt < layer.per_day]
    return Young(
        slot=layer.slot,
        per_day=layer.per_day,
        names=tuple(names[row] for row in rows),
        own=layer.days.values[rows],
    )


class Past:
    """A layer of its own for what is young, until it is taken over."""

    def __init__(self, of: Young) -> None:
        self.names = of.names
        self._of = of
        self._layer = Surprise(len(of.names), of.per_day)

    def feed(
        self, first: int, told: Mapping[str, Mapping[int, float]], last: int
    ) -> None:
        """Learn the slots from `first` to `last`: what was told of each series."""
        for slot in range(first, last + 1):
            points = [told.get(name, {}).get(slot, np.nan) for name in self.names]
            own = self._of.at(slot)
            values = np.where(np.isfinite(own), own, points)
            # Before the first point of any there is nothing to move past.
            if self._layer.slot is not None or np.isfinite(values).any():
                self._layer.judge(slot, values)

    def hand_over(
        self, layer: Surprise, names: Sequence[str]
    ) -> tuple[str, ...] | None:
        """Let a layer's rows know what was learnt, if it is more; return which do.

        None where the layer is at another time by now, as its clock was set back or far
        ahead: what came before that is to be learnt anew.
        """
        slot = layer.slot
        if slot is None or not 0 <= slot - self._of.slot <= layer.days.width:
            return None
        self._follow(layer, slot, names)
        rows = {name: row for row, name in enumerate(names)}
        learnt, known = self._layer.baselines.learnt, layer.baselines.learnt
        pairs = [
            (rows[name], there)
            for there, name in enumerate(self.names)
            if name in rows and known[rows[name]] < min(learnt[there], layer.per_day)
        ]
        mine, theirs = [one for one, _ in pairs], [there for _, there in pairs]
        layer.take_over(mine, self._layer, theirs)
        return tuple(names[row] for row in mine)

    def _follow(self, layer: Surprise, until: int, names: Sequence[str]) -> None:
        """Learn what the layer has seen since."""
        rows = {name: row for row, name in enumerate(names)}
        for slot in range(self._of.slot + 1, until + 1):
            seen = layer.days.values[:, slot % layer.days.width]
            values: Floats = np.array(
                [seen[rows[n]] if n in rows else np.nan for n in self.names], "f8"
            )
            self._layer.judge(slot, values)
