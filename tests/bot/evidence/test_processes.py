"""What the evidence tells of processes, and what it never tells."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.evidence.culprit import CulpritEvidence
from bot.evidence.top_processes import TopProcesses
from bot.host.host import HostContext
from bot.model import Culprit, EvidenceItem, Incident
from tests.detectors.pieces import (
    BURN,
    START,
    HandClock,
    PaperFacts,
    child,
    context,
    this_host,
)
from tests.fakes import things
from tests.fakes.things import finding

CANARY = "hunter2-canary"


@pytest.fixture
def host() -> HostContext:
    return this_host()


def incident(culprits: tuple[Culprit, ...] = ()) -> Incident:
    seen = finding(at=START, culprits=culprits)
    return things.incident(findings=(seen,), culprit=culprits[0] if culprits else None)


def pids(item: EvidenceItem) -> list[str]:
    return [row[0] for row in item.table.rows] if item.table else []


def culprit_of(host: HostContext, pid: int) -> Incident:
    found = Culprit(process=host.facts.read(pid), share=0.9, amount=90)
    return incident((found,))


@pytest.fixture
def server() -> Iterator[int]:
    """A real process with a child, a port and a password on its command line."""
    code = (
        "import socket, subprocess, time\n"
        "port = socket.create_server(('127.0.0.1', 0))\n"
        "subprocess.Popen(['/bin/sleep', '60'])\n"
        "print(port.getsockname()[1], flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen(
        ["/usr/bin/env", "python3", "-c", code, f"--password={CANARY}"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process.pid
    os.killpg(process.pid, 9)
    process.communicate()


def test_the_largest_users_are_listed_with_their_figures(host: HostContext) -> None:
    with child(BURN) as pid:
        host.sampler.processes()
        time.sleep(0.5)
        by_cpu, by_memory = TopProcesses(host).gather(incident())
        # On a machine that is busy otherwise it gets its turn a little later.
        for _ in range(20):
            if str(pid) in pids(by_cpu):
                break
            time.sleep(0.3)
            by_cpu, by_memory = TopProcesses(host).gather(incident())

    assert by_cpu.title == "Top processes by CPU"
    assert by_cpu.table is not None
    assert by_memory.table is not None
    rows = {row[0]: row for row in by_cpu.table.rows}
    assert int(rows[str(pid)][2]) > 10
    assert len(by_memory.table.rows) <= 5


def test_without_an_earlier_scan_there_are_no_cpu_figures(host: HostContext) -> None:
    (by_memory,) = TopProcesses(host).gather(incident())

    assert by_memory.table is not None
    assert {row[2] for row in by_memory.table.rows} == {"-"}


def test_without_proc_there_is_no_evidence(tmp_path: Path) -> None:
    host = context(tmp_path, HandClock(), PaperFacts(tmp_path))

    assert TopProcesses(host).gather(incident()) == []


def test_the_culprit_is_told_with_its_family_and_ports(
    host: HostContext, server: int
) -> None:
    (item,) = CulpritEvidence(host).gather(culprit_of(host, server))

    ports = host.facts.read(server).ports
    assert f"(pid {server}, " in item.title
    assert f"Listens on: {ports[0]}" in item.text
    assert "Children: sleep" in item.text
    assert "Started by: " in item.text
    assert f"(pid {os.getpid()}, " in item.text


def test_no_value_of_an_argument_reaches_the_evidence(
    host: HostContext, server: int
) -> None:
    host.sampler.processes()
    items = CulpritEvidence(host).gather(culprit_of(host, server))
    items += TopProcesses(host).gather(incident())

    assert CANARY not in repr(items)


def test_a_culprit_that_ended_or_was_replaced_is_no_evidence(
    host: HostContext,
) -> None:
    with child("import time; time.sleep(60)") as pid:
        known = culprit_of(host, pid)
        assert known.culprit is not None
        process = known.culprit.process
        other = replace(process.identity, start_ticks=1)
        changed = replace(known.culprit, process=replace(process, identity=other))
        replaced = CulpritEvidence(host).gather(incident((changed,)))
    ended = CulpritEvidence(host).gather(known)

    assert (replaced, ended) == ([], [])


def test_an_incident_without_a_culprit_has_no_such_evidence(
    host: HostContext,
) -> None:
    assert CulpritEvidence(host).gather(incident()) == []
