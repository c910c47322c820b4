"""Who is blamed: one process, workers with their leader, a unit, or nobody."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.blame.blame import Blame, cpu_blame, memory_blame
from bot.blame.suspects import cpu_percents
from bot.host.host import HostSampler, ProcessScan
from bot.model import Fact
from bot.runtime.clock import SystemClock
from remediation.target.facts import FactReader, ProcessFacts
from remediation.target.procfs import PAGE_BYTES
from tests.detectors.pieces import HOST, HandClock, PaperFacts, PaperProc

MANY = """
import subprocess, sys, time
burn = "import time; e = time.monotonic() + 20\\nwhile time.monotonic() < e: sum(range(20000)); time.sleep(0.001)"
kids = [subprocess.Popen([sys.executable, "-S", "-c", burn]) for _ in range(8)]
print("ready", flush=True)
try:
    sys.stdin.read()
finally:
    for kid in kids:
        kid.kill()
        kid.wait()
"""
SHORT = """
import os, subprocess, sys, threading
gone = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), gone.set()), daemon=True).start()
print("ready", flush=True)
def work():
    while not gone.is_set():
        subprocess.run([sys.executable, "-S", "-c", "sum(range(3000000))"])
for _ in range(os.cpu_count() or 1):
    threading.Thread(target=work).start()
"""


@contextmanager
def leader(code: str) -> Iterator[int]:
    """Run the code; it ends, with whatever it started, when its standard input does."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process.pid
    finally:
        process.communicate(timeout=20)


@pytest.mark.parametrize("code", [MANY, SHORT], ids=["many", "short-lived"])
def test_real_workers_are_one_culprit_with_their_leader(code: str) -> None:
    sampler = HostSampler(SystemClock())
    with leader(code) as pid:
        # On a machine that is busy otherwise they get half of the time a little later.
        for _ in range(20):
            before = sampler.processes()
            time.sleep(1)
            blame = cpu_blame(before, sampler.processes(), FactReader(HOST), 100)
            culprit = blame.culprits[0] if blame.culprits else None
            if culprit and culprit.identity.pid == pid and culprit.share >= 0.5:
                break

    assert culprit is not None
    assert culprit.identity.pid == pid
    assert culprit.share >= 0.5


class Housed(PaperFacts):
    """Facts of processes that live in a unit or a container."""

    unit: str | None = "ci.service"
    container: str | None = None

    def read(self, pid: int) -> ProcessFacts:
        found = super().read(pid)
        return replace(found, unit=self.unit, container=self.container)


def blamed(root: Path, facts: PaperFacts) -> Blame:
    """Ten unrelated processes, each with a tenth of the CPU, in the same place."""
    proc = PaperProc(root, HandClock())
    proc.spend(10, busy=0.1)
    scans: list[ProcessScan] = []
    for ticks in (0, 100):
        for pid in range(50, 60):
            proc.process(pid, ticks=ticks, comm=b"job%d" % pid)
        proc.spend(5, busy=1.0)
        scans.append(HostSampler(proc.clock, proc=root).processes())
    assert cpu_percents(*scans)
    return cpu_blame(scans[0], scans[1], facts, 98)


def test_a_service_as_a_whole_is_pointed_at(tmp_path: Path) -> None:
    found = blamed(tmp_path, Housed(tmp_path))

    assert found.points_at is not None
    assert (found.points_at.service, found.points_at.actions) == (
        "ci.service",
        ("restart",),
    )
    assert not found.culprits or found.culprits[0].share < 0.5
    together = Fact(
        label="Together", value="100 % of the CPU: ci.service, 10 processes"
    )
    assert found.facts("the CPU")[0] == together
    assert found.words("of it by") == ", 100 % of it by ci.service"


@pytest.mark.parametrize("unit", ["session-3.scope", "user@1000.service", None])
def test_a_session_or_nothing_is_no_service(tmp_path: Path, unit: str | None) -> None:
    facts = Housed(tmp_path)
    facts.unit = unit

    assert blamed(tmp_path, facts).points_at is None


def test_a_container_is_named_and_no_service_of_the_host(tmp_path: Path) -> None:
    facts = Housed(tmp_path)
    facts.container = "3f" * 32
    found = blamed(tmp_path, facts)

    assert found.points_at is None
    assert "container 3f3f3f3f3f3f, 10 processes" in found.facts("the CPU")[0].value


@pytest.mark.parametrize(("anonymous", "blamed"), [(20, None), (900, "ci.service")])
def test_a_service_holds_what_its_end_would_free_not_the_files_it_maps(
    tmp_path: Path, anonymous: int, blamed: str | None
) -> None:
    proc = PaperProc(tmp_path, HandClock())
    proc.spend(10, busy=0.1)
    for pid in range(50, 60):
        proc.process(pid, pages=1000, anonymous=anonymous, comm=b"job%d" % pid)
    sampler = HostSampler(proc.clock, proc=tmp_path)
    used = 10_000 * PAGE_BYTES
    found = memory_blame(sampler.processes(), used, sampler, Housed(tmp_path), 95)

    assert (found.group.name if found.group else None) == blamed


def test_ended_children_count_only_for_what_they_did_in_between(tmp_path: Path) -> None:
    proc = PaperProc(tmp_path, HandClock())
    proc.spend(10, busy=0.1)
    proc.process(40, ended=5000, comm=b"sh")
    proc.process(41, ppid=40, ticks=90_000, comm=b"old")
    before = HostSampler(proc.clock, proc=tmp_path).processes()
    proc.end(41)
    proc.process(40, ended=5000 + 90_000 + 10, comm=b"sh")
    proc.spend(5, busy=0.5)
    now = HostSampler(proc.clock, proc=tmp_path).processes()

    assert cpu_blame(before, now, PaperFacts(tmp_path), 50).culprits == ()
