"""Did it help? The same condition before and after, judged by numbers."""

from dataclasses import dataclass
from enum import StrEnum

NOTICEABLE = 0.1
"""A change of less than a tenth of the value before is no change."""


class Verdict(StrEnum):
    """Whether an action helped, as measured."""

    RECOVERED = "recovered"
    UNCHANGED = "unchanged"
    WORSE = "worse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One condition before and after an action, in its own unit.

    after is None when nothing was measured since. is_clear: whether the condition
    is inside its clear limit now. above: whether high values are the bad ones. name: of
    the condition, as whoever measures calls it.
    """

    before: float | None
    after: float | None
    is_clear: bool
    above: bool
    name: str = ""


def judge(measures: tuple[Measure, ...]) -> Verdict:
    """Return one verdict for all conditions of an incident.

    Missing data is never recovery; one condition that got worse makes it WORSE.
    """
    if not measures or any(measure.after is None for measure in measures):
        return Verdict.UNKNOWN
    if all(measure.is_clear for measure in measures):
        return Verdict.RECOVERED
    if any(_got_worse(measure) for measure in measures):
        return Verdict.WORSE
    return Verdict.UNCHANGED


def _got_worse(measure: Measure) -> bool:
    if measure.before is None or measure.after is None or measure.is_clear:
        return False
    change = measure.after - measure.before
    worse_by = change if measure.above else -change
    return worse_by > NOTICEABLE * max(abs(measure.before), 1.0)
