"""A file system will be full, or without inodes, at its present pace.

Unit: hours until nothing is left; low is bad, a week or more counts as a week. Windows:
an hour and six hours, each a Theil-Sen slope (`bot/measuring/trend.py`), judged from a third of
them on; both must rise steadily, and the later of their answers counts. Limits: less than
40 % free and full within 24 h is a warning, less than 20 % free and within 4 h is critical
(node-mixin's NodeFilesystemSpaceFillingUp; its windows are six hours as well). No page for
a log that is rotated: a sawtooth is not steady, and what was as full within a day and
came down again is called full only when it is critical. A short burst is in one window
only. Culprits: none, since nobody counts who fills a file system; old files may be deleted.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Annotated, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.host.mounts import Filesystem
from bot.measuring.filling import Filling, Forecast
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level
from bot.text.words import amount, seconds

WEEK: Final = 168.0
FOLLOWED: Final = 100
"""Of so many figures the past is kept, those with the least room first."""
TOLD: Final = 20
"""So many are looked at closely in a round, beside the watched ones."""
INSIDE: Final = 4.0
"""Percent points above the least room within which what is told of stays told."""
_INODES: Final = "inodes:"


class ForecastSection(DetectorSection):
    """Limits in hours until it is full.

    short, long: the windows that must agree. warning_room, critical_room: percent free
    above which nothing is said, and nothing critical.
    """

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        minutes=1
    )
    for_: Duration = Field(default=timedelta(minutes=10), alias="for")
    keep_firing_for: Duration = timedelta(minutes=10)
    warning: float = 24
    critical: float = 4
    short: Duration = timedelta(hours=1)
    long: Duration = timedelta(hours=6)
    warning_room: Annotated[float, Field(gt=0, le=100)] = 40
    critical_room: Annotated[float, Field(gt=0, le=100)] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left of one thing that fills, in bytes or inodes (unit "")."""

    mount: str
    unit: str
    left: int
    whole: int

    @property
    def subject(self) -> str:
        """The mount point, for its inodes with a word before it."""
        return self.mount if self.unit else _INODES + self.mount

    @property
    def percent(self) -> float:
        """Percent of the whole that is left."""
        return 100 * self.left / self.whole

    def said(self, number: float) -> str:
        """Say a number of what fills."""
        return amount(number, self.unit) if self.unit else f"{number:,.0f} inodes"


class FilesystemForecast:
    """Measures how long each file system lasts."""

    name = "filesystem_forecast"
    Section = ForecastSection

    def __init__(self, section: ForecastSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Full in",
            unit="h",
            limits=section.limits(above=False),
        )
        self._followed: dict[str, Filling] = {}
        self._boot_id = ""

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: what will be full soon and the watched ones."""
        now = self._host.clock.now()
        try:
            filesystems = self._host.sampler.filesystems()
        except OSError:
            return [self._unknown(subject, now.wall) for subject in sorted(watched)]
        if now.boot_id != self._boot_id:
            self._boot_id = now.boot_id
            self._followed.clear()
        rooms = {r.subject: r for fs in filesystems for r in _rooms(fs)}
        self._follow(rooms, watched, now.boot)
        near = [
            subject
            for subject, filling in self._followed.items()
            if self._is_near(rooms[subject], is_watched=False) and filling.is_known
        ]
        looked = nsmallest(TOLD, near, key=lambda subject: rooms[subject].percent)
        subjects = set(looked) | set(watched)
        self._gauge.keep(subjects)
        found = [self._measure(s, rooms.get(s), now.wall) for s in sorted(subjects)]
        return [f for f in found if f.level is not Level.OK or f.subject in watched]

    def _follow(
        self, rooms: dict[str, Room], watched: Collection[str], at: float
    ) -> None:
        least = nsmallest(FOLLOWED, rooms, key=lambda subject: rooms[subject].percent)
        kept = set(least) | (set(watched) & set(rooms))
        short, long = self.section.short, self.section.long
        self._followed = {
            subject: self._followed.get(subject) or Filling(short, long)
            for subject in kept
        }
        for subject, filling in self._followed.items():
            filling.add(at, rooms[subject].left, rooms[subject].whole)

    def _is_near(self, room: Room, *, is_watched: bool) -> bool:
        return room.percent < self.section.warning_room + INSIDE * is_watched

    def _measure(self, subject: str, room: Room | None, at: datetime) -> Finding:
        filling = self._followed.get(subject)
        if room is None or filling is None or not filling.is_known:
            return self._unknown(subject, at)
        forecast = filling.forecast()
        hours = self._hours(room, forecast)
        if forecast is None or hours >= WEEK:
            summary = f"{_name(subject)} does not fill steadily."
            return self._found(hours, summary, at, subject)
        pace = f"{room.said(3600 * forecast.slope)} per hour"
        summary = f"{_name(subject)} will be full in {_span(hours)} at {pace}."
        found = self._found(hours, summary, at, subject)
        if found.level is Level.CRITICAL and room.percent >= self.section.critical_room:
            found = replace(found, level=Level.WARNING)
        return replace(found, facts=self._facts(found, room, forecast, pace))

    def _hours(self, room: Room, forecast: Forecast | None) -> float:
        """Return how long it lasts; a week where it does not fill, or only as usual."""
        section = self.section
        if forecast is None or not self._is_near(room, is_watched=True):
            return WEEK
        hours = min(forecast.latest, WEEK)
        is_short = hours <= section.critical and room.percent < section.critical_room
        return WEEK if forecast.returns and not is_short else hours

    def _found(self, hours: float, text: str, at: datetime, subject: str) -> Finding:
        found = self._gauge.finding(hours, text, at, subject)
        return self._named(found, subject.removeprefix(_INODES))

    def _facts(
        self, found: Finding, room: Room, forecast: Forecast, pace: str
    ) -> tuple[Fact, ...]:
        shown = self._gauge.said(found.value or 0.0, found.level)
        early, late = _span(forecast.earliest), _span(forecast.latest)
        left = f"{room.said(room.left)} of {room.said(room.whole)}"
        return (
            Fact(label="Full in", value=shown),
            Fact(label="Between", value=f"{early} and {late}"),
            Fact(label="Growth", value=pace),
            Fact(label="Free", value=f"{left} ({amount(room.percent, '%')})"),
        )

    def _unknown(self, subject: str, at: datetime) -> Finding:
        text = f"How fast {_name(subject)} fills is not known yet."
        return self._named(self._gauge.finding(None, text, at, subject), "")

    def _named(self, found: Finding, mount: str) -> Finding:
        is_inodes = found.subject.startswith(_INODES)
        return replace(
            found,
            label=f"Time until {_name(found.subject)} is full",
            mount=mount,
            runbook="inodes" if is_inodes else "",
            is_passing=True,
        )


def _rooms(filesystem: Filesystem) -> Iterator[Room]:
    """Return what of a file system can run out."""
    if filesystem.read_only:
        return
    left, whole = filesystem.free_bytes, filesystem.total_bytes
    if left is not None and whole:
        yield Room(mount=filesystem.name, unit="B", left=left, whole=whole)
    left, whole = filesystem.free_inodes, filesystem.inodes
    if left is not None and whole:
        yield Room(mount=filesystem.name, unit="", left=left, whole=whole)


def _span(hours: float) -> str:
    return seconds(timedelta(hours=min(hours, WEEK)))


def _name(subject: str) -> str:
    if subject.startswith(_INODES):
        return f"the table of inodes of {subject.removeprefix(_INODES)}"
    return subject


DETECTOR = FilesystemForecast
