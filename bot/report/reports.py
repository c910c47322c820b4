"""Makes reports: reads the record, counts, and has the picture drawn."""

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Final

from bot.config.durations import parse_duration
from bot.config.report import ReportSection
from bot.llm import costs
from bot.quiet import unpaged
from bot.report import reckon
from bot.report.figures import Ending, Fate, Report
from bot.report.past import past
from bot.report.picture import picture
from bot.storage.record import Record
from remediation.moment import Moment

WEEK: Final = timedelta(days=7)
SHORTEST: Final = timedelta(days=1)
LONGEST: Final = timedelta(days=366)
_FRESH: Final = timedelta(minutes=1)
_AT_ONCE: Final = 2


class NotReported(Exception):
    """There is no report; its text says why, in words for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A report of the last week, and when it was made."""

    report: Report
    at: Moment


def span_of(words: tuple[str, ...]) -> timedelta:
    """Read how far a report looks back, a week where nothing is said.

    Raises `NotReported`.
    """
    try:
        span = parse_duration(words[0]) if words else WEEK
    except ValueError:
        span = timedelta(0)
    if words[1:] or not SHORTEST <= span <= LONGEST:
        raise NotReported(
            f"A report looks back between {SHORTEST.days}d and {LONGEST.days}d: say it "
            "like *report 7d*."
        )
    return span


class Reports:
    """Makes them, two at once: nobody's curiosity takes the time of clicks."""

    def __init__(self, *, record: Record, section: ReportSection) -> None:
        self._database = record.database
        self._clock = record.clock
        self.section = section
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        self._one = threading.Lock()
        self._kept: _Kept | None = None

    def of(self, span: timedelta) -> Report:
        """Return the report of the time until now; raise `NotReported` while two run."""
        if not self._room.acquire(blocking=False):
            raise NotReported("Two reports are being made. Ask again in a moment.")
        try:
            return self._made(span)
        finally:
            self._room.release()

    def week(self) -> Report:
        """Return the last week's for a glance: at most a minute old."""
        now = self._clock.now()
        with self._one:
            kept = self._kept
            if kept is None or not timedelta(0) <= now.since(kept.at) < _FRESH:
                self._kept = kept = _Kept(report=self._made(WEEK), at=now)
        return kept.report

    def drawn(self, report: Report) -> bytes | None:
        """Return the chart; None where nothing happened."""
        return picture(report) if report.incidents else None

    def _made(self, span: timedelta) -> Report:
        until = self._clock.now().wall
        since = until - span
        with self._database.read() as tx:
            found = past(tx, since, until)
            days = since.astimezone(UTC).date(), until.astimezone(UTC).date()
            silent = unpaged.counted(tx, *days)
            first = unpaged.counted_since(tx)
            money = costs.between(tx, since, until)
        fates = [reckon.fates_of(told, found) for told in found.incidents]
        columns, per = reckon.stretches(found, since, until)
        return Report(
            since=since,
            until=until,
            incidents=len(found.incidents),
            unread=found.unread,
            asked=sum(map(reckon.is_asked, found.incidents)),
            endings=Counter[Ending](
                reckon.ending(told, found) for told in found.incidents
            ),
            causes=reckon.causes(found),
            acknowledge=reckon.acknowledged(found),
            decide=reckon.decided(found),
            recover=reckon.recovered(found.incidents),
            fates=sum(fates, Counter[Fate]()),
            undone=reckon.undone(found),
            glass=found.glass,
            noise=reckon.noise(found, silent, first),
            money=money,
            drops=reckon.drops(found),
            minutes_per_action=self.section.minutes_per_action,
            hosts=reckon.places(found, lambda told: told.host),
            services=reckon.places(found, lambda told: told.service),
            stretches=columns,
            days=per,
        )
