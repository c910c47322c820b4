"""Waits until something in the runbook folders may have changed."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""How late a change is seen where nothing tells of it (network file systems, a
folder that was replaced); where the kernel tells, it is seen within 0.1 s."""

QUIET_MILLISECONDS = 50


def changes(folders: Sequence[Path], stop: Event) -> Iterator[None]:
    """Yield whenever a folder may have changed, until `stop` is set.

    Watches with watchfiles; every `POLL_SECONDS` it yields in any case and watches
    anew, so a folder that was missing or replaced is found again.
    """
    while not stop.is_set():
        present = [folder for folder in folders if folder.is_dir()]
        try:
            told = bool(present) and _told(present, stop)
        except (OSError, RuntimeError) as error:
            # No inotify, or no watch left: looking regularly does as well, later.
            log.info("runbooks.polling reason=%s", error)
            told = False
        if not told:
            stop.wait(POLL_SECONDS)
        if not stop.is_set():
            yield


def _told(folders: Sequence[Path], stop: Event) -> bool:
    """Wait for a change or `POLL_SECONDS`; False if nothing can be watched."""
    from watchfiles import watch

    for _ in watch(
        *folders,
        watch_filter=None,
        step=QUIET_MILLISECONDS,
        stop_event=stop,
        rust_timeout=int(POLL_SECONDS * 1000),
        yield_on_timeout=True,
        raise_interrupt=False,
        recursive=False,
    ):
        return True
    return stop.is_set()
