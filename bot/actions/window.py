"""How long an action's effect is measured before it is judged. Pure.

A figure over the last five minutes shows five minutes late that all is well: so the
window of a rule's condition is never shorter than what its expression looks back on.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from bot.alerts.alert_findings import DETECTOR as ALERT
from bot.config.prometheus import Rule
from bot.measuring.series import DETECTOR, Subject
from bot.model import Finding, Incident

LONGEST: Final = timedelta(hours=1)
"""For an expression over days nobody waits that long for a verdict."""
_ROUNDS: Final = 2
_FADES: Final = 2
"""A mean that fades is below a seventh of what it was after twice its time."""
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`|#[^\n]*')
_RANGE: Final = re.compile(r"\[\s*((?:\d+(?:ms|[smhdwy]))+)\s*(?::[^\]]*)?\]")
_PART: Final = re.compile(r"(\d+)(ms|[smhdwy])")
# https://prometheus.io/docs/prometheus/latest/querying/basics/#time-durations
_SECONDS: Final = {
    "ms": 0.001,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86_400,
    "w": 604_800,
    "y": 31_536_000,
}


class Window:
    """The configured window, but two rounds at least, and what a rule looks back on.

    intervals: of the detectors, by name. settle: for how long a told alert is measured,
    whose end is told late.
    """

    def __init__(
        self,
        window: timedelta,
        intervals: Mapping[str, timedelta],
        rules: Sequence[Rule] = (),
        *,
        settle: timedelta = timedelta(0),
    ) -> None:
        self._window = window
        self._intervals = intervals
        self._settle = settle
        self._ranges = {rule.name: longest_range(rule.expr) for rule in rules}

    def __call__(self, incident: Incident) -> timedelta:
        """Return the span for this incident."""
        return max(self._window, *map(self._needed, incident.findings))

    def _needed(self, finding: Finding) -> timedelta:
        rounds = _ROUNDS * self._intervals.get(finding.detector, timedelta(0))
        if finding.detector == ALERT:
            return max(rounds, self._settle)
        if finding.detector != DETECTOR:
            return rounds + _FADES * finding.looks_back
        name = Subject.of(finding.subject).name
        return rounds + self._ranges.get(name, timedelta(0))


def longest_range(expr: str) -> timedelta:
    """Return the longest time that a range of the expression reaches back, an hour at most.

    >>> longest_range("rate(x[5m]) / max_over_time(rate(y[1m])[1h:])")
    datetime.timedelta(seconds=3600)
    """
    plain = _STRING.sub("", expr)
    found = (_seconds(range_) for range_ in _RANGE.findall(plain))
    return timedelta(seconds=min(max(found, default=0), LONGEST.total_seconds()))


def _seconds(text: str) -> float:
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
