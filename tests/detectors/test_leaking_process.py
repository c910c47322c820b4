"""Growth without an end, and what only looks like it."""

import time
from pathlib import Path

import pytest

from bot.detectors.leaking_process import WEEK, LeakingProcess, LeakSection
from bot.host.host import HostSampler, ProcessScan
from bot.model import Level
from tests.detectors.pieces import (
    LEAK,
    LEAK_SECONDS,
    WARM_UP,
    HandClock,
    PaperFacts,
    PaperProc,
    child,
    context,
    this_host,
)

PID = 2**23 + 5
"""Beyond any kernel's range: nothing real is looked at by accident."""
MB = 1_000_000 // 4096


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.memory(total=8_000_000, available=4_000_000)
    paper.spend(30, busy=0.1)
    return paper


def hold(proc: PaperProc, pages: int, *, anonymous: int | None = None) -> None:
    """Let the process hold this much, and the host have as much less."""
    proc.process(PID, pages=pages, anonymous=anonymous)
    proc.memory(total=8_000_000, available=4_000_000 - 4 * pages)


@pytest.fixture
def leaking(proc: PaperProc) -> LeakingProcess:
    host = context(proc.root, proc.clock, PaperFacts(proc.root))
    return LeakingProcess(LeakSection(), host)


def test_steady_growth_is_told_in_hours_left(
    leaking: LeakingProcess, proc: PaperProc
) -> None:
    for rounds in range(40):
        proc.spend(30, busy=0.1)
        hold(proc, (200 + 10 * rounds) * MB)
        findings = leaking.check(())

    (finding,) = findings
    # 10 MB in 30 s are 1.2 GB per hour; of 4.1 GB this one holds 0.6.
    assert finding.value == pytest.approx((4.096 - 0.59) / 1.2, rel=0.02)
    assert finding.level is Level.WARNING
    assert finding.culprit is not None
    assert finding.culprit.identity.pid == PID
    assert finding.summary.startswith(
        f"yes (pid {PID}, build) grows by 1.2 GB per hour"
    )


class CountingSampler(HostSampler):
    """Counts how often all processes are looked at."""

    scans = 0

    def processes(self) -> ProcessScan:
        self.scans += 1
        return super().processes()


@pytest.mark.parametrize(("rounds_of_build", "looks"), [(4, False), (40, True)])
def test_no_process_is_looked_at_while_the_host_needs_no_more(
    proc: PaperProc, rounds_of_build: int, *, looks: bool
) -> None:
    sampler = CountingSampler(proc.clock, proc=proc.root)
    host = context(proc.root, proc.clock, PaperFacts(proc.root), sampler=sampler)
    leaking = LeakingProcess(LeakSection(), host)
    for rounds in range(120):
        proc.spend(30, busy=0.1)
        used = 500_000 if rounds % 60 < rounds_of_build else 0
        proc.memory(total=8_000_000, available=4_000_000 - used)
        assert leaking.check(()) == []

    assert bool(sampler.scans) is looks


def test_growth_that_comes_to_an_end_is_a_warm_up(
    leaking: LeakingProcess, proc: PaperProc
) -> None:
    for rounds in range(60):
        proc.spend(30, busy=0.1)
        hold(proc, min(200 + 40 * rounds, 800) * MB)
        findings = leaking.check(())

    assert findings == []


def test_a_sawtooth_is_no_leak(leaking: LeakingProcess, proc: PaperProc) -> None:
    for rounds in range(60):
        proc.spend(30, busy=0.1)
        hold(proc, (200 + 30 * (rounds % 12)) * MB)
        assert leaking.check(()) == []


def test_little_growth_is_no_leak(leaking: LeakingProcess, proc: PaperProc) -> None:
    for rounds in range(60):
        proc.spend(30, busy=0.1)
        hold(proc, 200 * MB + 100 * rounds)
        assert leaking.check(()) == []


def test_a_watched_leak_that_stopped_is_well_again(
    leaking: LeakingProcess, proc: PaperProc
) -> None:
    for _ in range(60):
        proc.spend(30, busy=0.1)
        hold(proc, 200 * MB)
        findings = leaking.check({f"process:{PID}:50"})

    assert [(f.level, f.value) for f in findings] == [(Level.OK, WEEK)]


