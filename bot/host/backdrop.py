"""What a chart is drawn against: the same hours yesterday, and what happened meanwhile.

In memory, as the history is, and bounded as it is. Prometheus tells both.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.host.metrics import MAX_SERIES, Point

Happening = tuple[datetime, str]
"""When, and what in a word or three."""
_MARKS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """yesterday: its course a day before, moved to today. happened: changes of its host."""

    yesterday: tuple[Point, ...] = ()
    happened: tuple[Happening, ...] = ()


class Backdrops:
    """The backdrops by the name of a series; safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Backdrop] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, series: str) -> Backdrop:
        """Return what is known; an empty one where nothing is."""
        with self._lock:
            return self._kept.get(series, Backdrop())

    def was(self, series: str, points: Sequence[Point]) -> None:
        """Keep its course of yesterday."""
        with self._lock:
            known = self._kept.pop(series, Backdrop())
            self._keep(series, replace(known, yesterday=tuple(points)))

    def happened(self, series: str, what: Sequence[Happening]) -> None:
        """Keep what changed on its host."""
        with self._lock:
            known = self._kept.pop(series, Backdrop())
            self._keep(series, replace(known, happened=tuple(sorted(what)[-_MARKS:])))

    def _keep(self, series: str, backdrop: Backdrop) -> None:
        self._kept[series] = backdrop
        if len(self._kept) > MAX_SERIES:
            self._kept.popitem(last=False)
