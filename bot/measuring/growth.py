"""The resident memory of every process over the last while, and which of them grow.

Eight bytes per process and round: 3,000 processes over sixty rounds are 1.5 MB. Whether it
is worth looking at all of them is told by the host's own figure (`Rise`).
"""

from array import array
from collections import deque
from datetime import timedelta
from typing import Final

from bot.host.host import HostSampler, ProcessScan
from bot.host.procfs import Key
from bot.measuring.trend import Trend, trend
from remediation.moment import Moment
from remediation.target.procfs import PAGE_BYTES

RECENT: Final = 12
"""The newest part of a window, its twelfth."""
MOST: Final = 20
"""So many of those that grew are looked at in a round, the largest first."""


class Rise:
    """By how much the floor of one figure of the host has risen within a window.

    The floor is the least of the last twelfth of it: what comes and goes raises no floor.
    interval: between two rounds; after a longer pause it begins anew.
    """

    def __init__(self, window: timedelta, interval: timedelta) -> None:
        self._window = window.total_seconds()
        self._longest = 10 * interval.total_seconds()
        self._boot_id = ""
        self._points: deque[tuple[float, float]] = deque()

    def add(self, at: Moment, value: float) -> float:
        """Take in one figure; return the rise in its unit, 0 where nothing is known."""
        last = self._points[-1][0] if self._points else at.boot
        if at.boot_id != self._boot_id or not 0 <= at.boot - last <= self._longest:
            self._points.clear()
        self._boot_id = at.boot_id
        self._points.append((at.boot, value))
        while at.boot - self._points[0][0] > self._window:
            self._points.popleft()
        since = at.boot - self._window / RECENT
        floor = min(known for then, known in self._points if then >= since)
        return floor - min(known for _, known in self._points)


class Growth:
    """Follows the memory of all processes.

    window: how far back. interval: between two scans. least_bytes: growth in the
    window below which nothing is looked at. Judged from a third of the window on.
    """

    def __init__(
        self,
        sampler: HostSampler,
        *,
        window: timedelta,
        interval: timedelta,
        least_bytes: int,
    ) -> None:
        self._sampler = sampler
        self._window = window.total_seconds()
        self._longest = 10 * interval.total_seconds()
        self._least_pages = least_bytes / PAGE_BYTES
        self._boot_id = ""
        # One time per scan; each process has a page count for the last ones of them.
        self._times: deque[float] = deque()
        self._pages: dict[Key, array[int]] = {}

    def add(self, scan: ProcessScan) -> None:
        """Take in one scan. After a reboot or a long gap everything begins anew."""
        at = scan.at.boot
        if self._times and not self._continues(scan):
            self._times.clear()
            self._pages.clear()
        if self._times and at <= self._times[-1]:
            return
        self._boot_id = scan.at.boot_id
        self._times.append(at)
        while at - self._times[0] > self._window:
            self._times.popleft()
        self._pages = {
            key: self._extended(key, row.rss_pages) for key, row in scan.rows.items()
        }

    def knows(self, key: Key) -> bool:
        """Say whether the process has been followed for long enough to be judged."""
        points = len(self._pages.get(key, ()))
        if points < 3:
            return False
        return self._times[-1] - self._times[-points] >= self._window / 3

    def trends(self) -> dict[Key, Trend]:
        """Return the trends, in bytes per second, of those that grow steadily."""
        grown = [k for k in self._pages if self._has_grown(k) and self.knows(k)]
        grown.sort(key=self._grown_pages, reverse=True)
        found = ((key, self._trend(key)) for key in grown[:MOST])
        return {key: its for key, its in found if its.grows and self._is_own(key)}

    def _continues(self, scan: ProcessScan) -> bool:
        gap = scan.at.boot - self._times[-1]
        return scan.at.boot_id == self._boot_id and 0 <= gap <= self._longest

    def _extended(self, key: Key, pages: int) -> "array[int]":
        known = self._pages.get(key) or array("Q")
        known.append(pages)
        del known[: -len(self._times)]
        return known

    def _has_grown(self, key: Key) -> bool:
        return self._grown_pages(key) >= self._least_pages

    def _grown_pages(self, key: Key) -> int:
        known = self._pages[key]
        return known[-1] - known[0]

    def _is_own(self, key: Key) -> bool:
        """Say whether what was gained is anonymous memory, not files being read."""
        anonymous = self._sampler.anonymous_bytes(key[0])
        gained = self._grown_pages(key) * PAGE_BYTES
        return anonymous is None or anonymous >= gained / 2

    def _trend(self, key: Key) -> Trend:
        known = self._pages[key]
        times = list(self._times)[-len(known) :]
        return trend([(t, p * PAGE_BYTES) for t, p in zip(times, known, strict=True)])
