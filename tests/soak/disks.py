"""Two small file systems: the bot's own, which runs full, and one that logs fill."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.remediation.acts.litter import mounted, old
from tests.soak.actor import Actor

MEGABYTE = 1_000_000
STATE_MEGABYTES = 64
LOG_MEGABYTES = 20


@contextlib.contextmanager
def small(point: Path, megabytes: int) -> Iterator[Path]:
    """A file system of this size; where none can be mounted, a folder like any other."""
    if os.geteuid() != 0:
        point.mkdir()
        yield point
        return
    with mounted(point, "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs"):
        yield point


class Filler(Actor):
    """Fills the bot's own file system to the last byte, and empties it again.

    spans: when it was full, by the monotonic clock.
    """

    def __init__(self, seed: int, disk: Path, *, often: float = 1.0) -> None:
        super().__init__(seed, between=(40 / often, 80 / often))
        self._disk = disk
        self.spans: list[tuple[float, float]] = []

    def act(self) -> None:
        if not self._disk.is_mount():
            return
        filler = self._disk / "filler"
        began = time.monotonic()
        try:
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * 65536)
            self.rest(self.chance.uniform(2, 9))
        finally:
            filler.unlink()
            self.spans.append((began, time.monotonic()))


class Litter(Actor):
    """Fills another one with rotated logs, beside files that nobody may touch."""

    def __init__(self, seed: int, disk: Path, *, often: float = 1.0) -> None:
        super().__init__(seed, between=(15 / often, 40 / often))
        self.folder = disk / "log"
        self.kept = [disk / "data" / "base.1.gz", self.folder / "app.log"]
        for path in self.kept:
            old(path, 1000)
        self._disk = disk
        self._lock = threading.Lock()
        self._number = 0
        self._made: set[Path] = set()

    def act(self) -> None:
        if not self._disk.is_mount():
            return
        for _ in range(8):
            self._number += 1
            path = self.folder / f"app-{self._number}.log.1.gz"
            old(path, (LOG_MEGABYTES - 1) * MEGABYTE // 8)
            self._made.add(path)
        self.rest(self.chance.uniform(20, 60))
        self.empty()

    def empty(self) -> None:
        """Delete what nobody has deleted until now."""
        for path in sorted(self._made):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                self._made.discard(path)

    def gone(self) -> set[str]:
        """The names of the files that somebody else deleted."""
        return {path.name for path in self._made if not path.exists()}
