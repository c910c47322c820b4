"""Room for tasks: how full it is, and who has them."""

from pathlib import Path

import pytest

from bot.detectors.tasks import Tasks, TasksSection
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.pieces import (
    HandClock,
    PaperFacts,
    PaperProc,
    child,
    context,
    this_host,
)
from tests.fakes.patience import until

THREADS = (
    "import threading, time\n"
    "for _ in range(300):\n"
    "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    "time.sleep(60)\n"
)


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.write()
    paper.file("sys/kernel/pid_max", "1000\n")
    paper.file("sys/kernel/threads-max", "5000\n")
    return paper


@pytest.fixture
def tasks(proc: PaperProc) -> Tasks:
    return Tasks(TasksSection(), context(proc.root, proc.clock, PaperFacts(proc.root)))


def measured(tasks: Tasks, proc: PaperProc, count: int) -> Finding:
    proc.tasks(count)
    proc.clock.forward(10)
    (finding,) = tasks.check(())
    return finding


@pytest.mark.parametrize(
    ("count", "level"), [(740, Level.OK), (750, Level.WARNING), (990, Level.CRITICAL)]
)
def test_the_tighter_of_two_limits_counts(
    tasks: Tasks, proc: PaperProc, count: int, level: Level
) -> None:
    found = measured(tasks, proc, count)

    assert (found.value, found.level) == (pytest.approx(count / 10), level)
    assert "kernel.pid_max" in found.summary


def test_it_ends_a_tenth_below_its_limit(tasks: Tasks, proc: PaperProc) -> None:
    levels = [measured(tasks, proc, n).level for n in (760, 700, 670)]

    assert levels == [Level.WARNING, Level.WARNING, Level.OK]


def test_the_maker_of_the_children_is_the_culprit(
    tasks: Tasks, proc: PaperProc
) -> None:
    proc.process(40, comm=b"cron")
    proc.process(50, ppid=40, comm=b"job")
    for pid in range(100, 120):
        proc.process(pid, ppid=50, threads=40, comm=b"worker")

    found = measured(tasks, proc, 900)

    assert found.culprit is not None
    assert found.culprit.identity.pid == 50
    assert found.culprit.share == pytest.approx(801 / 802)


def test_nobody_is_blamed_for_many_small_ones(tasks: Tasks, proc: PaperProc) -> None:
    for pid in range(100, 130):
        proc.process(pid, threads=2)

    found = measured(tasks, proc, 900)

    assert found.culprit is None
    assert found.no_action is not None
    assert found.no_action.by_hand.startswith("ps ")


def test_a_roomy_host_is_not_scanned(tasks: Tasks, proc: PaperProc) -> None:
    proc.file("7/stat", "no line of a process")

    assert measured(tasks, proc, 600).level is Level.OK


def test_a_host_without_the_limits_does_not_tell(tasks: Tasks, proc: PaperProc) -> None:
    (proc.root / "sys" / "kernel" / "pid_max").unlink()

    with pytest.raises(NotTold, match="pid_max"):
        measured(tasks, proc, 10)


def test_real_threads_are_found_with_their_process() -> None:
    tasks = Tasks(TasksSection(warning=0.0001, critical=99), this_host())
    with child(THREADS) as pid:

        def is_blamed() -> bool:
            (found,) = tasks.check(())
            blamed = found.culprit
            return blamed is not None and blamed.identity.pid == pid

        # Others on this machine may have more for a while.
        until(is_blamed, seconds=90)
