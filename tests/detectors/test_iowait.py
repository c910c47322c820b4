"""Waiting for disks: a crowd that waits is told apart from one backup."""

from pathlib import Path

import pytest

from bot.detectors.iowait import Iowait, IowaitSection
from bot.model import Finding, Level
from tests.detectors.pieces import HandClock, PaperFacts, PaperProc, context, this_host
from tests.fakes.patience import until


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.spend(100, busy=0.1)
    return paper


@pytest.fixture
def iowait(proc: PaperProc) -> Iowait:
    host = context(proc.root, proc.clock, PaperFacts(proc.root))
    return Iowait(IowaitSection(), host)


def rounds(
    iowait: Iowait, proc: PaperProc, share: float, blocked: list[int]
) -> list[Finding]:
    """Ten seconds each, with this many tasks that wait."""
    found = []
    for count in blocked:
        proc.blocked = count
        proc.spend(10, busy=0.1, iowait=share)
        found += iowait.check(("",))
    return found


@pytest.mark.parametrize(
    ("share", "level"), [(0.3, Level.OK), (0.5, Level.WARNING), (0.8, Level.CRITICAL)]
)
def test_a_crowd_that_waits_is_judged(
    iowait: Iowait, proc: PaperProc, share: float, level: Level
) -> None:
    *_, found = rounds(iowait, proc, share, [6, 0, 9, 5, 0, 8, 7])

    assert (found.value, found.level) == (pytest.approx(100 * share), level)
    assert (found.no_action is None) == (level is Level.OK)
    assert found.looks_back.total_seconds() == 30


def test_one_backup_is_work(iowait: Iowait, proc: PaperProc) -> None:
    found = rounds(iowait, proc, 0.85, [1, 2, 1, 1, 2, 1, 1, 2, 1])

    assert {f.level for f in found[1:]} == {Level.OK}
    assert found[-1].value == pytest.approx(85)


def test_it_is_over_when_the_disk_answers(iowait: Iowait, proc: PaperProc) -> None:
    assert rounds(iowait, proc, 0.8, [9] * 8)[-1].level is Level.CRITICAL

    assert rounds(iowait, proc, 0.0, [0] * 8)[-1].level is Level.OK


def test_iowait_that_falls_a_little_is_none(iowait: Iowait, proc: PaperProc) -> None:
    rounds(iowait, proc, 0.0, [9])
    proc.iowait -= 5

    (found,) = rounds(iowait, proc, 0.0, [9])

    assert (found.value, found.level) == (0, Level.OK)


def test_this_host_tells_a_share() -> None:
    iowait = Iowait(IowaitSection(), this_host())
    values: list[float] = []

    def is_told() -> bool:
        values.extend(f.value for f in iowait.check(()) if f.value is not None)
        return bool(values)

    until(is_told)
    assert 0 <= values[0] <= 100
