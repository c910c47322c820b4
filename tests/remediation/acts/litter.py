"""Real files that may go, and what a test does to them before they do."""

import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from remediation.action import CleanFiles
from remediation.acts.clean import clean
from remediation.acts.clutter import clutter_of
from remediation.attempt import Attempt, Progress, Recheck
from remediation.outcome import Outcome
from remediation.target.area import Area, FileIdentity
from remediation.target.identity import boot_id
from remediation.target.privilege import Gate
from tests.remediation.victims import HOST, now

T = TypeVar("T")
WEEK = timedelta(days=7)
LONG_AGO = time.time() - 30 * 86400
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")


def area_of(folder: Path, **changes: Any) -> Area:
    made = Area(
        name="app_logs",
        folder=str(folder),
        files=("*.gz",),
        older_than=WEEK,
        depth=3,
        untouched=timedelta(0),  # nothing can say that a test's own file is older
    )
    return replace(made, **changes)


def old(path: Path, size: int = 1000, *, written: float = LONG_AGO) -> Path:
    """A file that was last written to a month ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (written, written))
    return path


def listed(area: Area) -> tuple[FileIdentity, ...]:
    return clutter_of(area).files


def action_on(area: Area, files: Sequence[FileIdentity] | None = None) -> CleanFiles:
    return CleanFiles(
        host=HOST,
        boot_id=boot_id(),
        area=area.name,
        folder=area.folder,
        older_than=area.older_than,
        files=listed(area) if files is None else tuple(files),
    )


def cleaned(
    area: Area,
    action: CleanFiles,
    *,
    recheck: Recheck = lambda _: None,
    progress: Progress = lambda _: None,
    gate: Gate | None = None,
    locks: dict[str, str] | None = None,
) -> Outcome:
    attempt = Attempt(recheck=recheck, progress=progress, now=now, gate=gate)
    return clean(action, attempt, (area,), locks=locks or {})


@contextmanager
def mounted(point: Path, *words: str) -> Iterator[Path]:
    """A real mount: a small tmpfs, or what the words say."""
    point.mkdir(exist_ok=True)
    what = words or ("-t", "tmpfs", "-o", "size=8m", "tmpfs")
    subprocess.run(["/usr/bin/mount", *what, str(point)], check=True)
    try:
        yield point
    finally:
        subprocess.run(["/usr/bin/umount", str(point)], check=True)


@contextmanager
def dead(point: Path) -> Iterator[Path]:
    """A real FUSE mount whose server never says a word: whoever asks it, hangs."""
    point.mkdir(parents=True, exist_ok=True)
    kernel = ctypes.CDLL(None, use_errno=True)
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError:
        pytest.skip("this machine has no FUSE")
    words = f"fd={server},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    try:
        if kernel.mount(b"dead", bytes(point), b"fuse", 0, words):
            pytest.skip("this machine mounts no FUSE")
        yield point
    finally:
        kernel.umount2(bytes(point), 2)  # MNT_DETACH
        os.close(server)  # and whoever hangs is let go


def in_time(work: Callable[[], T], seconds: float = 10) -> T:
    """What the work returns; the test fails where it hangs."""
    found: list[T] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    return found[0]
