"""Swap that fills and moves; swap that only lies there."""

from pathlib import Path

import pytest

from bot.detectors.swap import Swap, SwapSection
from bot.model import Finding, Level
from tests.detectors.pieces import HandClock, PaperFacts, PaperProc, context, this_host


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.spend(100, busy=0.1)
    return paper


@pytest.fixture
def swap(proc: PaperProc) -> Swap:
    return Swap(SwapSection(), context(proc.root, proc.clock, PaperFacts(proc.root)))


class Traffic:
    """Ten seconds at a time, with this many pages per second each way."""

    def __init__(self, swap: Swap, proc: PaperProc) -> None:
        self.swap, self.proc, self.pages = swap, proc, 0

    def measured(self, *, free: int, pages: int) -> Finding:
        self.pages += 10 * pages
        self.proc.swap_free = free
        self.proc.memory(total=100_000, available=5_000)
        self.proc.vmstat(pswpin=self.pages, pswpout=self.pages)
        self.proc.spend(10, busy=0.3)
        (finding,) = self.swap.check(("",))
        return finding


def test_full_swap_that_moves_is_bad_and_its_holders_are_not_to_blame(
    swap: Swap, proc: PaperProc
) -> None:
    proc.process(42, pages=10, anonymous=10, swapped=700)
    proc.process(43, pages=20, anonymous=20, swapped=50)
    traffic = Traffic(swap, proc)

    levels = [traffic.measured(free=150, pages=500).level for _ in range(3)]
    found = traffic.measured(free=30, pages=500)

    assert levels == [Level.UNKNOWN, Level.WARNING, Level.WARNING]
    assert found.level is Level.CRITICAL
    assert found.culprits == ()
    assert found.no_action is not None
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Top 1"] == "72 % of the swap: yes (pid 42, build)"
    assert found.looks_back.total_seconds() == 30


def test_full_swap_that_lies_still_is_well(swap: Swap, proc: PaperProc) -> None:
    traffic = Traffic(swap, proc)

    found = [traffic.measured(free=10, pages=1) for _ in range(5)]

    assert {f.level for f in found[1:]} == {Level.OK}
    assert found[-1].value == pytest.approx(99)


def test_a_second_without_traffic_ends_nothing(swap: Swap, proc: PaperProc) -> None:
    traffic = Traffic(swap, proc)
    pages = [500, 500, 500, 500, 0, 0, 500, *[0] * 12]

    levels = [traffic.measured(free=100, pages=rate).level for rate in pages]

    assert set(levels[1:10]) == {Level.WARNING}
    assert levels[-1] is Level.OK


def test_a_host_without_swap_is_well(swap: Swap, proc: PaperProc) -> None:
    (proc.root / "meminfo").write_text("MemTotal: 10 kB\nMemAvailable: 5 kB\n")
    proc.vmstat(pswpin=0, pswpout=0)

    (found,) = swap.check(())

    assert (found.value, found.level) == (0, Level.OK)


def test_a_counter_that_fell_begins_anew(swap: Swap, proc: PaperProc) -> None:
    traffic = Traffic(swap, proc)
    traffic.measured(free=100, pages=500)
    traffic.pages = 0

    assert traffic.measured(free=100, pages=0).level is Level.UNKNOWN
    assert traffic.measured(free=100, pages=0).level is Level.OK


def test_this_host_tells() -> None:
    swap = Swap(SwapSection(), this_host())
    found = [*swap.check(("",)), *swap.check(("",))]

    assert all(f.value is None or 0 <= f.value <= 100 for f in found)
