"""How full file systems are, by one figure: space for one detector, inodes for another.

A mount that does not answer is unknown; of very many the fullest are told. One that the
bot may not look at (what containers keep for themselves) counts only while it is watched.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import nlargest
from typing import Annotated, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.host.mounts import Filesystem
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Limits
from bot.text.words import amount

INSIDE: Final = 2.0
"""Percent points between a limit and where it clears."""
MOST: Final = 20
"""So many file systems are told of in a round, the fullest first, and so many that give
no answer, beside the watched."""


class FullnessSection(DetectorSection):
    """Limits in percent used."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=30
    )
    for_: Duration = Field(default=timedelta(minutes=1), alias="for")
    warning: float = 85
    critical: float = 95

    def limits(self, *, above: bool = True) -> Limits:
        """Return the limits with a narrower band than other detectors have."""
        narrow = replace(
            super().limits(above=above),
            clear_warning=self.warning - INSIDE,
            clear_critical=self.critical - INSIDE,
        )
        if self.clear_warning is not None:
            narrow = replace(narrow, clear_warning=self.clear_warning)
        if self.clear_critical is not None:
            narrow = replace(narrow, clear_critical=self.clear_critical)
        return narrow


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """One figure of a file system: percent used, what is free in words, of how much."""

    percent: float
    free: str
    total: str


class Fullness:
    """Measures one figure of all file systems that can be written, and of the watched.

    used: takes the figure, None where there is none. what: what is counted, in a sentence
    ("of its inodes"); "" where it is the space, which also tells of what gives no answer.
    """

    def __init__(
        self,
        gauge: Gauge,
        host: HostContext,
        used: Callable[[Filesystem], Used | None],
        *,
        what: str = "",
    ) -> None:
        self._gauge = gauge
        self._host = host
        self._used = used
        self._what = what

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; a watched one that is no longer mounted is UNKNOWN.

        Read-only ones count only while they are watched.
        """
        at = self._host.clock.now().wall
        try:
            found = {fs.name: fs for fs in self._host.sampler.filesystems()}
        except OSError:
            return [self._unknown(subject, at) for subject in sorted(watched)]
        subjects = self._fullest(found) | self._silent(found) | set(watched)
        self._gauge.keep(subjects)
        return [self._measure(s, found.get(s), at) for s in sorted(subjects)]

    def _fullest(self, found: Mapping[str, Filesystem]) -> set[str]:
        percents = {
            name: used.percent
            for name, fs in found.items()
            if not fs.read_only and (used := self._used(fs))
        }
        return set(nlargest(MOST, percents, key=lambda name: percents[name]))

    def _silent(self, found: Mapping[str, Filesystem]) -> set[str]:
        """Return what gives no answer; it takes no place of what is full."""
        if self._what:
            return set()
        silent = (
            name
            for name, fs in found.items()
            if fs.total_bytes is None and not fs.is_refused
        )
        return set(sorted(silent)[:MOST])

    def _measure(
        self, subject: str, filesystem: Filesystem | None, at: datetime
    ) -> Finding:
        used = self._used(filesystem) if filesystem else None
        if filesystem is None or used is None:
            return self._unknown(subject, at)
        summary = self._summary(subject, used)
        found = self._gauge.finding(used.percent, summary, at, subject)
        shown = self._gauge.said(used.percent, found.level)
        return replace(
            found,
            label=f"{self._gauge.label} {subject}",
            mount=subject,
            facts=(
                Fact(label="Used", value=shown),
                Fact(label="Free", value=f"{used.free} of {used.total}"),
                Fact(label="Kind", value=filesystem.kind),
            ),
        )

    def _summary(self, subject: str, used: Used) -> str:
        shown = amount(used.percent, "%")
        if self._what:
            return f"{subject} has used {shown} {self._what}, {used.free} are free."
        return f"{subject} is {shown} full, {used.free} are free."

    def _unknown(self, subject: str, at: datetime) -> Finding:
        summary = f"{subject} does not answer or is not mounted any more."
        found = self._gauge.finding(None, summary, at, subject)
        return replace(found, label=f"{self._gauge.label} {subject}")
