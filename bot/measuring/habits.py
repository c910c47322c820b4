"""Once a minute: is what this host's figures do usual for them? Learnt over restarts.

Takes the minute's mean of every figure out of the history (`host/metrics.py`), has it judged
(`surprise/`), and shows the answer to whoever asks `look`. Figures that an open incident
is about teach nothing for six hours, or a long trouble would become what is usual. The
state is a row of the database, written every ten minutes and at the end; no click waits
for it. What others know of the time before is taken over (`warm_up.py`). The arithmetic
is imported at the first step (0.1 s).
"""

import json
import logging
import math
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, LargeBinary, String, Table, Text, delete, insert, select

from bot.host.metrics import History
from bot.host.unusual import Odd, Unusual, is_of_host
from bot.ports import Clock
from bot.storage import store
from bot.storage.database import Database
from remediation.ledger.tables import Instant

if TYPE_CHECKING:
    from bot.surprise.past import Past, Young
    from bot.surprise.surprise import Surprise

log = logging.getLogger(__name__)

MINUTE: Final = timedelta(minutes=1)
KEPT_OUT: Final = timedelta(hours=6)
"""How long a figure of an open incident teaches nothing; then it is what is usual."""
SAVED_EVERY: Final = timedelta(minutes=10)
MAX_SERIES: Final = 100
"""At 65 KB each; more are not judged."""
ODD: Final = 0.005
"""A figure that is rarer by itself is worth a line on a card. Of thirty figures one is so
by chance in about one minute of thirty: the tails are bounds, the truth is rarer."""
_RECENTLY: Final = 3
"""Minutes for which a figure stays odd: those that the judgement rests on."""
_GONE_AFTER: Final = 60
"""Minutes without a point after which a series makes room for another."""

