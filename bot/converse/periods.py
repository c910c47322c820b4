"""When somebody means: "last night", "yesterday", "for 6 h". Pure; all times are UTC."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

LONGEST: Final = timedelta(days=366)
_EVENING, _MORNING = time(18), time(8)
_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN: Final = re.compile(
    r"\b(\d{1,4})\s?(m|min|mins|minutes?|h|hours?|d|days?|w|weeks?)\b"
)
_ONE: Final = re.compile(r"\b(?:last|past|this)\s(hour|day|week|month)\b")
_NAMED: Final = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of time and what it is called. end is not part of it."""

    called: str
    start: datetime
    end: datetime


def span_in(words: str) -> timedelta | None:
    """Return the length of time that is named ("for 6 h", "last week"), if one is."""
    found = _SPAN.search(words)
    if found is not None:
        seconds = int(found[1]) * _UNITS[found[2][0]]
        return min(timedelta(seconds=seconds), LONGEST)
    one = _ONE.search(words)
    return _NAMED[one[1]] if one else None


def period_in(words: str, now: datetime) -> Period | None:
    """Return the stretch of time that is named, if one is; "the last 7 d" ends now.

    A night lasts from 18:00 to 08:00 UTC; during it, "last night" is the one that is on.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if re.search(r"\b(?:last|over|during the|this|to)\s?night\b|\bovernight\b", words):
        end = datetime.combine(now.date(), _MORNING, tzinfo=now.tzinfo)
        start = datetime.combine(
            now.date() - timedelta(days=1), _EVENING, tzinfo=now.tzinfo
        )
        return Period(called="last night", start=start, end=min(end, now))
    if "yesterday" in words:
        return Period(called="yesterday", start=today - timedelta(days=1), end=today)
    if re.search(r"\btoday\b|\bthis morning\b", words):
        return Period(called="today", start=today, end=now)
    span = span_in(words)
    if span is None:
        return None
    return Period(called=_called(span), start=now - span, end=now)


def _called(span: timedelta) -> str:
    if span < timedelta(hours=1):
        return f"in the last {span // timedelta(minutes=1)} min"
    if span < timedelta(days=2):
        return f"in the last {span // timedelta(hours=1)} h"
    return f"in the last {span.days} d"
