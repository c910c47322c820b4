"""Changes are noticed where the kernel tells of them, and where it does not."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from bot.runbooks.watching import POLL_SECONDS, changes

_WITHOUT_DESCRIPTORS = """
import resource, sys, threading
import watchfiles
from pathlib import Path
from bot.runbooks import watching
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
next(watching.changes([Path(sys.argv[1])], threading.Event()))
print("looked")
"""


def test_a_change_is_told_long_before_the_next_look(tmp_path: Path) -> None:
    stop, told = threading.Event(), threading.Event()
    waits = changes([tmp_path], stop)

    def wait() -> None:
        next(waits)
        told.set()

    thread = threading.Thread(target=wait)
    start = time.monotonic()
    thread.start()
    while not told.wait(0.2):
        (tmp_path / "x.md").write_text(str(time.monotonic()))
    thread.join()
    assert time.monotonic() - start < 2 * POLL_SECONDS


def test_where_nothing_can_be_watched_it_looks_regularly(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_DESCRIPTORS, str(tmp_path)],
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "looked\n", done.stderr


def test_a_missing_folder_does_not_end_the_waiting(tmp_path: Path) -> None:
    stop = threading.Event()
    waits = changes([tmp_path / "none"], stop)
    thread = threading.Thread(target=lambda: list(waits))
    thread.start()
    stop.set()
    thread.join(timeout=30)
    assert not thread.is_alive()
