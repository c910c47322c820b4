"""The memory that is left: low is bad, and whose memory it is."""

from pathlib import Path

import pytest

from bot.detectors.memory import Memory, MemorySection
from bot.model import Level
from tests.detectors.pieces import (
    WARM_UP,
    HandClock,
    PaperFacts,
    PaperProc,
    child,
    context,
    this_host,
)


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.write()
    return paper


@pytest.fixture
def memory(proc: PaperProc) -> Memory:
    return Memory(
        MemorySection(), context(proc.root, proc.clock, PaperFacts(proc.root))
    )


@pytest.mark.parametrize(
    ("available", "level"),
    [
        (50_000, Level.OK),
        (10_001, Level.OK),
        (10_000, Level.WARNING),
        (5_000, Level.CRITICAL),
        (0, Level.CRITICAL),
    ],
)
def test_little_available_memory_is_bad(
    memory: Memory, proc: PaperProc, available: int, level: Level
) -> None:
    proc.memory(total=100_000, available=available)

    (finding,) = memory.check(())

    assert finding.value == pytest.approx(available / 1000)
    assert finding.level is level
    assert finding.group == "memory"


def test_the_host_is_reported_also_when_it_is_well(
    memory: Memory, proc: PaperProc
) -> None:
    proc.memory(total=100_000, available=60_000)

    (finding,) = memory.check(())

    assert finding.summary == "web-1 has 60 % of its memory available."
    assert finding.culprits == ()


def test_a_host_without_figures_is_unknown(memory: Memory) -> None:
    (finding,) = memory.check(())

    assert (finding.level, finding.value) == (Level.UNKNOWN, None)


def test_the_holder_of_most_used_memory_is_named(
    memory: Memory, proc: PaperProc
) -> None:
    proc.memory(total=100_000, available=4_000)
    # Pids beyond any kernel's range: nothing real is looked at by accident.
    proc.process(2**23, pages=15_000)
    proc.process(2**23 + 1, pages=5_000)
    proc.process(2**23 + 2, pages=10)

    (finding,) = memory.check(())

    assert finding.culprit is not None
    assert finding.culprit.identity.pid == 2**23
    assert finding.culprit.share == pytest.approx(60_000 / 96_000)
    assert len(finding.culprits) == 2
    assert "62 % of what is used is held by yes" in finding.summary


def test_a_real_holder_is_found_by_what_ending_it_would_free() -> None:
    host = this_host()
    before = host.sampler.sample().memory
    assert before is not None
    if before.used_bytes > 6e9 or before.available_bytes < 2e9:
        pytest.skip("a child of 900 MB is too small or too large for this host")
    memory = Memory(MemorySection(warning=100, critical=99.9), host)
    with child(WARM_UP.replace("60_000_000", "900_000_000")) as pid:
        shares: dict[int, float] = {}
        for _ in range(200):
            (finding,) = memory.check(())
            shares = {c.identity.pid: c.share for c in finding.culprits}
            if shares.get(pid, 0) > 0.1:
                break

        assert finding.level is Level.CRITICAL
        assert shares.get(pid, 0) > 0.1
