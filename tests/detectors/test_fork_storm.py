"""Processes that are made too fast: by whom, whether they stay or end at once."""

import time
from pathlib import Path

import pytest

from bot.detectors.fork_storm import WINDOW, ForkStorm, ForkStormSection
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

CHURN = (
    "import os\n"
    "while True:\n"
    "    pid = os.posix_spawn('/bin/true', ['true'], {})\n"
    "    os.waitpid(pid, 0)\n"
)
# Four hundred that stay, which end with their parent's pipe.
STAY = (
    "import os, time\n"
    "r, w = os.pipe()\n"
    "for _ in range(400):\n"
    "    if os.fork() == 0:\n"
    "        os.close(w); os.read(r, 1); os._exit(0)\n"
    "    time.sleep(0.002)\n"
    "time.sleep(60)\n"
)


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.spend(100, busy=0.1)
    paper.tasks(100)
    return paper


@pytest.fixture
def storm(proc: PaperProc) -> ForkStorm:
    return ForkStorm(
        ForkStormSection(), context(proc.root, proc.clock, PaperFacts(proc.root))
    )


def measured(storm: ForkStorm, proc: PaperProc, per_second: int) -> Finding:
    """Let five seconds pass on two cores."""
    proc.forks += per_second * 5
    proc.spend(5, busy=0.9)
    (finding,) = storm.check(("",))
    return finding


@pytest.mark.parametrize(
    ("per_second", "level"),
    [(80, Level.OK), (1700, Level.OK), (2000, Level.WARNING), (9000, Level.CRITICAL)],
)
def test_work_makes_processes_and_a_storm_makes_more(
    storm: ForkStorm, proc: PaperProc, per_second: int, level: Level
) -> None:
    measured(storm, proc, 0)

    found = measured(storm, proc, per_second)

    assert (found.value, found.level) == (pytest.approx(per_second / 2), level)
    assert found.hold_for is None


def test_a_burst_is_thinned_by_the_window_and_ends(
    storm: ForkStorm, proc: PaperProc
) -> None:
    rates = [0, 0, 0, 0, 0, 3000, *[0] * 5]

    levels = [measured(storm, proc, rate).level for rate in rates]

    assert set(levels[1:]) == {Level.OK}


def test_what_waited_for_the_ended_ones_is_the_culprit(
    storm: ForkStorm, proc: PaperProc
) -> None:
    proc.process(30, reaped=10)
    for rounds in range(6):
        proc.process(42, comm=b"sh", reaped=100_000 * rounds)
        found = measured(storm, proc, 3000)

    assert found.culprit is not None
    assert found.culprit.identity.pid == 42
    assert found.hold_for is None


def test_who_started_the_maker_is_not_blamed_for_its_end(
    storm: ForkStorm, proc: PaperProc
) -> None:
    blamed = []
    for rounds in range(12):
        is_over = rounds > 6
        proc.process(30, comm=b"cron", reaped=900_000 if is_over else 0)
        if not is_over:
            proc.process(42, ppid=30, comm=b"sh", reaped=100_000 * rounds)
        elif rounds == 7:
            proc.end(42)
        found = measured(storm, proc, 0 if is_over else 3000)
        blamed += [culprit.identity.pid for culprit in found.culprits]

    assert set(blamed) == {42}


def test_what_stays_fires_soon_and_names_the_top_of_it(proc: PaperProc) -> None:
    host = context(proc.root, proc.clock, PaperFacts(proc.root))
    storm = ForkStorm(ForkStormSection(warning=10, critical=100), host)
    proc.process(42, comm=b"sh")
    # Each one makes the next: a chain of copies below the one that a shell began.
    for rounds in range(5):
        for number in range(200 * rounds, 200 * (rounds + 1)):
            above = 1000 + number - 1 if number else 42
            proc.process(1000 + number, ppid=above, comm=b"bomb")
        proc.tasks(100 + 200 * rounds)
        found = measured(storm, proc, 40)

    assert found.hold_for == WINDOW
    assert found.culprit is not None
    # The scans began two rounds ago; what was there then is no copy that is known of.
    assert found.culprit.identity.pid == 1600


def test_a_few_that_are_new_are_not_who_made_thousands(
    storm: ForkStorm, proc: PaperProc
) -> None:
    proc.process(42, comm=b"web")
    for rounds in range(5):
        proc.process(100 + rounds, ppid=42, comm=b"web")
        found = measured(storm, proc, 3000)

    assert (found.level, found.culprits) == (Level.WARNING, ())


def test_who_waits_for_a_few_did_not_make_thousands(
    storm: ForkStorm, proc: PaperProc
) -> None:
    for rounds in range(5):
        proc.process(42, comm=b"make", reaped=5000 * rounds)
        found = measured(storm, proc, 3000)

    assert (found.level, found.culprits) == (Level.WARNING, ())


def test_a_counter_that_fell_gives_no_judgement(
    storm: ForkStorm, proc: PaperProc
) -> None:
    measured(storm, proc, 5000)
    proc.forks = 0

    assert measured(storm, proc, 0).level is Level.UNKNOWN
    assert measured(storm, proc, 0).level is Level.OK


def test_a_calm_host_is_not_scanned(storm: ForkStorm, proc: PaperProc) -> None:
    proc.file("7/stat", "no line of a process")
    measured(storm, proc, 0)

    assert measured(storm, proc, 500).level is Level.OK


def is_found(code: str) -> bool:
    """Try it once: whether the child that runs the code is blamed within seconds."""
    section = ForkStormSection(warning=5, critical=1e6, clear_warning=1)
    storm = ForkStorm(section, this_host())
    with child(code) as pid:
        for _ in range(30):
            blamed = [f.culprit for f in storm.check(()) if f.culprit is not None]
            if any(culprit.identity.pid == pid for culprit in blamed):
                return True
            time.sleep(0.1)
    return False


@pytest.mark.parametrize("code", [CHURN, STAY])
def test_a_real_maker_is_found(code: str) -> None:
    # Whoever else makes more processes in those seconds is rightly blamed instead.
    until(lambda: is_found(code), seconds=60)
