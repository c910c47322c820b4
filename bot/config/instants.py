"""Instants as people write them: `Fri 17:00`, `2026-12-24 12:00`, with a zone or without."""

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from remediation.rules.calendar import DAYS

_WEEKLY = re.compile(r"(?i)([a-z]{3})[a-z]* (\d{1,2}:\d\d)(?: (\S+))?")
_DATED = re.compile(r"(20\d\d-\d\d-\d\d)[ T](\d\d:\d\d)(?: (\S+))?")
_EXPECTED = (
    'an instant is written like "Fri 17:00" or "2026-12-24 12:00", '
    "with a zone behind it where it is not the rules' own"
)


def parse_instant(text: str, *, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the aware instant; of a day of the week the next one that is not past.

    zone: where none is said. Raises `ValueError` that says what was expected.
    """
    if found := _WEEKLY.fullmatch(text.strip()):
        return _weekly(found[1], found[2], now.astimezone(_zone(found[3], zone)))
    if found := _DATED.fullmatch(text.strip()):
        shown = _shown(f"{found[1]} {found[2]}")
        return shown.replace(tzinfo=_zone(found[3], zone))
    raise ValueError(_EXPECTED)


def _weekly(day: str, clock: str, here: datetime) -> datetime:
    if day.lower() not in DAYS:
        raise ValueError(_EXPECTED)
    ahead = (DAYS.index(day.lower()) - here.weekday()) % 7
    hours, minutes = map(int, clock.split(":"))
    if hours > 23 or minutes > 59:
        raise ValueError(_EXPECTED)
    then = time(hours, minutes, tzinfo=here.tzinfo)
    found = datetime.combine(here.date() + timedelta(days=ahead), then)
    return found if found >= here else found + timedelta(days=7)


def _shown(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(_EXPECTED) from error


def _zone(name: str | None, otherwise: ZoneInfo) -> ZoneInfo:
    if name is None:
        return otherwise
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"this machine knows no time zone {name}") from error
