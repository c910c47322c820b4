"""Zombies: counted only where there may be any, and their parent named."""

from pathlib import Path

import pytest

from bot.detectors.zombies import Zombies, ZombiesSection
from bot.kernel import loadavg, stacks
from bot.kernel.stacks import StackBasis
from bot.model import Finding, Level
from tests.detectors.pieces import (
    HandClock,
    PaperFacts,
    PaperProc,
    child,
    context,
    this_host,
)
from tests.fakes.patience import until

UNREAPED = (
    "import os, sys, time\n"
    "for _ in range(80):\n"
    "    if os.fork() == 0: os._exit(0)\n"
    "print('ready', flush=True)\n"
    "time.sleep(60)\n"
)


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.write()
    for pid in range(1, 101):
        paper.process(pid, ppid=pid // 2, comm=b"init" if pid == 1 else b"app")
    return paper


@pytest.fixture
def zombies(proc: PaperProc) -> Zombies:
    return Zombies(
        ZombiesSection(), context(proc.root, proc.clock, PaperFacts(proc.root))
    )


def unreaped(proc: PaperProc, count: int, parent: int) -> None:
    for pid in range(1000, 1000 + count):
        proc.process(pid, ppid=parent, state=b"Z", comm=b"job")


def measured(
    zombies: Zombies, proc: PaperProc, dead: int, watched: tuple[str, ...] = ()
) -> Finding:
    """Measure with 100 living tasks of 16 KiB and this many dead ones."""
    proc.memory(total=1000, available=900)
    proc.tasks(100 + dead)
    proc.spend(30, busy=0.1)
    (finding,) = zombies.check(watched)
    return finding


def test_the_parent_of_most_is_the_culprit(zombies: Zombies, proc: PaperProc) -> None:
    measured(zombies, proc, 0)
    unreaped(proc, 60, parent=42)

    found = measured(zombies, proc, 60)

    assert (found.value, found.level) == (60, Level.WARNING)
    assert found.culprit is not None
    assert (found.culprit.identity.pid, found.culprit.share) == (42, 1.0)
    assert "does not reap 100 % of them" in found.summary


def test_pid_1_is_never_the_culprit(zombies: Zombies, proc: PaperProc) -> None:
    unreaped(proc, 60, parent=1)

    found = measured(zombies, proc, 60)

    assert (found.level, found.culprits) == (Level.WARNING, ())
    assert found.no_action is not None
    assert "pid 1" in found.no_action.reason


def test_a_host_without_many_is_not_scanned(zombies: Zombies, proc: PaperProc) -> None:
    measured(zombies, proc, 0)
    proc.file("7/stat", "no line of a process")

    assert measured(zombies, proc, 15).level is Level.OK


def test_a_scan_from_before_they_came_hides_none(proc: PaperProc) -> None:
    host = context(proc.root, proc.clock, PaperFacts(proc.root))
    zombies = Zombies(ZombiesSection(), host)
    measured(zombies, proc, 0)
    proc.spend(5, busy=0.1)
    host.sampler.processes()
    proc.clock.forward(0.05)
    unreaped(proc, 60, parent=42)
    proc.tasks(160)

    assert zombies.check(())[0].value == 0
    assert measured(zombies, proc, 60).level is Level.WARNING


def test_it_is_over_when_they_are_reaped(zombies: Zombies, proc: PaperProc) -> None:
    unreaped(proc, 60, parent=42)
    assert measured(zombies, proc, 60).level is Level.WARNING
    for pid in range(1000, 1060):
        proc.end(pid)

    assert measured(zombies, proc, 0, watched=("",)).level is Level.OK


def test_more_living_tasks_are_no_zombies(zombies: Zombies, proc: PaperProc) -> None:
    measured(zombies, proc, 0)
    proc.stacks += 16 * 500
    proc.file("7/stat", "no line of a process")

    assert measured(zombies, proc, 500).value == 0


def test_tasks_without_a_stack_are_zombies_in_this_kernel_too() -> None:
    sampler = this_host().sampler

    def now() -> tuple[int, int]:
        return sampler.look(loadavg.read).value.tasks, sampler.look(stacks.read).value

    tasks, kilobytes = now()
    basis = StackBasis(alive=tasks, kilobytes=kilobytes)
    with child(UNREAPED):
        until(lambda: basis.ended(*now()) >= 40)


def test_real_zombies_are_found_with_their_parent() -> None:
    zombies = Zombies(ZombiesSection(), this_host())
    with child(UNREAPED) as pid:

        def is_blamed() -> bool:
            (found,) = zombies.check(())
            # On a busy machine others have ended children too.
            return pid in {culprit.identity.pid for culprit in found.culprits}

        until(is_blamed)
