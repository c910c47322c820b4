"""The CPU of the host: what counts as busy, who is named, what is not judged."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.detectors.cpu import Cpu, CpuSection, usage_between
from bot.host.procfs import CpuTimes
from bot.model import Level
from tests.detectors.pieces import (
    BURN,
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
    paper.spend(100, busy=0.1)
    return paper


@pytest.fixture
def cpu(proc: PaperProc) -> Cpu:
    host = context(proc.root, proc.clock, PaperFacts(proc.root))
    return Cpu(CpuSection(), host)


def test_the_first_round_judges_nothing(cpu: Cpu) -> None:
    assert cpu.check(()) == []


def test_busy_is_what_all_cores_did_in_the_round(cpu: Cpu, proc: PaperProc) -> None:
    cpu.check(())
    proc.spend(5, busy=0.5)

    (finding,) = cpu.check(())

    assert finding.value == pytest.approx(50)
    assert finding.level is Level.OK
    assert finding.summary == "The CPU of web-1 is 50 % busy."


def test_waiting_for_io_is_idle(cpu: Cpu, proc: PaperProc) -> None:
    cpu.check(())
    proc.spend(5, busy=0.1, iowait=0.9)

    (finding,) = cpu.check(())

    assert finding.value == pytest.approx(10)
    assert finding.level is Level.OK
    assert ("Waiting for I/O", "90 %") in {(f.label, f.value) for f in finding.facts}


def test_stolen_time_neither_hides_nor_makes_load(cpu: Cpu, proc: PaperProc) -> None:
    cpu.check(())
    proc.steal += 1000
    proc.spend(5, busy=1.0)

    (finding,) = cpu.check(())

    assert finding.value == pytest.approx(100)
    assert any(fact.label == "Stolen by the hypervisor" for fact in finding.facts)


def test_polite_work_is_no_load_and_nobodys_fault(cpu: Cpu, proc: PaperProc) -> None:
    cpu.check(())
    for rounds in range(1, 3):
        proc.process(42, ticks=800 * rounds, nice=19)
        proc.process(43, ticks=90 * rounds, comm=b"web")
        proc.spend(5, busy=0.1, polite=0.9)
        (polite,) = cpu.check(())
    assert (polite.value, polite.level) == (pytest.approx(10), Level.OK)
    assert ("At low priority", "90 %") in {(f.label, f.value) for f in polite.facts}
    for rounds in range(3, 6):
        proc.process(42, ticks=800 * rounds, nice=19)
        proc.process(43, ticks=900 * rounds, comm=b"web")
        proc.spend(5, busy=0.9, polite=0.1)
        (busy,) = cpu.check(())
    assert busy.culprit is not None
    assert busy.culprit.identity.pid == 43


def test_the_process_with_most_of_the_busy_time_is_the_culprit(
    cpu: Cpu, proc: PaperProc
) -> None:
    proc.process(42, ticks=5000)
    proc.process(43, ticks=90000, comm=b"old")
    cpu.check(())
    for rounds in range(1, 3):
        proc.spend(5, busy=0.96)
        proc.process(42, ticks=5000 + 800 * rounds)
        proc.process(43, ticks=90000 + 100 * rounds, comm=b"old")
        findings = cpu.check(())

    (finding,) = findings
    assert finding.level is Level.CRITICAL
    assert finding.culprit is not None
    assert finding.culprit.identity.pid == 42
    assert finding.culprit.share == pytest.approx(800 / 960)
    assert finding.culprit.amount == pytest.approx(80, abs=1)
    assert finding.summary == (
        "The CPU of web-1 is 96 % busy (limit 95 %), 83 % of it by yes (pid 42, build)."
    )
    assert [culprit.identity.pid for culprit in finding.culprits] == [42, 43]


def test_many_small_users_are_nobodys_fault(cpu: Cpu, proc: PaperProc) -> None:
    cpu.check(())
    for rounds in range(3):
        proc.spend(5, busy=1.0)
        for pid in range(50, 60):
            proc.process(pid, ticks=100 * rounds, comm=b"job%d" % pid)
        findings = cpu.check(())

    assert findings[0].level is Level.CRITICAL
    assert findings[0].culprit is None
    assert len(findings[0].culprits) == 3


def test_workers_of_one_program_are_counted_with_their_leader(
    cpu: Cpu, proc: PaperProc
) -> None:
    cpu.check(())
    for rounds in range(3):
        proc.spend(5, busy=1.0)
        proc.process(50, comm=b"gunicorn", start=1)
        for pid in range(51, 55):
            proc.process(
                pid, ticks=240 * rounds, comm=b"gunicorn", ppid=50, start=100 + pid
            )
        findings = cpu.check(())

    culprit = findings[0].culprit
    assert culprit is not None
    assert culprit.identity.pid == 50
    assert culprit.share == pytest.approx(0.96)


def test_a_pid_that_was_given_away_brings_no_blame_along(
    cpu: Cpu, proc: PaperProc
) -> None:
    cpu.check(())
    proc.spend(5, busy=1.0)
    proc.process(42, ticks=90_000, start=50)
    cpu.check(())
    proc.spend(5, busy=1.0)
    proc.process(42, ticks=10, start=110_600)
    proc.process(43, ticks=600, start=110_600, comm=b"new")

    (finding,) = cpu.check(())

    assert [culprit.identity.pid for culprit in finding.culprits] == [43]


@pytest.mark.parametrize("jump", [-7200.0, 0.0, 28800.0])
def test_a_jump_of_the_clock_is_no_judgement(
    cpu: Cpu, proc: PaperProc, jump: float
) -> None:
    cpu.check(())
    proc.spend(5, busy=1.0)
    proc.clock.forward(jump - 5)

    assert cpu.check(()) == []
    proc.clock.forward(jump)
    assert [f.level for f in cpu.check({""})] == [Level.UNKNOWN]


def test_counters_that_were_reset_are_no_judgement(cpu: Cpu, proc: PaperProc) -> None:
    cpu.check(())
    proc.busy = proc.idle = 0
    proc.spend(5, busy=0.1)

    assert [f.level for f in cpu.check({""})] == [Level.UNKNOWN]


def test_between_the_limits_the_level_stays(cpu: Cpu, proc: PaperProc) -> None:
    levels = []
    cpu.check(())
    for busy in (0.84, 0.86, 0.78, 0.76, 0.78):
        proc.spend(5, busy=busy)
        levels += [finding.level for finding in cpu.check(())]

    assert levels == [
        Level.OK,
        Level.WARNING,
        Level.WARNING,
        Level.OK,
        Level.OK,
    ]


def test_a_round_without_data_does_not_end_what_was_bad(
    cpu: Cpu, proc: PaperProc
) -> None:
    cpu.check(())
    proc.spend(5, busy=0.9)
    cpu.check(())
    proc.clock.forward(5)
    (proc.root / "stat").unlink()
    (missing,) = cpu.check({""})
    proc.spend(5, busy=0.8)
    cpu.check({""})
    proc.spend(5, busy=0.8)
    (held,) = cpu.check({""})

    assert (missing.level, missing.value) == (Level.UNKNOWN, None)
    assert held.level is Level.WARNING


TIMES = st.builds(
    CpuTimes,
    busy=st.integers(0, 10**9),
    idle=st.integers(0, 10**9),
    iowait=st.integers(0, 10**9),
    steal=st.integers(0, 10**9),
    cores=st.integers(1, 512),
)


@given(TIMES, TIMES)
def test_usage_is_a_percentage_or_nothing(before: CpuTimes, now: CpuTimes) -> None:
    usage = usage_between(before, now)

    if usage is not None:
        assert 0 <= usage.busy <= 100
        assert 0 <= usage.steal <= 100
        assert 0 <= usage.iowait <= 100


def test_a_real_loop_without_an_end_is_found_and_named() -> None:
    section = CpuSection.model_validate(
        {"interval": "0.3s", "for": "1s", "warning": 5, "critical": 20}
    )
    cpu = Cpu(section, this_host())
    named: set[int] = set()
    with child(BURN) as pid:
        # On a machine that is busy otherwise it gets its turn a little later.
        for _ in range(40):
            for finding in cpu.check(()):
                named = {culprit.identity.pid for culprit in finding.culprits}
            if pid in named:
                break
            time.sleep(0.3)

    assert pid in named
