"""What was usual before the bot came: learnt from Prometheus, beside all else.

Where a server scrapes this host's node_exporter, what it knows of our own figures
(`prometheus/figures.py`) goes through the layer's own code, the oldest first, and is then
taken over by the figures that know less than a day (`surprise/past.py`). Nobody waits for
it: each question has the server's deadline, each answer is six hours long at most, and
what failed goes on later where it stopped.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.measuring.habits import MINUTE, Habits
from bot.ports import Clock
from bot.prometheus.answer import QuestionRefused, Series, ServerSilent, finite
from bot.prometheus.figures import MOUNT, points_of_late, question, told_by
from bot.prometheus.server import Server
from remediation.printable import printable

if TYPE_CHECKING:
    from bot.surprise.past import Past, Young

log = logging.getLogger(__name__)

SETTLE: Final = timedelta(minutes=3)
"""By then every figure of the host was measured, and is known to be wanted."""
AGAIN: Final = timedelta(minutes=10)
"""How long a server that failed is left alone."""
_AT_ONCE: Final = timedelta(hours=6) // MINUTE
"""Points of a series in one answer."""
_PAUSE: Final = 0.02
"""Seconds between two questions, for others who ask the server."""
_FEWEST: Final = 9
"""Points of ten minutes; a figure of each minute needs one in it."""

Points = Mapping[str, Mapping[int, float]]
"""Of each series its points by slot, the minute that they are the mean of."""


@dataclass(slots=True)
class _Lesson:
    """What is being learnt. first, next: slots; `next` is the first not yet learnt."""

    young: "Young"
    past: "Past"
    first: int
    next: int


class WarmUp:
    """Learns from one server what one node_exporter told in the time `back`.

    instance: the label under which the server knows it. `step` runs in a thread of its
    own until `stop`.
    """

    def __init__(
        self,
        *,
        habits: Habits,
        server: Server,
        clock: Clock,
        instance: str,
        back: timedelta,
    ) -> None:
        self._habits = habits
        self._server = server
        self._clock = clock
        self._instance = instance
        self._back = back
        self._stopped = threading.Event()
        self._since, self._rest = clock.now(), SETTLE
        self._lesson: _Lesson | None = None
        self._taught: set[str] = set()
        self._trouble = ""

    def stop(self) -> None:
        """Let the step that runs come to its end."""
        self._stopped.set()

    def said(self) -> str:
        """Say how far it is, or what keeps it; "" when there is nothing to learn."""
        if self._trouble:
            return (
                f"surprise does not learn from Prometheus: {self._trouble}. It asks "
                f"again every {AGAIN // MINUTE} min"
            )
        lesson = self._lesson
        if lesson is None:
            return ""
        days = (lesson.next - lesson.first) * MINUTE // timedelta(days=1)
        whole = round(self._back / timedelta(days=1))
        return f"surprise learns from Prometheus: {days} of {whole} days"

    def step(self) -> None:
        """Learn what is wanted, unless it is too early or too soon after a failure."""
        now = self._clock.now()
        if now.since(self._since) < self._rest or self._stopped.is_set():
            return
        self._lesson = self._lesson or self._begun()
        if self._lesson is None:
            return
        try:
            self._go_on(self._lesson)
        except (ServerSilent, QuestionRefused) as error:
            self._leave_alone(f"{self._server.name}: {error}")

    def _begun(self) -> _Lesson | None:
        """Return what is wanted and can be told; None where there is nothing."""
        from bot.surprise.past import Past

        young = self._habits.young()
        if young is None:
            return None
        names = [n for n in young.names if told_by(n) and n not in self._taught]
        if not names:
            return None
        wanted = young.only(names)
        first = wanted.slot + 1 - self._back // MINUTE
        log.info("warm_up.begins series=%d back=%s", len(names), self._back)
        return _Lesson(wanted, Past(wanted), first, first)

    def _go_on(self, lesson: _Lesson) -> None:
        look(self._server, self._instance, self._clock.now().wall)
        while lesson.next <= lesson.young.slot:
            last = min(lesson.next + _AT_ONCE - 1, lesson.young.slot)
            told = self._told(lesson, last)
            if self._stopped.is_set():
                return
            lesson.past.feed(lesson.next, told, last)
            lesson.next = last + 1
            self._trouble = ""
        taken, self._lesson = self._habits.take_over(lesson.past), None
        if taken is None:
            log.warning("warm_up.anew: the clock was moved meanwhile")
            return
        log.info("warm_up.done series=%d of=%d", len(taken), len(lesson.young.names))
        # All of them: what the server does not know it is not asked for again.
        self._taught.update(lesson.young.names)

    def _told(self, lesson: _Lesson, last: int) -> Points:
        """Ask for the next slots until `last`, figure by figure."""
        told: dict[str, Mapping[int, float]] = {}
        for figure in sorted({told_by(name) for name in lesson.young.names}):
            if self._stopped.wait(_PAUSE):
                return told
            expr = question(figure, self._instance)
            # The figure of a minute is asked for at its end.
            since, until = _end_of(lesson.next), _end_of(last)
            for series in self._server.range(expr, since, until, MINUTE):
                told[_name(figure, series)] = _by_slot(series)
        return told

    def _leave_alone(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("warm_up.waits why=%r", trouble)
        self._trouble = trouble
        self._since, self._rest = self._clock.now(), AGAIN


def look(server: Server, instance: str, at: datetime | None) -> None:
    """Raise `QuestionRefused` where the server does not know the host well enough.

    at: until when; None is the server's now.
    """
    found = server.now(points_of_late(instance), at=at)
    points = max((sample.value for sample in found), default=0)
    if points >= _FEWEST:
        return
    has = f"{points:.0f} points of the last 10 min" if points else "nothing of late"
    raise QuestionRefused(
        f'it has {has} of a node_exporter with instance="{instance}", and one point a '
        "minute is needed. Give `instance` in `detectors.surprise.warm_up` as the "
        "server's label has it, and scrape it once a minute or more often"
    )


def _name(figure: str, series: Series) -> str:
    """Return what we call it: `filesystem//var`, as the detectors name their subjects."""
    mount = series.labels.get(MOUNT)
    return figure if mount is None else f"{figure}/{printable(mount)}"


def _end_of(slot: int) -> datetime:
    return datetime.fromtimestamp((slot + 1) * MINUTE.total_seconds(), UTC)


def _by_slot(series: Series) -> Mapping[int, float]:
    seconds = MINUTE.total_seconds()
    return {
        round(at.timestamp() / seconds) - 1: value
        for at, value in finite(series).points
    }
