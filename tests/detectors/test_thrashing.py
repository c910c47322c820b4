"""Pages that come back at once, told apart from pages that come for the first time."""

from pathlib import Path

import pytest

from bot.detectors.thrashing import Thrashing, ThrashingSection
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.pieces import HandClock, PaperFacts, PaperProc, context, this_host


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.spend(100, busy=0.1)
    paper.memory(total=100_000, available=5_000)
    paper.calm()
    return paper


@pytest.fixture
def thrashing(proc: PaperProc) -> Thrashing:
    return Thrashing(
        ThrashingSection(), context(proc.root, proc.clock, PaperFacts(proc.root))
    )


def after_a_minute(
    thrashing: Thrashing, proc: PaperProc, *, faults: int, refaults: int
) -> list[Finding]:
    """Twelve rounds of five seconds at these rates."""
    found = []
    for rounds in range(12):
        proc.vmstat(
            pgmajfault=5 * rounds * faults,
            workingset_refault_anon=5 * rounds * refaults // 2,
            workingset_refault_file=5 * rounds * refaults // 2,
        )
        proc.spend(5, busy=0.3)
        found += thrashing.check(("",))
    return found


def test_pages_that_come_back_are_thrashing(
    thrashing: Thrashing, proc: PaperProc
) -> None:
    proc.pressure("memory", some=40, full=30)
    proc.process(42, pages=20_000, anonymous=20_000)

    *_, found = after_a_minute(thrashing, proc, faults=2000, refaults=8000)

    assert (found.value, found.level) == (pytest.approx(2000), Level.WARNING)
    assert found.culprit is not None
    assert found.culprit.identity.pid == 42
    assert found.looks_back.total_seconds() == 30


def test_a_cold_start_reads_what_nobody_dropped(
    thrashing: Thrashing, proc: PaperProc
) -> None:
    proc.pressure("memory", some=40, full=30)

    found = after_a_minute(thrashing, proc, faults=9000, refaults=100)

    assert {f.level for f in found[1:]} == {Level.OK}


def test_a_backup_makes_nobody_wait_for_memory(
    thrashing: Thrashing, proc: PaperProc
) -> None:
    found = after_a_minute(thrashing, proc, faults=2000, refaults=8000)

    assert {f.level for f in found[1:]} == {Level.OK}


def test_without_psi_the_faults_decide(thrashing: Thrashing, proc: PaperProc) -> None:
    for name in ("cpu", "memory", "io"):
        (proc.root / "pressure" / name).unlink()

    *_, found = after_a_minute(thrashing, proc, faults=6000, refaults=8000)

    assert found.level is Level.CRITICAL


def test_it_ends_when_nobody_waits_any_more(
    thrashing: Thrashing, proc: PaperProc
) -> None:
    proc.pressure("memory", some=40, full=30)
    after_a_minute(thrashing, proc, faults=2000, refaults=8000)
    proc.calm()
    proc.spend(5, busy=0.3)

    (found,) = thrashing.check(())

    assert found.level is Level.OK


def test_a_kernel_that_does_not_count_does_not_tell(
    thrashing: Thrashing, proc: PaperProc
) -> None:
    proc.vmstat(pswpin=0)

    with pytest.raises(NotTold, match="refaults"):
        thrashing.check(())


def test_this_host_tells() -> None:
    thrashing = Thrashing(ThrashingSection(), this_host())

    assert [f.level for f in thrashing.check(("",))] == [Level.UNKNOWN]
