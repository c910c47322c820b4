"""Several questions to one server, a few at once, with one deadline for all of them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.ports import Clock
from bot.prometheus.answer import QuestionRefused, Sample, ServerSilent
from bot.prometheus.server import Server

_AT_ONCE: Final = 4
_SHORTEST: Final = timedelta(seconds=0.05)
"""Below it a question is not begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question. at: the time that it is asked about; None is the server's now."""

    expr: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Its answer. trouble: why there is none, fit for a card; "" where there is one.

    is_silent: the server said nothing at all.
    """

    samples: tuple[Sample, ...] = ()
    trouble: str = ""
    is_silent: bool = False


class Hurry:
    """Asks one server until `total` after it was made, and then nothing any more."""

    def __init__(self, server: Server, clock: Clock, *, total: timedelta) -> None:
        self._server = server
        self._clock = clock
        self._until = clock.now().boot + total.total_seconds()
        self._total = total

    def ask(self, questions: Sequence[Asked]) -> list[Told]:
        """Return the answers in the order of the questions; never raises."""
        if not questions:
            return []
        with ThreadPoolExecutor(min(_AT_ONCE, len(questions))) as pool:
            return list(pool.map(self._told, questions))

    def _told(self, question: Asked) -> Told:
        left = timedelta(seconds=self._until - self._clock.now().boot)
        if left < _SHORTEST:
            late = f"what was asked before took {self._total.total_seconds():g} s"
            return Told(trouble=late, is_silent=True)
        server = self._server.within(left)
        try:
            return Told(samples=server.now(question.expr, at=question.at))
        except ServerSilent as silent:
            return Told(trouble=str(silent), is_silent=True)
        except QuestionRefused as refused:
            return Told(trouble=str(refused))
