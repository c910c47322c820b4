"""A real Prometheus on loopback, and a target whose figures a test sets."""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.fakes.serving import Quiet, serving
from tests.real.ports import free_port
from tests.real.postgres import missing

_CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: fleet
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
    honor_labels: true
"""
EXPORTER = """\
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{port}"], labels: {{host: web-1}}}}]
"""
"""To be put behind the other jobs: a real exporter that tells of the bot's own host."""


@dataclass
class Target:
    """What is scraped: lines of the text format."""

    port: int = 0
    lines: dict[str, float] = field(default_factory=dict)

    def text(self) -> str:
        return "".join(f"{name} {value}\n" for name, value in self.lines.items())


@dataclass
class RealPrometheus:
    """One running server. lines of its target: `target.lines["cpu{…}"] = 97`."""

    url: str
    target: Target
    process: "subprocess.Popen[bytes]"

    def wait_for(self, expr: str, seconds: float = 60) -> None:
        """Return once the expression gives a series: something was scraped."""
        asked = urllib.parse.urlencode({"query": expr})
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with urllib.request.urlopen(f"{self.url}/api/v1/query?{asked}") as answer:
                if json.load(answer)["data"]["result"]:
                    return
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s: {expr}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def promtool() -> str:
    """The program that checks rules; skipped by name where it is missing."""
    found = shutil.which("promtool")
    if found is None:
        missing("promtool, of Debian's package prometheus")
    return found or ""


@contextlib.contextmanager
def prometheus(
    folder: Path,
    *,
    web: str = "",
    more: str = "",
    past: Mapping[str, Sequence[tuple[datetime, float]]] | None = None,
    **lines: float,
) -> Iterator[RealPrometheus]:
    """Start a server that scrapes a target each second; stop both.

    web: its own web configuration; with one it is asked by https. more: lines of its
    configuration, for rules and whom it tells. past: what it measured before it was
    started, by series; it takes in nothing that is older than its end.
    """
    program = shutil.which("prometheus")
    if program is None:
        missing("prometheus, of Debian's package prometheus")
    with _target(lines) as target:
        port = free_port()
        if past:
            _remember(past, folder)
        config = folder / "prometheus.yml"
        config.write_text(_CONFIG.format(port=target.port) + more)
        words = [
            program or "",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        if web:
            (folder / "web.yml").write_text(web)
            words.append(f"--web.config.file={folder / 'web.yml'}")
        with (folder / "prometheus.log").open("wb") as log:
            process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
        url = f"{'https' if web else 'http'}://127.0.0.1:{port}"
        running = RealPrometheus(url, target, process)
        try:
            _wait_ready(folder / "prometheus.log")
            yield running
        finally:
            running.kill()


def _remember(
    past: Mapping[str, Sequence[tuple[datetime, float]]], folder: Path
) -> None:
    """Fill a server's storage with what is past, by the program that comes with it."""
    named: dict[str, list[str]] = {}
    for series, points in past.items():
        rows = named.setdefault(series.partition("{")[0], [])
        rows += [f"{series} {v} {at.timestamp():.3f}\n" for at, v in points]
    text = "".join(f"# TYPE {n} gauge\n{''.join(rows)}" for n, rows in named.items())
    file = folder / "past.om"
    file.write_text(f"{text}# EOF\n")
    words = ["tsdb", "create-blocks-from", "openmetrics", file, folder / "tsdb"]
    subprocess.run([promtool(), *words], check=True, capture_output=True, timeout=60)


@contextlib.contextmanager
def _target(lines: dict[str, float]) -> Iterator[Target]:
    made = Target(lines=dict(lines))

    class Scraped(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = made.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Scraped)) as server:
        made.port = server.server_port
        yield made


def _wait_ready(log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if b"Server is ready to receive web requests" in log.read_bytes():
            return
        time.sleep(0.05)
    raise AssertionError(f"not ready within 60 s: {log.read_text()}")
