"""Waiting for what another thread will do, by its condition and not by the clock."""

import time
from collections.abc import Callable


def until(check: Callable[[], bool], *, seconds: float = 30) -> None:
    """Return when `check` holds; fail the test if it never does."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.01)
