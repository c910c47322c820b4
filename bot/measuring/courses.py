"""How a figure of Prometheus came to pass its limit: its course before, for the chart."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.config.prometheus import Rule
from bot.host.backdrop import Backdrops
from bot.host.metrics import History, Point
from bot.measuring.series import host_of_server, subject_of
from bot.model import Finding
from bot.prometheus.answer import QuestionRefused, Series, ServerSilent, finite
from bot.prometheus.server import Server

BEFORE: Final = timedelta(minutes=20)
STEP: Final = timedelta(minutes=1)
POINTS: Final = BEFORE // STEP + 1
"""Each of them costs the server what the rule itself costs."""
DAY: Final = timedelta(days=1)
TOTAL: Final = timedelta(seconds=3)
"""For all courses of a round: its findings are told after them."""
_LEAST: Final = timedelta(seconds=0.1)
"""Below it nothing more is asked."""
AFTER: Final = timedelta(minutes=80)
"""How much of yesterday is fetched behind the onset: by then most charts are drawn."""
SLOW: Final = (BEFORE + AFTER) // (POINTS - 1)
"""Between two points of yesterday, so that it costs no more than the course before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """New findings of a rule. is_late: it began before the bot did."""

    found: Sequence[Finding]
    is_late: bool = False


class Courses:
    """Fetches courses, one question for all new findings of a rule and one for yesterday.

    here: what people call the bot's own host. step: between two points.
    """

    def __init__(
        self,
        history: History,
        backdrops: Backdrops,
        *,
        here: str,
        step: timedelta = STEP,
    ) -> None:
        self._history = history
        self._backdrops = backdrops
        self._here = here
        self._step = step

    def fetch(self, asked: Sequence[tuple[Rule, Server]], begun: Begun) -> None:
        """Fetch what led to each finding; without an answer the chart begins now.

        The first failure ends it, and so does `TOTAL`: the round waits for all of them.
        """
        until = time.monotonic() + TOTAL.total_seconds()
        for rule, server in asked:
            mine = [f for f in begun.found if f.subject.startswith(f"{rule.name}@")]
            left = timedelta(seconds=until - time.monotonic())
            if left < _LEAST:
                return
            try:
                if mine:
                    hasty = server.within(left / 2)
                    self._fetch(rule, hasty, mine, is_late=begun.is_late)
            except (ServerSilent, QuestionRefused):
                return

    def _fetch(
        self, rule: Rule, server: Server, found: Sequence[Finding], *, is_late: bool
    ) -> None:
        until = found[0].at
        wanted = {finding.subject: finding for finding in found}
        before, step = (BEFORE, self._step) if not is_late else (AFTER, SLOW)
        told = server.range(rule.expr, until - before, until, step)
        for finding, points in self._of(rule, server, wanted, told):
            for at, value in points:
                # Another clock may be ahead: what is later would be taken for newer.
                if at < until:
                    self._history.append(finding.series, at, value, finding.unit)
        since = until - DAY - before
        told = server.range(rule.expr, since, until - DAY + AFTER, SLOW)
        for finding, points in self._of(rule, server, wanted, told):
            moved = [(at + DAY, value) for at, value in points]
            self._backdrops.was(finding.series, moved)

    def _of(
        self,
        rule: Rule,
        server: Server,
        wanted: Mapping[str, Finding],
        told: Sequence[Series],
    ) -> Iterator[tuple[Finding, tuple[Point, ...]]]:
        otherwise = host_of_server(server.address, here=self._here)
        for series in told:
            subject = subject_of(rule, series.labels, otherwise=otherwise)
            finding = wanted.get(str(subject))
            if finding is not None:
                yield finding, finite(series).points
