"""A few threads that work off what waits, and a line of bounded length before them."""

import queue
import threading
from collections.abc import Callable
from typing import Final

from bot.runtime.loop import one_by_one

HANDS: Final = 4
WAITING: Final = 16
"""Jobs that may wait; whoever comes then is told so."""

Job = Callable[[], None]


class Full(Exception):
    """Nothing more can wait."""


class Crew:
    """Runs jobs outside of the listeners' pool. Its threads end with the process.

    They begin with the first job, so that making a crew costs nothing.
    """

    def __init__(
        self,
        name: str,
        *,
        failed: Callable[[str], None],
        hands: int = HANDS,
        waiting: int = WAITING,
    ) -> None:
        self._name = name
        self._failed = failed
        self._hands = hands
        self._jobs: queue.Queue[Job] = queue.Queue(maxsize=waiting)
        self._lock = threading.Lock()
        self._started = False

    def take(self, job: Job) -> None:
        """Have it done soon; raise `Full`. What a job raises is logged and counted."""
        with self._lock:
            if not self._started:
                self._start()
        try:
            self._jobs.put_nowait(job)
        except queue.Full as full:
            raise Full from full

    def _start(self) -> None:
        for number in range(self._hands):
            # A daemon: a question that is half answered must not hold up the end.
            name = f"{self._name}-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        self._started = True

    def _work(self) -> None:
        while True:
            one_by_one([self._jobs.get()], _do, name=self._name, failed=self._failed)


def _do(job: Job) -> None:
    job()
