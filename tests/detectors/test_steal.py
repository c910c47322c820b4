"""Stolen time: of all time, over a minute, and nobody's fault here."""

from pathlib import Path

import pytest

from bot.detectors.steal import Steal, StealSection
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.pieces import HandClock, PaperFacts, PaperProc, context, this_host
from tests.fakes.patience import until


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.spend(100, busy=0.1)
    return paper


@pytest.fixture
def steal(proc: PaperProc) -> Steal:
    return Steal(StealSection(), context(proc.root, proc.clock, PaperFacts(proc.root)))


def measured(steal: Steal, proc: PaperProc, stolen: float) -> Finding:
    """Ten seconds of two cores with this fraction stolen of all time."""
    ticks = 2000
    proc.steal += round(ticks * stolen)
    proc.busy -= round(ticks * stolen)
    proc.spend(10, busy=0.9)
    (finding,) = steal.check(("",))
    return finding


@pytest.mark.parametrize(
    ("stolen", "level"),
    [(0.05, Level.OK), (0.15, Level.WARNING), (0.5, Level.CRITICAL)],
)
def test_it_is_judged_of_all_time(
    steal: Steal, proc: PaperProc, stolen: float, level: Level
) -> None:
    measured(steal, proc, 0)

    found = measured(steal, proc, stolen)

    assert (found.value, found.level) == (pytest.approx(100 * stolen, abs=0.1), level)
    assert (found.no_action is None) == (level is Level.OK)
    assert found.looks_back.total_seconds() == 30


def test_a_migration_of_ten_seconds_is_thinned_and_over(
    steal: Steal, proc: PaperProc
) -> None:
    shares = [0, 0, 0, 0, 0, 0, 0, 0.5, *[0] * 8]

    levels = [measured(steal, proc, share).level for share in shares]

    assert set(levels[1:]) == {Level.OK}


def test_it_clears_below_its_limit(steal: Steal, proc: PaperProc) -> None:
    levels = [measured(steal, proc, s).level for s in [0.2] * 8 + [0] * 8]

    assert levels[7] is Level.WARNING
    assert levels[-1] is Level.OK


def test_a_counter_that_fell_gives_no_judgement(steal: Steal, proc: PaperProc) -> None:
    measured(steal, proc, 0.2)
    proc.steal = 0

    assert measured(steal, proc, 0).level is Level.UNKNOWN


def test_a_host_that_does_not_count_does_not_tell(
    steal: Steal, proc: PaperProc
) -> None:
    (proc.root / "stat").unlink()

    with pytest.raises(NotTold, match="CPU"):
        steal.check(())


def test_this_host_tells_a_share() -> None:
    steal = Steal(StealSection(), this_host())
    values: list[float] = []

    def is_told() -> bool:
        values.extend(f.value for f in steal.check(()) if f.value is not None)
        return bool(values)

    until(is_told)
    assert 0 <= values[0] <= 100