habits = Table(
    "habits",
    store.metadata,
    Column("host", String(63), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("names", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
)


class Habits:
    """Owns the surprise layer of this host. pace: between two points.

    The layer belongs to whoever holds the lock; two threads step and take over.
    """

    def __init__(
        self,
        *,
        host: str,
        history: History,
        database: Database,
        clock: Clock,
        pace: timedelta = MINUTE,
    ) -> None:
        self._host = host
        self._history = history
        self._database = database
        self._clock = clock
        self._pace = pace
        self._lock = threading.RLock()
        self._layer: Surprise | None = None
        self._names: list[str] = []
        self._seen: dict[str, int] = {}
        self._rare: deque[Mapping[str, Odd]] = deque(maxlen=_RECENTLY)
        self._saved = clock.now()
        self._latest = Unusual()

    def look(self) -> Unusual:
        """Return the last judgement, if it is of the last minutes."""
        latest, now = self._latest, self._clock.now().wall
        too_old = latest.at is None or abs(now - latest.at) > 5 * self._pace
        return Unusual() if too_old else latest

    def step(self) -> None:
        """Judge the last whole minute, unless that was done."""
        now = self._clock.now()
        with self._lock:
            if self._layer is None:
                self._layer = self._take_up()
            layer = self._layer
            slot = int(now.wall.timestamp() // self._pace.total_seconds()) - 1
            if slot != layer.slot:
                self._judge(layer, slot, self._means(slot), now.wall)
            if now.since(self._saved) >= SAVED_EVERY:
                self.save()

    def forget(self) -> None:
        """Let the next step read what is kept: another bot may have learnt meanwhile."""
        with self._lock:
            self._layer, self._names, self._seen = None, [], {}
            self._rare.clear()
            self._saved = self._clock.now()

    def young(self) -> "Young | None":
        """Return the series of which less than a day is known; None before the first."""
        from bot.surprise.past import young

        with self._lock:
            return None if self._layer is None else young(self._layer, self._names)

    def take_over(self, past: "Past") -> Sequence[str] | None:
        """Know what was learnt of the time before, and keep it; return of which series.

        None where it is of another time than the clock's.
        """
        with self._lock:
            if self._layer is None:
                return None
            taken = past.hand_over(self._layer, self._names)
            self.save()
            return taken

    def save(self) -> None:
        """Write what was learnt, so that a restart does not forget it."""
        with self._lock:
            if self._layer is not None:
                self._save(self._layer)

    def _save(self, layer: "Surprise") -> None:
        from bot.surprise.frozen import frozen

        self._saved = self._clock.now()
        row = {
            "host": self._host,
            "at": self._saved.wall,
            "names": json.dumps(self._names),
            "state": frozen(layer),
        }
        with self._database.write() as tx:
            tx.execute(delete(habits).where(habits.c.host == self._host))
            tx.execute(insert(habits).values(row))

    def _take_up(self) -> "Surprise":
        """Return what was learnt before; nothing is begun where that cannot be read."""
        from bot.surprise.frozen import NotReadable, thawed
        from bot.surprise.surprise import Surprise

        anew = Surprise(0, round(timedelta(days=1) / self._pace))
        with self._database.read() as tx:
            kept = tx.execute(select(habits).where(habits.c.host == self._host)).first()
        if kept is None:
            return anew
        try:
            layer, names = thawed(kept.state), list(map(str, json.loads(kept.names)))
        except (NotReadable, ValueError) as error:
            log.warning("habits.forgotten why=%r", str(error))
            return anew
        if (len(layer.baselines.learnt), layer.per_day) != (len(names), anew.per_day):
            return anew
        self._names = names
        return layer

    def _means(self, slot: int) -> dict[str, float]:
        seconds = self._pace.total_seconds()
        begin = datetime.fromtimestamp(slot * seconds, UTC)
        end = begin + self._pace
        found = {}
        for series in self._history.names():
            if not is_of_host(series):
                continue
            points = [v for at, v in self._history.window(series, begin) if at < end]
            if points:
                found[series] = math.fsum(points) / len(points)
        return found

    def _judge(
        self, layer: "Surprise", slot: int, means: Mapping[str, float], now: datetime
    ) -> None:
        import numpy as np

        self._make_room(layer, means, slot)
        values = np.array([means.get(name, math.nan) for name in self._names], "f8")
        complained = self._complained(now)
        kept_out = np.array([name in complained for name in self._names], bool)
        judged = layer.judge(slot, values, kept_out)
        rare = {}
        for row in np.flatnonzero(judged.surprises >= -math.log10(ODD)).tolist():
            name = self._names[row]
            low, high = layer.days.usual(slot, row)
            rare[name] = Odd(
                series=name,
                unit=self._history.unit(name),
                now=means[name],
                low=low,
                high=high,
                tail=10 ** -float(judged.surprises[row]),
            )
        self._rare.append(rare)
        self._latest = Unusual(at=now, tail=judged.host, odd=self._odd())

    def _odd(self) -> tuple[Odd, ...]:
        rarest: dict[str, Odd] = {}
        for minute in self._rare:
            for name, odd in minute.items():
                before = rarest.get(name)
                # What is shown is its newest figure, with the worst it has been.
                tail = min(odd.tail, before.tail) if before else odd.tail
                rarest[name] = replace(odd, tail=tail)
        return tuple(sorted(rarest.values(), key=lambda odd: odd.tail))

    def _make_room(
        self, layer: "Surprise", means: Mapping[str, float], slot: int
    ) -> None:
        self._seen.update(dict.fromkeys(means, slot))
        known = set(self._names)
        new = [name for name in means if name not in known]
        if not new:
            return
        rows = list(range(len(self._names)))
        if len(rows) + len(new) > MAX_SERIES:
            rows = [r for r in rows if self._is_alive(self._names[r], slot)]
        new = new[: MAX_SERIES - len(rows)]
        if not new:
            return
        layer.keep(rows, len(new))
        self._names = [self._names[row] for row in rows] + new
        self._seen = {name: self._seen.get(name, slot) for name in self._names}

    def _is_alive(self, name: str, slot: int) -> bool:
        return slot - self._seen.setdefault(name, slot) < _GONE_AFTER

    def _complained(self, now: datetime) -> set[str]:
        """Return the series of open incidents of this host that are not too old."""
        with self._database.read() as tx:
            open_ = store.opened(tx)
        return {
            finding.series
            for incident in open_
            if now - incident.last_opened < KEPT_OUT
            for finding in incident.findings
            if finding.host == self._host
        }
