"""How a figure of Prometheus came to pass its limit: its course before, for the chart."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.metrics import History
from bot.model import Finding
from bot.prometheus.answer import QuestionRefused, Series, ServerSilent
from bot.prometheus.server import Server
from bot.prometheus_section import Rule
from bot.series import host_of_server, subject_of

BEFORE: Final = timedelta(minutes=20)
STEP: Final = timedelta(minutes=1)
POINTS: Final = BEFORE // STEP + 1
"""Each of them costs the server what the rule itself costs."""


class Courses:
    """Fetches courses into the history, one question for all new findings of a rule.

    here: what people call the bot's own host. step: between two points.
    """

    def __init__(self, history: History, *, here: str, step: timedelta = STEP) -> None:
        self._history = history
        self._here = here
        self._step = step

    def fetch(
        self, asked: Sequence[tuple[Rule, Server]], found: Sequence[Finding]
    ) -> None:
        """Fetch what led to each finding; without an answer the chart begins now.

        The first failure ends it: a round does not wait for several of them.
        """
        for rule, server in asked:
            mine = [f for f in found if f.subject.startswith(f"{rule.name}@")]
            if mine and not self._fetch(rule, server, mine):
                return

    def _fetch(self, rule: Rule, server: Server, found: Sequence[Finding]) -> bool:
        until = found[0].at
        since = until - BEFORE
        try:
            told = server.range(rule.expr, since, until, self._step)
        except (ServerSilent, QuestionRefused):
            return False
        otherwise = host_of_server(server.address, here=self._here)
        wanted = {finding.subject: finding for finding in found}
        for series in told:
            subject = subject_of(rule, series.labels, otherwise=otherwise)
            finding = wanted.get(str(subject))
            if finding is not None:
                self._keep(finding, series, until)
        return True

    def _keep(self, finding: Finding, series: Series, until: datetime) -> None:
        for at, value in _numbers(series.points):
            # Another clock may be ahead: what is later would be taken for newer.
            if at < until:
                self._history.append(finding.series, at, value, finding.unit)


def _numbers(
    points: Iterable[tuple[datetime, float]],
) -> Iterable[tuple[datetime, float]]:
    return ((at, value) for at, value in points if math.isfinite(value))
