"""From what the record tells to the figures of a report. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import fmean, median
from typing import Final

from bot.lore import FALSE_ALARM
from bot.model import REQUEST
from bot.quiet.unpaged import Why
from bot.report.figures import (
    CARRIED_OUT,
    Cause,
    Drop,
    Ending,
    Fate,
    Noise,
    Place,
    Stretch,
    Times,
)
from bot.report.past import Made, Past, Told
from remediation.ledger.proposal import UNDO, State
from remediation.verify import Verdict

CPU: Final = ("cpu", "runaway_process")
"""Conditions of the CPU that are measured in a share of it: of the host, of one core."""
_MOST_COLUMNS: Final = 62
_TOLD_BY_OTHERS: Final = ("alert", "prometheus")
_FATES: Final = {
    State.FAILED: Fate.FAILED,
    State.INTERRUPTED: Fate.INTERRUPTED,
    State.REFUSED: Fate.REFUSED,
    State.REJECTED: Fate.REJECTED,
    State.EXPIRED: Fate.EXPIRED,
    State.SUPERSEDED: Fate.SUPERSEDED,
}
_JUDGED: Final = {
    Verdict.RECOVERED: Fate.RECOVERED,
    Verdict.UNCHANGED: Fate.UNCHANGED,
    Verdict.WORSE: Fate.WORSE,
    Verdict.UNKNOWN: Fate.UNKNOWN,
}


def is_asked(told: Told) -> bool:
    """Say whether a person opened it by asking for an action."""
    return told.detector == REQUEST


def ending(told: Told, past: Past) -> Ending:
    """Say how it ended."""
    if told.resolved_at is None:
        return Ending.OPEN
    if told.resolution == FALSE_ALARM:
        return Ending.FALSE_ALARM
    helped = Fate.RECOVERED in fates_of(told, past)
    return Ending.BY_ACTION if helped else Ending.BY_ITSELF


def fates_of(told: Told, past: Past) -> Counter[Fate]:
    """Count what became of its actions. What puts one back is none of them."""
    return Counter(
        _fate(made, told)
        for made in past.made.get(told.number, ())
        if not _undoes(made)
    )


def undone(past: Past) -> int:
    """Count the actions that were put back."""
    made = (made for some in past.made.values() for made in some)
    return sum(_undoes(one) and one.state is State.DONE for one in made)


def acknowledged(past: Past) -> Times | None:
    """Return how long it took until a person did anything about it."""
    return _times(
        past.answered[told.number] - told.opened_at
        for told in past.incidents
        if told.number in past.answered and not is_asked(told)
    )


def decided(past: Past) -> Times | None:
    """Return how long proposals waited for a person's word."""
    return _times(
        made.decided_at - made.created_at
        for some in past.made.values()
        for made in some
        if made.decided_at is not None and not _undoes(made)
    )


def recovered(incidents: Iterable[Told]) -> Times | None:
    """Return how long it took from the card, or its last return, to the end."""
    return _times(
        told.resolved_at - told.last_opened
        for told in incidents
        if told.resolved_at is not None and told.resolution != FALSE_ALARM
    )


def causes(past: Past) -> tuple[Cause, ...]:
    """Return what went wrong where, the most frequent first."""
    found = Counter((_condition(told), told.service) for told in past.incidents)
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Cause(condition=condition, service=service, incidents=times)
        for (condition, service), times in ordered
    )


def noise(past: Past, unpaged: Mapping[Why, int], since: date | None) -> Noise:
    """Count what people heard; unpaged: what they did not hear, counted since a day."""
    own = [told for told in past.incidents if not is_asked(told)]
    return Noise(
        alerts=sum(told.alerts for told in own),
        incidents=len(own),
        expired=sum(Fate.EXPIRED in fates_of(told, past) for told in past.incidents),
        false_alarms=sum(told.resolution == FALSE_ALARM for told in own),
        unpaged=unpaged,
        unpaged_since=since,
    )


def drops(past: Past) -> tuple[Drop, ...]:
    """Return how much less of the CPU was used after an action, where it was measured."""
    found: dict[str, list[float]] = {name: [] for name in CPU}
    for told in past.incidents:
        for judged in told.judged.values():
            for measure in judged.measures:
                if measure.before is None or measure.after is None:
                    continue
                if measure.name in found:
                    found[measure.name].append(measure.before - measure.after)
    return tuple(
        Drop(of=name, mean=fmean(values), actions=len(values))
        for name, values in found.items()
        if values
    )


def places(past: Past, name_of: Callable[[Told], str]) -> tuple[Place, ...]:
    """Return the hosts or services by what happened there, the most first."""
    by_name: dict[str, list[Told]] = {}
    for told in past.incidents:
        if name_of(told):
            by_name.setdefault(name_of(told), []).append(told)
    ordered = sorted(by_name.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(_place(name, some, past) for name, some in ordered)


def stretches(
    past: Past, since: datetime, until: datetime
) -> tuple[tuple[Stretch, ...], int]:
    """Return the chart's columns and how many days (UTC) one has: one, or a week."""
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    days = 1 if (last - first).days < _MOST_COLUMNS else 7
    count = (last - first).days // days + 1
    columns: list[list[Told]] = [[] for _ in range(count)]
    for told in past.incidents:
        opened = told.opened_at.astimezone(UTC).date()
        columns[(opened - first).days // days].append(told)
    starts = (first + timedelta(days=days * n) for n in range(count))
    pairs = zip(starts, columns, strict=True)
    return tuple(_stretch(start, some, past) for start, some in pairs), days


def _stretch(start: date, incidents: Sequence[Told], past: Past) -> Stretch:
    took = recovered(incidents)
    return Stretch(
        start=start,
        endings=Counter(ending(told, past) for told in incidents),
        recover=took.median if took else None,
    )


def _place(name: str, incidents: Sequence[Told], past: Past) -> Place:
    fates = _summed(fates_of(told, past) for told in incidents)
    return Place(
        name=name,
        incidents=len(incidents),
        carried_out=sum(fates[fate] for fate in CARRIED_OUT),
        recovered=fates[Fate.RECOVERED],
        recover=recovered(incidents),
    )


def _summed(counts: Iterable[Mapping[Fate, int]]) -> Counter[Fate]:
    total = Counter[Fate]()
    for count in counts:
        total.update(count)
    return total


def _fate(made: Made, told: Told) -> Fate:
    if made.state is State.DONE:
        judged = told.judged.get(made.id)
        return _JUDGED[judged.verdict] if judged else Fate.UNJUDGED
    return _FATES.get(made.state, Fate.WAITING)


def _undoes(made: Made) -> bool:
    return made.rule == UNDO


def _condition(told: Told) -> str:
    if is_asked(told):
        return "asked for by a person"
    if told.is_storm:
        return "many at once"
    # What a rule or another system tells has a name of its own.
    if told.detector in _TOLD_BY_OTHERS:
        return told.label
    return told.detector.replace("_", " ")


def _times(spans: Iterable[timedelta]) -> Times | None:
    """Sum up; a clock that was set back in between makes no time negative."""
    found = [max(span.total_seconds(), 0.0) for span in spans]
    if not found:
        return None
    return Times(
        count=len(found),
        mean=timedelta(seconds=fmean(found)),
        median=timedelta(seconds=median(found)),
        worst=timedelta(seconds=max(found)),
    )