def test_a_watched_process_is_unknown_until_it_was_followed_for_long_enough(
    leaking: LeakingProcess, proc: PaperProc
) -> None:
    hold(proc, 200 * MB)

    findings = leaking.check({f"process:{PID}:50"})

    assert [(f.level, f.value) for f in findings] == [(Level.UNKNOWN, None)]


def test_a_watched_process_that_ended_leaks_no_more(leaking: LeakingProcess) -> None:
    findings = leaking.check({f"process:{PID}:50"})

    assert [(f.level, f.value) for f in findings] == [(Level.OK, WEEK)]


def test_after_a_long_gap_growth_is_followed_anew(
    leaking: LeakingProcess, proc: PaperProc
) -> None:
    for rounds in range(40):
        proc.spend(30, busy=0.1)
        hold(proc, (200 + 10 * rounds) * MB)
        leaking.check(())
    proc.clock.forward(28_800)

    findings = leaking.check({f"process:{PID}:50"})

    assert [f.level for f in findings] == [Level.UNKNOWN]


def test_after_a_reboot_growth_is_followed_anew(
    leaking: LeakingProcess, proc: PaperProc
) -> None:
    for rounds in range(40):
        proc.spend(30, busy=0.1)
        hold(proc, (200 + 10 * rounds) * MB)
        leaking.check(())
    proc.clock.forward(30)
    proc.clock.boot_id = "boot-2"

    findings = leaking.check({f"process:{PID}:50"})

    assert [f.level for f in findings] == [Level.UNKNOWN]


def test_a_file_that_is_being_read_is_no_leak(
    leaking: LeakingProcess, proc: PaperProc
) -> None:
    for rounds in range(40):
        proc.spend(30, busy=0.1)
        hold(proc, (200 + 10 * rounds) * MB, anonymous=50 * MB)
        assert leaking.check(()) == []


def test_the_limit_of_its_cgroup_counts_where_it_is_nearer(
    proc: PaperProc, tmp_path: Path
) -> None:
    cgroup = tmp_path / "cgroup/system.slice/ci.service"
    cgroup.mkdir(parents=True)
    (tmp_path / "cgroup/cgroup.controllers").write_text("memory")
    (cgroup / "memory.max").write_text("1000000000")
    (cgroup / "memory.current").write_text("400000000")
    (cgroup / "memory.stat").write_text("inactive_file 0\n")
    sampler = HostSampler(proc.clock, proc=proc.root, cgroups=[tmp_path / "cgroup"])
    facts = PaperFacts(proc.root)
    leaking = LeakingProcess(
        LeakSection(), context(proc.root, proc.clock, facts, sampler=sampler)
    )
    for rounds in range(40):
        proc.spend(30, busy=0.1)
        hold(proc, (200 + 10 * rounds) * MB)
        findings = leaking.check(())

    (finding,) = findings
    assert finding.value == pytest.approx(0.6 / 1.2, rel=0.02)
    assert finding.level is Level.CRITICAL


def section() -> LeakSection:
    return LeakSection.model_validate(
        {"interval": "0.2s", "for": "0.4s", "window": "3s", "min_growth_mb": 10}
    )


def test_a_real_leak_is_found_and_named() -> None:
    """As soon as the host's own memory shows it: others may free theirs meanwhile."""
    leaking = LeakingProcess(section(), this_host())
    end = time.monotonic() + LEAK_SECONDS
    with child(LEAK) as pid:
        seen = set()
        while time.monotonic() < end:
            found = leaking.check(())
            seen |= {f.culprit.identity.pid for f in found if f.culprit}
            if pid in seen:
                break
            time.sleep(0.2)

    assert pid in seen


def test_a_real_large_process_that_does_not_grow_is_left_alone() -> None:
    leaking = LeakingProcess(section(), this_host())
    with child(WARM_UP) as pid:
        time.sleep(0.5)
        for _ in range(10):
            found = leaking.check(())
            assert pid not in {f.culprit.identity.pid for f in found if f.culprit}
            time.sleep(0.2)
