"""When a rule holds: weekly windows and freezes, by the wall clock of a time zone. Pure.

An instant is inside when the wall clock of the zone shows a time that is inside, or when
it lies between the first showing of the beginning and the last showing of the end. So an
hour that the clock shows twice in autumn is inside both times without a gap between, and
an hour that it leaves out in spring opens none.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days of the week as people write them; the index is `date.weekday()`."""

MIDNIGHT: Final = timedelta(0)
DAY: Final = timedelta(days=1)
_NEAR: Final = (-2, -1, 0, 1)
_ALL: Final = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Every week on these days, from one time of day to another.

    days: on which it begins; 0 is Monday. start, end: since midnight, at most a day; an
    end that is not after the start belongs to the next day.
    """

    zone: ZoneInfo
    days: frozenset[int] = _ALL
    start: timedelta = MIDNIGHT
    end: timedelta = DAY

    def covers(self, at: datetime) -> bool:
        """Say whether this instant (aware) is inside."""
        here = at.astimezone(self.zone).date()
        near = (here + n * DAY for n in _NEAR)
        return any(
            self._beginning(day).covers(at)
            for day in near
            if day.weekday() in self.days
        )

    def in_words(self) -> str:
        """Say when, for people: `fri 15:00-24:00 Europe/Berlin`."""
        named = ", ".join(DAYS[n] for n in sorted(self.days))
        days = "every day" if self.days == _ALL else named
        return f"{days} {_clock(self.start)}-{_clock(self.end)} {self.zone.key}"

    def _beginning(self, day: date) -> "Freeze":
        midnight = datetime.combine(day, time())
        over = DAY if self.end <= self.start else MIDNIGHT
        return Freeze(
            zone=self.zone,
            start=midnight + self.start,
            end=midnight + self.end + over,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Once, from one date and time to another.

    start, end: what the zone's wall clock shows, so without a zone of their own.
    """

    zone: ZoneInfo
    start: datetime
    end: datetime

    def covers(self, at: datetime) -> bool:
        """Say whether this instant (aware) is inside."""
        shown = at.astimezone(self.zone).replace(tzinfo=None)
        if self.start <= shown < self.end:
            return True
        return self._first(self.start) <= at < self._last(self.end)

    def is_over(self, at: datetime) -> bool:
        """Say whether it has ended and holds never again."""
        shown = at.astimezone(self.zone).replace(tzinfo=None)
        return self.end <= shown and self._last(self.end) <= at

    def in_words(self) -> str:
        """Say when, for people."""
        start, end = (f"{t:%Y-%m-%d %H:%M}" for t in (self.start, self.end))
        return f"{start} to {end} {self.zone.key}"

    def _first(self, shown: datetime) -> datetime:
        return shown.replace(tzinfo=self.zone, fold=0).astimezone(UTC)

    def _last(self, shown: datetime) -> datetime:
        return shown.replace(tzinfo=self.zone, fold=1).astimezone(UTC)


Time = Window | Freeze
"""When a rule holds."""


def _clock(since_midnight: timedelta) -> str:
    hours, minutes = divmod(int(since_midnight.total_seconds()) // 60, 60)
    return f"{hours:02}:{minutes:02}"
