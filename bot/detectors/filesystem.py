"""A file system is nearly full.

Unit: percent used as df(1) counts it: blocks kept for root are not free. Window: none,
it is an amount. Limits: at 85 % file systems fragment and clean-up jobs still have
time; at 95 % a day's logs may not fit (node-mixin warns at 80 and 90, Netdata at 80
and 90, both with more noise). It clears two points inside a limit, since disks are
freed in steps. One subject for each real file system, however often it is mounted.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from bot.durations import Duration
from bot.host import HostContext
from bot.levels import Levels, with_limit
from bot.model import Fact, Finding, Level, Limits
from bot.mounts import Filesystem
from bot.settings import DetectorSection
from bot.words import amount

INSIDE = 2.0
"""Percent points between a limit and where it clears."""


class FilesystemSection(DetectorSection):
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


class FilesystemDetector:
    """Measures how full each file system is."""

    name = "filesystem"
    Section = FilesystemSection

    def __init__(self, section: FilesystemSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._levels = Levels(section.limits())

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: every file system that can be written, and the watched ones.

        One that does not answer is UNKNOWN, and so is a watched one that is no
        longer mounted. Read-only ones count only while they are watched.
        """
        at = self._host.clock.now().wall
        try:
            found = {fs.name: fs for fs in self._host.sampler.filesystems()}
        except OSError:
            return [self._unknown(subject, at) for subject in sorted(watched)]
        subjects = {name for name, fs in found.items() if not fs.read_only}
        subjects |= set(watched)
        self._levels.keep(subjects)
        return [self._measure(s, found.get(s), at) for s in sorted(subjects)]

    def _measure(
        self, subject: str, filesystem: Filesystem | None, at: datetime
    ) -> Finding:
        unknown = self._unknown(subject, at)
        if filesystem is None or filesystem.used_percent is None:
            return unknown
        used = filesystem.used_percent
        level = self._levels.judge(subject, used)
        shown = with_limit(used, "%", self._levels.limits, level)
        left = amount(filesystem.free_bytes, "B")
        return replace(
            unknown,
            value=used,
            level=level,
            mount=subject,
            summary=f"{subject} is {amount(used, '%')} full, {left} are free.",
            facts=(
                Fact(label="Used", value=shown),
                Fact(
                    label="Free",
                    value=f"{left} of {amount(filesystem.total_bytes, 'B')}",
                ),
                Fact(label="Kind", value=filesystem.kind),
            ),
        )

    def _unknown(self, subject: str, at: datetime) -> Finding:
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject=subject,
            label=f"Disk {subject}",
            unit="%",
            value=None,
            limits=self._levels.limits,
            level=Level.UNKNOWN,
            summary=f"{subject} does not answer or is not mounted any more.",
            at=at,
            series=f"{self.name}/{subject}",
        )


DETECTOR = FilesystemDetector
