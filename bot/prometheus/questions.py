"""One round of questions: every rule asked of its server, a few at once.

A server that gives no answer to the first of them, nor to the simplest, is not asked the
others: so a round ends within a few timeouts of a dead server, however many rules ask it.
"""

import math
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from bot.config.prometheus import Rule
from bot.ports import Clock
from bot.prometheus.answer import QuestionRefused, Sample, ServerSilent
from bot.prometheus.server import Server, load

_AT_ONCE: Final = 4
_TIRED: Final = "the questions before it got no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one rule gave. trouble: why it gave no figure, "" where it did.

    is_silent: its server gave no answer at all. is_answered: it gave one, though empty.
    spent: seconds until it was there.
    """

    rule: Rule
    server: Server
    samples: Sequence[Sample] = ()
    trouble: str = ""
    is_silent: bool = False
    is_answered: bool = False
    spent: float = 0.0

    def is_cheap(self, times: int) -> bool:
        """Say whether the server can give so many of it within the time for one."""
        return self.spent * times < self.server.section.timeout.total_seconds()


class Questions:
    """Asks the rules, in their order."""

    def __init__(self, rules: Sequence[tuple[Rule, Server]], clock: Clock) -> None:
        self._rules = rules
        self._clock = clock

    def ask(self) -> list[Outcome]:
        """Ask each once; no failure of one keeps another from its answer."""
        if not self._rules:
            return []
        load()
        begun = _Round(self._clock)
        with ThreadPoolExecutor(min(_AT_ONCE, len(self._rules))) as pool:
            return list(pool.map(begun.ask, self._rules))


class _Round:
    """What is known of the servers while one round lasts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silences: Counter[str] = Counter()
        self._alive: dict[str, bool] = {}
        self._lock = threading.Lock()

    def ask(self, pair: tuple[Rule, Server]) -> Outcome:
        rule, server = pair
        if self._silences[server.name] >= _AT_ONCE and not self._is_alive(server):
            return Outcome(rule=rule, server=server, trouble=_TIRED, is_silent=True)
        outcome = self._asked(rule, server)
        self._silences[server.name] += outcome.is_silent
        return outcome

    def _is_alive(self, server: Server) -> bool:
        """Say whether it answers the simplest question; asked once a round."""
        with self._lock:
            if server.name not in self._alive:
                try:
                    server.now("vector(1)")
                except (ServerSilent, QuestionRefused) as error:
                    self._alive[server.name] = isinstance(error, QuestionRefused)
                else:
                    self._alive[server.name] = True
            return self._alive[server.name]

    def _asked(self, rule: Rule, server: Server) -> Outcome:
        began = self._clock.now().boot
        made = Outcome(rule=rule, server=server)
        try:
            answer = server.now(rule.expr)
        except ServerSilent as silent:
            return replace(made, trouble=str(silent), is_silent=True)
        except QuestionRefused as refused:
            return replace(made, trouble=str(refused))
        spent = self._clock.now().boot - began
        # As in PromQL's own comparisons, what is no number passes no limit.
        samples = [s for s in answer if math.isfinite(s.value)]
        nothing = not samples and rule.missing == "unknown"
        trouble = "it has no series with a number" if nothing else ""
        return replace(
            made, samples=samples, trouble=trouble, is_answered=True, spent=spent
        )
