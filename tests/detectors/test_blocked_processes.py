"""Processes that hang in the kernel, told apart from those that work with a disk."""

import os
from pathlib import Path

import pytest

from bot.detectors.blocked_processes import BlockedProcesses, BlockedSection
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

# Who starts a program waits in the kernel until it has begun: here never, as the new
# process waits for somebody to write to a pipe with a name.
WAITS = (
    "import os\n"
    "actions = [(os.POSIX_SPAWN_OPEN, 0, {fifo!r}, os.O_RDONLY, 0)]\n"
    "os.posix_spawn('/bin/true', ['true'], {{}}, file_actions=actions)\n"
)


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.write()
    paper.tasks(100)
    return paper


@pytest.fixture
def blocked(proc: PaperProc) -> BlockedProcesses:
    return BlockedProcesses(
        BlockedSection(), context(proc.root, proc.clock, PaperFacts(proc.root))
    )


def measured(
    blocked: BlockedProcesses, proc: PaperProc, *, busy: float = 0.0
) -> Finding:
    proc.spend(15, busy=busy)
    (finding,) = blocked.check(())
    return finding


def test_who_hangs_is_told_with_its_place_and_what_helps(
    blocked: BlockedProcesses, proc: PaperProc
) -> None:
    proc.tasks(100, one=0.9)
    proc.process(42, state=b"D", comm=b"rsync", ticks=70)
    proc.file("42/wchan", "rpc_wait_bit_killable")

    levels = [measured(blocked, proc).level for _ in range(2)]
    found = measured(blocked, proc)

    assert [*levels, found.level] == [Level.OK, Level.WARNING, Level.WARNING]
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["They are"] == "rsync (pid 42)"
    assert facts["They wait in"] == "rpc_wait_bit_killable (1): a network file system"
    assert found.no_action is not None
    assert found.no_action.by_hand.startswith("cat /proc/42/stack")


def test_a_pile_of_them_is_critical_and_ends(
    blocked: BlockedProcesses, proc: PaperProc
) -> None:
    proc.blocked = 6
    for pid in range(40, 46):
        proc.process(pid, state=b"D")
    measured(blocked, proc)
    assert measured(blocked, proc).level is Level.CRITICAL

    for pid in range(40, 46):
        proc.process(pid, state=b"S")

    assert measured(blocked, proc).level is Level.OK


def test_a_backup_waits_for_the_disk_and_gets_on(
    blocked: BlockedProcesses, proc: PaperProc
) -> None:
    proc.blocked = 1
    for rounds in range(10):
        proc.process(42, state=b"D", comm=b"tar", ticks=5 * rounds)

        assert measured(blocked, proc).level is Level.OK


def test_threads_of_the_kernel_are_left_out(
    blocked: BlockedProcesses, proc: PaperProc
) -> None:
    proc.blocked = 1
    proc.process(60, ppid=2, state=b"D", comm=b"kworker/u8:1")
    measured(blocked, proc)

    assert measured(blocked, proc).level is Level.OK


def test_busy_cores_explain_the_load_and_nothing_is_scanned(
    blocked: BlockedProcesses, proc: PaperProc
) -> None:
    proc.tasks(100, one=2.1)
    measured(blocked, proc, busy=1.0)
    proc.file("7/stat", "no line of a process")

    assert measured(blocked, proc, busy=1.0).level is Level.OK


def test_a_load_that_only_fades_is_not_looked_into(
    blocked: BlockedProcesses, proc: PaperProc
) -> None:
    proc.tasks(100, one=8.0)
    measured(blocked, proc, busy=1.0)
    proc.file("7/stat", "no line of a process")
    for one in (6.23, 4.85, 3.78):
        proc.tasks(100, one=one)

        assert measured(blocked, proc).level is Level.OK


def test_a_process_that_really_hangs_is_found(tmp_path: Path) -> None:
    fifo = tmp_path / "never written"
    os.mkfifo(fifo)
    blocked = BlockedProcesses(BlockedSection(), this_host())
    with child(WAITS.format(fifo=str(fifo))) as pid:
        try:

            def is_told() -> bool:
                (found,) = blocked.check(("",))
                return f"(pid {pid})" in found.summary

            until(is_told)
        finally:
            os.close(os.open(fifo, os.O_RDWR))
