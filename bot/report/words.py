"""A report in lines, each with its name: the same for a message, Home and an answer. Pure.

What nothing was measured of is not named, unless that it was none is the news.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from bot.quiet.unpaged import Why
from bot.report.figures import (
    CARRIED_OUT,
    Cause,
    Drop,
    Ending,
    Fate,
    Place,
    Report,
    Times,
)
from bot.text.words import seconds

Line = tuple[str, str]
"""What it is about, and what is said of it."""

_CAUSES: Final = 5
_PLACES: Final = 5
_DROPPED: Final = {
    "cpu": "points of the host's CPU",
    "runaway_process": "% of one core",
}
_SILENT: Final = {
    Why.BRIEF: "over before its time",
    Why.EXPECTED: "expected",
    Why.MUTED: "muted",
    Why.UNUSUAL: "only unusual",
}


def title(report: Report) -> str:
    """Name it by its span."""
    span = report.until - report.since
    is_days = span.days > 1 and not span % timedelta(days=1)
    return f"Report of the last {f'{span.days} days' if is_days else seconds(span)}"


def span(report: Report) -> str:
    """Say of which time it is."""
    return f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"


def lines(report: Report) -> list[Line]:
    """Return all of it."""
    return [
        ("Incidents", incidents(report)),
        *([("By cause", causes(report.causes))] if report.causes else []),
        *_times(report),
        ("Actions", actions(report)),
        *_cpu(report.drops),
        *([("Spared", _spared(report))] if report.recovered else []),
        ("Noise", noise(report)),
        ("Models", _money(report)),
        *([("Glass broken", _often(report.glass))] if report.glass else []),
        *([("Not read", _unread(report.unread))] if report.unread else []),
    ]


def incidents(report: Report) -> str:
    """Say how many there were and how they ended."""
    if not report.incidents:
        return "none was opened in this time"
    ends = [
        f"{count:,} {ending.value}"
        for ending in Ending
        if (count := report.endings.get(ending, 0))
    ]
    asked = [f"{report.asked:,} of them asked for by people"] if report.asked else []
    return f"{report.incidents:,}: {', '.join([*ends, *asked])}"


def causes(found: Sequence[Cause]) -> str:
    """Name the most frequent ones."""
    named = [f"{_cause(one)} {one.incidents:,}" for one in found[:_CAUSES]]
    rest = sum(one.incidents for one in found[_CAUSES:])
    return ", ".join([*named, *([f"others {rest:,}"] if rest else [])])


def actions(report: Report) -> str:
    """Say what became of them, and how many of those that were carried out helped."""
    if not any(report.fates.values()):
        return "none was proposed"
    if not report.carried_out:
        return f"none was carried out ({_fates(report, outside=True)})"
    rate = report.recovered / report.carried_out
    helped = f"{report.recovered:,} of {report.carried_out:,} carried out helped"
    undone = f"; {report.undone:,} put back" if report.undone else ""
    others = _fates(report, outside=True)
    return (
        f"{helped} ({rate:.0%}): {_fates(report, outside=False)}{undone}"
        f"{f'; not carried out: {others}' if others else ''}"
    )


def noise(report: Report) -> str:
    """Say what people heard and what they did not."""
    heard, parts = report.noise, list[str]()
    if heard.incidents:
        each = heard.alerts / heard.incidents
        parts.append(f"{each:.1f} alerts per incident")
    parts.append(f"{_counted(heard.expired, 'card')} expired")
    parts.append(_counted(heard.false_alarms, "false alarm"))
    return f"{', '.join(parts)}; {_unheard(report)}"


def place(found: Place) -> str:
    """Say what happened on a host or to a service."""
    said = _counted(found.incidents, "incident")
    if found.carried_out:
        said += (
            f", {found.recovered:,} of {_counted(found.carried_out, 'action')} helped"
        )
    if found.recover:
        said += f", recovered in {seconds(found.recover.median)}"
    return said


def places(found: Sequence[Place]) -> list[Line]:
    """Return the first ones, and how many more there are."""
    more = len(found) - _PLACES
    return [
        *((one.name, place(one)) for one in found[:_PLACES]),
        *([("", f"and {more:,} more")] if more > 0 else []),
    ]


def _times(report: Report) -> Iterator[Line]:
    for name, took in (
        ("Time to acknowledge", report.acknowledge),
        ("Time to decide", report.decide),
        ("Time to recover", report.recover),
    ):
        if took is not None:
            yield name, _took(took)
        elif report.incidents:
            yield name, "nothing to measure"


def _took(took: Times) -> str:
    if took.count == 1:
        return f"{seconds(took.worst)} (measured once)"
    return (
        f"{seconds(took.mean)} on average, median {seconds(took.median)}, "
        f"worst {seconds(took.worst)} ({took.count:,} measured)"
    )


def _cause(found: Cause) -> str:
    return f"{found.condition} of {found.service}" if found.service else found.condition


def _fates(report: Report, *, outside: bool) -> str:
    found = [
        f"{count:,} {fate.value}"
        for fate in Fate
        if (fate not in CARRIED_OUT) is outside and (count := report.fates.get(fate, 0))
    ]
    return ", ".join(found)


def _cpu(drops: Sequence[Drop]) -> Iterator[Line]:
    for drop in drops:
        over = _counted(drop.actions, "action")
        way = "less" if drop.mean >= 0 else "more"
        said = f"{abs(drop.mean):.0f} {_DROPPED[drop.of]} {way} after an action"
        yield "CPU", f"{said} on average ({over} measured)"


def _spared(report: Report) -> str:
    return (
        f"{seconds(report.saved)} of people's work, if each of the {report.recovered:,} "
        f"that helped spares {report.minutes_per_action} min (report.minutes_per_action)"
    )


def _unheard(report: Report) -> str:
    heard = report.noise
    since = heard.unpaged_since
    if since is None:
        return "what called nobody was not counted yet"
    total = sum(heard.unpaged.values())
    whys = ", ".join(
        f"{count:,} {_SILENT[why]}"
        for why in Why
        if (count := heard.unpaged.get(why, 0))
    )
    late = f", counted since {since}" if since > report.since.date() else ""
    return f"{total:,} called nobody" + (f" ({whys}{late})" if whys else late)


def _money(report: Report) -> str:
    money = report.money
    if not money.calls:
        return "nothing was spent"
    about = "" if money.all_known else "about "
    few = f"{money.dollars:.4f}" if 0 < money.dollars < 0.1 else f"{money.dollars:,.2f}"
    why = "" if money.all_known else ", prices partly assumed"
    return f"{about}${few} for {_counted(money.calls, 'call')}{why}"


def _often(times: int) -> str:
    return "once" if times == 1 else f"{times:,} times"


def _unread(count: int) -> str:
    return f"{count:,} older incidents: ask for a shorter time to see them"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
