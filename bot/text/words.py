"""How figures, spans and titles are said to people; the same everywhere."""

from collections.abc import Sequence
from datetime import timedelta

from bot.model import Finding, Incident, Level

_STEPS = ("B", "KB", "MB", "GB", "TB", "PB")
_EACH = 3
_NAMED = 12


def amount(value: float | None, unit: str) -> str:
    """Say a value with its unit, as precisely as a person needs it.

    >>> amount(97.6, "%"), amount(2_500_000_000, "B"), amount(None, "%")
    ('98 %', '2.5 GB', 'no data')
    """
    if value is None:
        return "no data"
    if unit in ("B", "bytes"):
        return _bytes(value)
    shown = (
        f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"
    )
    return f"{shown} {unit}".strip()


def _bytes(value: float) -> str:
    step = 0
    while abs(value) >= 1000 and step < len(_STEPS) - 1:
        value, step = value / 1000, step + 1
    return (
        f"{value:.0f} {_STEPS[step]}"
        if value >= 10 or not step
        else f"{value:.1f} {_STEPS[step]}"
    )


def seconds(span: timedelta) -> str:
    """Say a span in at most two units: `under 1 s`, `41 s`, `2 h 5 min`, `3 d 4 h`."""
    total = int(span.total_seconds())
    if total < 1:
        return "under 1 s"
    for size, name, below, small in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if total >= size:
            rest = total % size // below
            return f"{total // size} {name}" + (f" {rest} {small}" if rest else "")
    return f"{total} s"


def measured(finding: Finding) -> str:
    """Say what a finding measured: its own words where it has some, else the figure."""
    return finding.shown or amount(finding.value, finding.unit)


def figures(before: Sequence[Finding], after: Sequence[Finding | None]) -> str:
    """Say what was measured before and after: `CPU 98 % → 6 %`; three at most."""
    pairs = [
        f"{old.label} {measured(old)} → {measured(new) if new else 'no data'}"
        for old, new in zip(before, after, strict=True)
    ]
    more = f" and {len(pairs) - 3} more" if pairs[3:] else ""
    return ", ".join(pairs[:3]) + more


def level_word(level: Level) -> str:
    """Return the level as a person says it."""
    return "no data" if level is Level.UNKNOWN else level.value


def joined_in_words(findings: Sequence[Finding]) -> Sequence[str]:
    """Say what joined an incident, a line for each; of many at once one line for all."""
    if len(findings) <= _EACH:
        return [finding.summary for finding in findings]
    named = ", ".join(f"{f.label} on {f.host}" for f in findings[:_NAMED])
    others = len(findings) - _NAMED
    more = f" and {others} others" if others > 0 else ""
    return [f"{len(findings)} more: {named}{more}"]


def title_of(findings: Sequence[Finding], *, storm: bool) -> str:
    """Name an incident: what and where, short enough for a header (150 characters)."""
    lead = findings[0]
    if storm and len(findings) == 1:
        return f"More alerts: {lead.label} {measured(lead)} on {lead.host}"
    hosts = len({finding.host for finding in findings})
    count = sum(finding.stands_for for finding in findings)
    if storm and hosts > 1 and len({finding.label for finding in findings}) == 1:
        many = count > len(findings)
        return (
            f"{lead.label} {count:,} times"
            if many
            else f"{lead.label} on {hosts} hosts"
        )
    if storm:
        others = hosts - 1
        more = "1 other host" if others == 1 else f"{others} other hosts"
        where = f"{lead.host} and {more}" if others else lead.host
        return f"{count:,} conditions at once on {where}"
    if lead.level is Level.UNKNOWN:
        return f"No data for {lead.label} on {lead.host}"
    return f"{lead.label} {measured(lead)} on {lead.host}"


def end_in_words(incident: Incident) -> str:
    """Say how it went away: in the words of what is told in words and not in figures."""
    told = (f.summary for f in incident.findings if f.value is None or f.shown)
    said = next(told, "")
    if not said:
        return "it is clear again by itself"
    return f"{said[0].lower()}{said[1:].rstrip('.')}"
