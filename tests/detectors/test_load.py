"""The load: per core, with a name only where one process makes half of it."""

from pathlib import Path

import pytest

from bot.detectors.load import Load, LoadSection
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.pieces import HandClock, PaperFacts, PaperProc, context


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock(), cores=4)
    paper.spend(100, busy=0.1)
    return paper


@pytest.fixture
def load(proc: PaperProc) -> Load:
    return Load(LoadSection(), context(proc.root, proc.clock, PaperFacts(proc.root)))


def measured(
    load: Load, proc: PaperProc, one: float, running: int = 16, busy: float = 1.0
) -> Finding:
    (proc.root / "loadavg").write_text(f"{one:.2f} 1.00 0.50 {running}/200 4711\n")
    proc.spend(5, busy=busy)
    (finding,) = load.check(())
    return finding


@pytest.mark.parametrize(
    ("one", "level"), [(4, Level.OK), (8, Level.WARNING), (16, Level.CRITICAL)]
)
def test_it_is_judged_per_core(
    load: Load, proc: PaperProc, one: float, level: Level
) -> None:
    found = measured(load, proc, one)

    assert (found.value, found.level) == (pytest.approx(one / 4), level)
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Load over 1, 5, 15 min"] == f"{one:.1f}, 1.0, 0.5"


def test_what_is_over_is_over_though_the_average_falls_slowly(
    load: Load, proc: PaperProc
) -> None:
    assert measured(load, proc, 16).level is Level.CRITICAL
    assert measured(load, proc, 15, running=1).level is Level.OK


def test_who_uses_half_of_the_cpu_is_the_culprit(load: Load, proc: PaperProc) -> None:
    for rounds in range(3):
        proc.process(42, ticks=1500 * rounds)
        found = measured(load, proc, 9)

    assert found.culprit is not None
    assert found.culprit.identity.pid == 42


def test_nobody_is_blamed_for_tasks_that_wait(load: Load, proc: PaperProc) -> None:
    for rounds in range(3):
        proc.process(42, ticks=10 * rounds)
        found = measured(load, proc, 9)

    assert (found.level, found.culprits) == (Level.WARNING, ())


def test_nobody_is_blamed_while_the_cores_have_time_left(
    load: Load, proc: PaperProc
) -> None:
    for rounds in range(3):
        proc.process(42, ticks=180 * rounds)
        found = measured(load, proc, 9, busy=0.1)

    assert (found.level, found.culprits) == (Level.WARNING, ())
    assert found.points_at is None


def test_nobody_is_blamed_where_half_of_the_tasks_wait_for_a_disk(
    load: Load, proc: PaperProc
) -> None:
    proc.blocked = 8
    for rounds in range(3):
        proc.process(42, ticks=1500 * rounds)
        found = measured(load, proc, 16, running=8)

    assert (found.level, found.culprits) == (Level.CRITICAL, ())


def test_a_calm_host_is_not_scanned(load: Load, proc: PaperProc) -> None:
    (proc.root / "7").mkdir()
    (proc.root / "7" / "stat").write_text("no line of a process")

    assert measured(load, proc, 3).level is Level.OK


def test_a_host_without_the_file_does_not_tell(load: Load) -> None:
    with pytest.raises(NotTold, match="loadavg"):
        load.check(())
