"""When things happen: the one door to APScheduler.

It follows the wall clock, so a clock that is set back would stop detection; a guard
job compares it with the boot clock and plans every job anew when they part.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, timedelta

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.ports import Clock

log = logging.getLogger(__name__)

_TOLERANCE = 5.0
"""Seconds that the two clocks may part before the jobs are planned anew."""


class Schedule:
    """Regular jobs in a bounded pool of threads; a hung job delays only itself."""

    def __init__(self, clock: Clock, *, threads: int) -> None:
        self._clock = clock
        self._jobs: dict[str, tuple[Callable[[], None], timedelta]] = {}
        self._pool = ThreadPoolExecutor(threads)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": self._pool},
            job_defaults={
                "coalesce": True,
                "max_instances": 1,
                "misfire_grace_time": 30,
            },
        )
        self._scheduler.add_listener(self._overran, EVENT_JOB_MAX_INSTANCES)
        self._offset = self._clock_offset()

    def every(self, interval: timedelta, name: str, job: Callable[[], None]) -> None:
        """Call `job` now and every `interval`."""
        self._jobs[name] = (job, interval)
        self._plan(name)

    def soon(self, name: str) -> None:
        """Run a job now, out of turn; its next rounds count from there."""
        self._plan(name)

    def anew(self) -> None:
        """Run every job now; its next rounds count from there."""
        for name in self._jobs:
            self._plan(name)

    def start(self) -> None:
        """Begin; also begins to watch over the clock."""
        self._scheduler.start()

    def stop(self, seconds: float = 5) -> None:
        """Start no further job and wait for those that run, but not for one that hangs."""
        if not self._scheduler.running:
            return
        self._scheduler.shutdown(wait=False)
        waiting = threading.Thread(
            target=self._pool.shutdown, name="last jobs", daemon=True
        )
        waiting.start()
        waiting.join(seconds)
        if waiting.is_alive():
            log.warning("jobs.left_behind seconds=%.0f", seconds)

    def guard_clock(self) -> None:
        """Plan every job anew if the wall clock was moved; called by the sweeper.

        It must run in a thread of its own: jobs of the scheduler sleep while the
        clock is behind.
        """
        offset = self._clock_offset()
        moved = offset - self._offset
        if abs(moved) <= _TOLERANCE:
            return
        log.warning("clock.moved seconds=%.0f", moved)
        self._offset = offset
        self.anew()

    def _plan(self, name: str) -> None:
        job, interval = self._jobs[name]
        self._scheduler.add_job(
            job,
            IntervalTrigger(seconds=interval.total_seconds(), timezone=UTC),
            id=name,
            name=name,
            replace_existing=True,
            next_run_time=self._clock.now().wall,
        )

    def _clock_offset(self) -> float:
        now = self._clock.now()
        return now.wall.timestamp() - now.boot

    @staticmethod
    def _overran(event: JobSubmissionEvent) -> None:
        log.warning("job.overran job=%s", event.job_id)
