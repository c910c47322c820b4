"""Cases that have no vectors yet, and the thread that makes them beside all else."""

import logging
import threading
from collections.abc import Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from memory.case import Case
from memory.cases import Database
from memory.embed import EmbedderUnavailable
from memory.vectors import OtherEmbedder, Vectorised, Vectors

log = logging.getLogger(__name__)

_AT_ONCE = 32
"""Cases in one batch: about a second of work, after which all of it is durable."""
_AGAIN_SECONDS = 30.0
"""How long a database that failed is left alone."""

Keep = Callable[[Sequence[Case], Vectorised], int]
"""Stores the vectors that were made of these cases; returns how many cases still lack
theirs. Raises `OtherEmbedder`."""


class Backlog:
    """Gives every case its vectors, some at a time; what is made outlives a crash.

    Its thread lives while there is something to do. An embedder that fails is tried
    again after the pause that `Vectors` keeps; the thread ends soon after `stop`, and
    there is none any more.
    """

    def __init__(self, database: Database, vectors: Vectors, keep: Keep) -> None:
        self._database = database
        self._vectors = vectors
        self._keep = keep
        self._left = 0
        self._wanted = False
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        # Whoever makes a batch: two at once would make the same one.
        self._turn = threading.Lock()

    @property
    def trouble(self) -> str:
        """What is missing, in words for a person; "" when nothing is."""
        if not self._left:
            return ""
        return f"{self._left} cases have no vectors yet and are found by words alone"

    def wake(self, left: int) -> None:
        """Have the thread work off the `left` cases that lack vectors; return at once."""
        with self._guard:
            if not left or self._stopping.is_set():
                return
            self._left = max(self._left, left)
            self._wanted = True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="vectors", daemon=True
                )
                self._thread.start()

    def finish(self) -> None:
        """Work everything off here and now; what fails is left to the thread."""
        try:
            self._work_off()
        except (EmbedderUnavailable, OtherEmbedder):
            self.wake(self._left)

    def stop(self, timeout: float) -> None:
        """End the thread for good: it finishes its batch, for at most `timeout` seconds.

        One that takes longer stores nothing any more.
        """
        with self._guard:
            self._stopping.set()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _run(self) -> None:
        while self._is_wanted():
            try:
                self._work_off()
            except EmbedderUnavailable:
                self._again_after(self._vectors.rest_seconds())
            except SQLAlchemyError:
                log.exception("memory.vectors_not_stored")
                self._again_after(_AGAIN_SECONDS)
            except OtherEmbedder as error:
                # Its process tells us by the revision when it changes something.
                log.warning("memory.other_embedder name=%s", error)

    def _is_wanted(self) -> bool:
        """Whether there is something to do; if not, the thread is over."""
        with self._guard:
            wanted = self._wanted and not self._stopping.is_set()
            self._wanted = False
            if not wanted:
                self._thread = None
            return wanted

    def _again_after(self, seconds: float) -> None:
        self._stopping.wait(seconds)
        with self._guard:
            self._wanted = True

    def _work_off(self) -> None:
        while not self._stopping.is_set() and self._batch():
            pass

    def _batch(self) -> bool:
        """Give some cases their vectors; return whether any lacked them."""
        with self._turn:
            with self._database.read() as tx:
                some = self._vectors.lacking(tx, _AT_ONCE)
            if not some:
                self._left = 0
                return False
            made = self._vectors.make(some)
            if not self._stopping.is_set():
                self._left = self._keep(some, made)
            return True
