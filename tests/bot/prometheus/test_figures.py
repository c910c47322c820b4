"""What a real Prometheus gives for our figures is what our own detectors measured."""

import math
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.error import URLError

import pytest

from bot import detectors
from bot.config.prometheus import PrometheusServer
from bot.prometheus.answer import finite
from bot.prometheus.figures import MOUNT, points_of_late, question, told_by
from bot.prometheus.server import Server
from tests.detectors.pieces import PaperFacts, context
from tests.fakes.exporting import WEB_1, Machine
from tests.real.ports import free_port
from tests.real.postgres import missing
from tests.real.prometheus import prometheus

MINUTES = 25
FADED = 8
"""Minutes until the kernel's averages have forgotten the beginning."""
LATE = timedelta(minutes=MINUTES + 10)
BEGIN = datetime.now(UTC).replace(second=0, microsecond=0) - LATE
DETECTORS = (
    *("cpu", "load", "iowait", "steal", "memory", "swap", "thrashing", "fork_storm"),
    *("pressure", "file_descriptors", "conntrack", "listen_overflow"),
)
SERIES = (
    *(name for name in DETECTORS if name != "pressure"),
    *("pressure/cpu", "pressure/memory", "pressure/io"),
)
ROUND: Final = 5
SCRAPE: Final = 15
Course = dict[str, dict[int, float]]


def ours(machine: Machine) -> Course:
    """Let the machine run, and our detectors with it; the mean of each minute."""
    host = context(machine.proc.root, machine.clock, PaperFacts(machine.proc.root))
    known = detectors.known()
    watching = [known[name](known[name].Section(), host) for name in DETECTORS]
    points: dict[str, dict[int, list[float]]] = {}
    for step in range(MINUTES * 60 // ROUND):
        if step % (60 // ROUND) == 0:
            machine.turns()
            machine.writes()
        # At the last round of a minute, among others: both see the same part of it.
        if step % (SCRAPE // ROUND) == 2:
            machine.tells()
        for detector in watching:
            every = detector.section.interval.total_seconds()
            if (step * ROUND + ROUND) % every:
                continue
            for finding in detector.check(()):
                if finding.value is not None:
                    minute = step * ROUND // 60
                    by_minute = points.setdefault(finding.series, {})
                    by_minute.setdefault(minute, []).append(finding.value)
        machine.spends(ROUND)
    return {
        name: {minute: math.fsum(v) / len(v) for minute, v in by_minute.items()}
        for name, by_minute in points.items()
    }


def theirs(server: Server) -> Course:
    found = {}
    for name in SERIES:
        expr = question(told_by(name), "web-1:9100")
        until = BEGIN + timedelta(minutes=MINUTES)
        (series,) = server.range(expr, BEGIN, until, timedelta(minutes=1))
        found[name] = {
            round((at - BEGIN) / timedelta(minutes=1)) - 1: value
            for at, value in finite(series).points
        }
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Course]:
    root = tmp_path_factory.mktemp("proc")
    machine = Machine(root, BEGIN)
    mine = ours(machine)
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus(folder, past=machine.told) as running:
        section = PrometheusServer.model_validate({"url": running.url})
        server = Server(name="main", section=section)
        assert server.now(points_of_late("web-1:9100"), at=BEGIN + LATE / 2)
        return mine, theirs(server)


@pytest.mark.parametrize("name", SERIES)
def test_a_figure_is_ours_in_unit_and_meaning(
    both: tuple[Course, Course], name: str
) -> None:
    mine, told = (course[name] for course in both)
    minutes = [n for n in sorted(mine.keys() & told.keys()) if n >= FADED]
    off = [abs(mine[minute] - told[minute]) for minute in minutes]
    steps = [abs(mine[now] - mine[now - 1]) for now in minutes]

    moves, differs = math.fsum(steps) / len(steps), math.fsum(off) / len(off)
    print(f"{name}: it moves by {moves:.3f} a minute, and differs by {differs:.3f}")
    # Rounds and scrapes are some seconds apart, and see so much of another minute.
    assert len(minutes) == MINUTES - FADED
    assert differs < moves / 4


def test_what_has_no_equal_is_told_by_nobody() -> None:
    for name in ("tasks", "disk_latency/sda", "filesystem", "pressure", "cpu/x"):
        assert told_by(name) == ""


def test_how_full_a_disk_is_counts_as_df_does(tmp_path: Path) -> None:
    at = BEGIN
    sizes: Mapping[str, float] = {
        "size_bytes": 100,
        "free_bytes": 40,
        "avail_bytes": 20,
    }
    sizes = {**sizes, "files": 1000, "files_free": 250}
    past = {
        f'node_filesystem_{name}{{{WEB_1},mountpoint="{mount}"}}': [(at, value)]
        for name, value in sizes.items()
        for mount in ("/", "/var")
    }
    with prometheus(tmp_path, past=past) as running:
        section = PrometheusServer.model_validate({"url": running.url})
        server = Server(name="main", section=section)
        space, inodes = (
            {s.labels[MOUNT]: s.value for s in server.now(expr, at=at)}
            for expr in map(_asked, ("filesystem//", "inodes//"))
        )

    assert space == {"/": 75, "/var": 75}
    assert inodes == {"/": 75, "/var": 75}


def _asked(series: str) -> str:
    return question(told_by(series), "web-1:9100")


def test_node_exporter_tells_all_that_is_asked_for() -> None:
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        missing("prometheus-node-exporter, of Debian's package of that name")
    asked = " ".join(_asked(name) for name in (*SERIES, "filesystem//", "inodes//"))
    names = set(re.findall(r"node_\w+", asked))
    # What a kernel may lack, the exporter leaves out.
    if not Path("/proc/pressure").exists():
        names = {name for name in names if "_pressure_" not in name}
    if not Path("/proc/sys/net/netfilter/nf_conntrack_count").exists():
        names = {name for name in names if "_nf_conntrack_" not in name}

    told = set(re.findall(r"^node_\w+", _exported(program or ""), re.MULTILINE))

    assert names - told == set()


def _exported(program: str) -> str:
    port = free_port()
    words = [program, f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as running:
        try:
            return _page(f"http://127.0.0.1:{port}/metrics")
        finally:
            running.kill()


def _page(url: str) -> str:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                text: str = answer.read().decode()
                return text
        except URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
