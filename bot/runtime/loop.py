"""A thread that looks when it is told, and every so often by itself; and its border."""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
U = TypeVar("U")


class Unfinished(Exception):
    """Some of the work failed and is still there: the loop waits before it looks again."""


def attempt(
    work: Callable[[], T],
    instead: U,
    *,
    name: str,
    failed: Callable[[str], None] | None = None,
    passing: tuple[type[Exception], ...] = (),
) -> T | U:
    """Return what the work returns, or `instead` where it raises: the product's border.

    The one place where any error ends: it is logged with its traceback and counted, and
    whoever called goes on. Meant for a detector's run, a job that people wait for, and
    a step of a loop; everywhere else errors are caught by their names. passing: errors
    that concern more than this piece of work, and are raised.
    """
    try:
        return work()
    except passing:
        raise
    except Exception:
        log.exception("work.failed name=%s", name)
        if failed is not None:
            failed(name)
        return instead


def one_by_one(
    items: Sequence[T],
    work: Callable[[T], None],
    *,
    name: str,
    failed: Callable[[str], None],
    passing: tuple[type[Exception], ...] = (),
) -> list[T]:
    """Do the work for each; one that fails holds up no other. Return those it did.

    What raised is there at the next look. passing: errors that concern all of them.
    """

    def did(item: T) -> bool:
        work(item)
        return True

    return [
        item
        for item in items
        if attempt(
            partial(did, item), instead=False, name=name, failed=failed, passing=passing
        )
    ]


class Loop:
    """Calls `step` after `wake()` and at least every `every` seconds, until `stop()`.

    A step that raises is logged and counted, and called again after a pause that
    doubles up to half a minute; work is found in the database, so none is lost.
    settle: seconds to wait after a wake, so that what follows at once is seen too.
    failures: how many steps have failed one after the other.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], None],
        *,
        every: float,
        failed: Callable[[str], None],
        settle: float = 0.0,
    ) -> None:
        self.name = name
        self.failures = 0
        self._step = step
        self._every = every
        self._settle = settle
        self._failed = failed
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Ask for another look; returns at once."""
        self._wanted.set()

    def stop(self, timeout: float) -> None:
        """Let the current step finish, for at most `timeout` seconds."""
        self._stopping.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        pause = 0.5
        while not self._stopping.is_set():
            self._wanted.clear()
            if not attempt(
                self._did_step, instead=False, name=self.name, failed=self._failed
            ):
                self.failures += 1
                self._stopping.wait(pause)
                pause = min(pause * 2, 30)
                continue
            pause, self.failures = 0.5, 0
            self._wanted.wait(self._every)
            self._stopping.wait(self._settle)

    def _did_step(self) -> bool:
        self._step()
        return True
