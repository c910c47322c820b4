"""Whoever does something again and again during the soak, by chance that can be repeated."""

import random
import threading
from concurrent.futures import Future, ThreadPoolExecutor


class Actor:
    """Calls `act` in a thread of its own, after pauses drawn by chance, until `stop`.

    between: the shortest and the longest pause, in seconds. chance: its own, drawn from
    the seed and its name, so that what one does changes nothing for the others.
    """

    def __init__(self, seed: int, *, between: tuple[float, float]) -> None:
        self.name = type(self).__name__.lower()
        self.chance = random.Random(f"{seed} {self.name}")
        self._between = between
        self._over = threading.Event()
        self._alone = ThreadPoolExecutor(1, thread_name_prefix=self.name)
        self._running: Future[None] | None = None

    def act(self) -> None:
        """Do it once."""
        raise NotImplementedError

    def start(self) -> None:
        self._running = self._alone.submit(self._run)

    def check(self) -> None:
        """Raise what ended the thread too early."""
        if self._running is not None and self._running.done():
            self._running.result()

    def stop(self) -> None:
        """Wait until the last act is done; raise what ended it."""
        self._over.set()
        if self._running is not None:
            self._running.result(timeout=90)
        self._alone.shutdown()

    def rest(self, seconds: float) -> bool:
        """Wait; return whether it is to go on."""
        return not self._over.wait(seconds)

    def _run(self) -> None:
        while self.rest(self.chance.uniform(*self._between)):
            self.act()
