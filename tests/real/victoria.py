"""A real VictoriaMetrics on loopback, which is given its figures by the test."""

import contextlib
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.real.ports import free_port
from tests.real.postgres import missing


@dataclass
class RealVictoria:
    """One running server."""

    url: str

    def take(self, *lines: str) -> None:
        """Take lines of the text format, with a time in milliseconds each."""
        body = "".join(f"{line}\n" for line in lines).encode()
        address = f"{self.url}/api/v1/import/prometheus"
        urllib.request.urlopen(address, data=body, timeout=10).close()
        # What was taken is seen by questions after a flush.
        urllib.request.urlopen(f"{self.url}/internal/force_flush", timeout=10).close()


@contextlib.contextmanager
def victoria(folder: Path) -> Iterator[RealVictoria]:
    """Start a server; stop it."""
    program = shutil.which("victoria-metrics")
    if program is None:
        missing("victoria-metrics, of Debian's package of that name")
    port = free_port()
    words = [
        program or "",
        f"-storageDataPath={folder / 'victoria'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-search.latencyOffset=0s",
        "-retentionPeriod=100y",
        "-memory.allowedBytes=100MB",
    ]
    with (folder / "victoria.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
    running = RealVictoria(f"http://127.0.0.1:{port}")
    try:
        _wait_ready(running)
        yield running
    finally:
        process.kill()
        process.wait()


def _wait_ready(running: RealVictoria) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{running.url}/health", timeout=5).close()
            return
        time.sleep(0.05)
    raise AssertionError("VictoriaMetrics is not ready within 60 s")
