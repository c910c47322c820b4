"""A process that never waits: which one exactly, and when nobody is looked at."""

import os
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.alert import Alert, Timing, advance
from bot.detectors.runaway_process import RunawayProcess, RunawaySection
from bot.model import Level
from tests.detectors.pieces import (
    BURN,
    BURST,
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
def facts(proc: PaperProc) -> PaperFacts:
    return PaperFacts(proc.root)


@pytest.fixture
def runaway(proc: PaperProc, facts: PaperFacts) -> RunawayProcess:
    return RunawayProcess(RunawaySection(), context(proc.root, proc.clock, facts))


def burn(proc: PaperProc, pid: int, *, rounds: int = 1, cores: float = 1.0) -> None:
    """Let ten seconds pass in which the process used so many cores."""
    proc.spend(10, busy=cores / proc.cores)
    proc.process(pid, ticks=round(1000 * cores * rounds))


def test_two_scans_make_a_finding_of_exactly_this_process(
    runaway: RunawayProcess, proc: PaperProc
) -> None:
    proc.process(42)
    assert runaway.check(()) == []
    burn(proc, 42)

    (finding,) = runaway.check(())

    assert finding.subject == "process:42:50"
    assert finding.value == pytest.approx(100)
    assert finding.level is Level.WARNING
    assert finding.culprit is not None
    assert finding.culprit.identity.pid == 42
    assert finding.summary == (
        "yes (pid 42, build) uses 100 % of one core (limit 90 %)."
    )


def test_two_cores_by_one_process_are_critical(
    runaway: RunawayProcess, proc: PaperProc
) -> None:
    proc.process(42)
    runaway.check(())
    burn(proc, 42, cores=2)

    assert [f.level for f in runaway.check(())] == [Level.CRITICAL]


def test_who_is_polite_is_well_and_stays_followed(
    runaway: RunawayProcess, proc: PaperProc
) -> None:
    proc.process(42, nice=10)
    runaway.check(())
    proc.spend(10, busy=0.5)
    proc.process(42, ticks=1000, nice=10)

    assert runaway.check(()) == []
    proc.spend(10, busy=0.5)
    proc.process(42, ticks=2000, nice=10)
    (finding,) = runaway.check({"process:42:50"})
    assert (finding.value, finding.level) == (pytest.approx(100), Level.OK)
    assert finding.summary.endswith(" at low priority (nice 10).")


def test_a_little_nice_is_usual_also_where_nothing_else_runs(
    runaway: RunawayProcess, proc: PaperProc
) -> None:
    proc.process(42, nice=9)
    runaway.check(())
    proc.spend(10, busy=0.01, polite=0.5)
    proc.process(42, ticks=1000, nice=9)

    (finding,) = runaway.check(())
    assert finding.level is Level.WARNING


def test_a_calm_host_is_not_scanned(runaway: RunawayProcess, proc: PaperProc) -> None:
    runaway.check(())
    proc.spend(10, busy=0.3)
    # A scan would fail on this.
    (proc.root / "77").mkdir()
    (proc.root / "77/stat").write_text("garbage")

    assert runaway.check(()) == []


def test_half_a_core_is_no_runaway(runaway: RunawayProcess, proc: PaperProc) -> None:
    proc.process(42)
    runaway.check(())
    proc.spend(10, busy=0.9)
    proc.process(42, ticks=500)

    assert runaway.check(()) == []


def test_a_watched_process_that_ended_is_zero_and_well(
    runaway: RunawayProcess, proc: PaperProc
) -> None:
    proc.spend(10, busy=0.1)

    (finding,) = runaway.check({"process:42:50"})

    assert (finding.value, finding.level) == (0.0, Level.OK)


def test_a_reused_pid_is_another_subject(
    runaway: RunawayProcess, proc: PaperProc
) -> None:
    proc.process(42)
    runaway.check(())
    proc.spend(10, busy=0.5)
    proc.process(42, ticks=1000, start=110_000)

    found = {f.subject: f for f in runaway.check({"process:42:50"})}

    assert found["process:42:50"].level is Level.OK
    assert found["process:42:50"].value == 0
    assert found["process:42:110000"].level is Level.WARNING


def test_a_process_hidden_from_the_scan_is_not_well(
    runaway: RunawayProcess, proc: PaperProc, facts: PaperFacts
) -> None:
    facts.hidden.add(42)
    runaway.check({"process:42:50"})
    proc.spend(10, busy=0.1)

    (finding,) = runaway.check({"process:42:50"})

    assert (finding.value, finding.level) == (None, Level.UNKNOWN)


def test_a_process_that_may_not_be_looked_at_is_reported_without_a_culprit(
    runaway: RunawayProcess, proc: PaperProc, facts: PaperFacts
) -> None:
    facts.hidden.add(42)
    proc.process(42)
    runaway.check(())
    burn(proc, 42)

    (finding,) = runaway.check(())

    assert finding.level is Level.WARNING
    assert finding.culprits == ()


def test_a_watched_process_is_unknown_where_the_window_says_nothing(
    runaway: RunawayProcess, proc: PaperProc
) -> None:
    proc.process(42)
    runaway.check(())
    burn(proc, 42)
    proc.clock.forward(28_800)

    (finding,) = runaway.check({"process:42:50"})

    assert (finding.value, finding.level) == (None, Level.UNKNOWN)


def test_a_machine_that_slept_for_most_of_the_round_is_not_judged(
    runaway: RunawayProcess, proc: PaperProc
) -> None:
    proc.process(42)
    runaway.check(())
    burn(proc, 42)
    proc.clock.forward(20)

    (finding,) = runaway.check({"process:42:50"})

    assert finding.level is Level.UNKNOWN


def test_a_subject_that_names_no_process_is_unknown(
    runaway: RunawayProcess,
) -> None:
    assert [f.level for f in runaway.check({"/var"})] == [Level.UNKNOWN]


def test_a_real_runaway_is_found_and_its_end_is_seen() -> None:
    section = RunawaySection.model_validate(
        {"warning": 15, "critical": 500, "for": "2s", "interval": "0.4s"}
    )
    runaway = RunawayProcess(section, this_host())
    with child(BURN) as pid:
        runaway.check(())
        time.sleep(0.6)
        found = {f.culprit.identity.pid: f for f in runaway.check(()) if f.culprit}

        assert found[pid].level is Level.WARNING
        subject = found[pid].subject
    (ended,) = [f for f in runaway.check({subject}) if f.subject == subject]

    assert (ended.value, ended.level) == (0.0, Level.OK)


def test_a_machine_full_of_busy_processes_is_looked_at_in_part(
    runaway: RunawayProcess, proc: PaperProc
) -> None:
    proc.cores = 64
    for pid in range(100, 140):
        proc.process(pid)
    runaway.check(())
    proc.spend(10, busy=0.7)
    for pid in range(100, 140):
        proc.process(pid, ticks=910 + pid)

    found = runaway.check({"process:100:50"})

    pids = [f.culprit.identity.pid for f in found if f.culprit]
    assert pids == [100, *range(131, 140)]


def test_an_old_process_that_was_not_seen_before_is_not_blamed(
    runaway: RunawayProcess, proc: PaperProc
) -> None:
    runaway.check(())
    burn(proc, 42, rounds=500)

    assert runaway.check(()) == []


@given(st.binary(min_size=1, max_size=15).filter(lambda comm: b"\0" not in comm))
def test_a_name_of_any_bytes_is_told_as_one_printable_line(comm: bytes) -> None:
    with TemporaryDirectory() as folder:
        proc = PaperProc(Path(folder), HandClock())
        proc.spend(100, busy=0.1)
        proc.process(42, comm=comm)
        host = context(proc.root, proc.clock, PaperFacts(proc.root, hidden={42}))
        runaway = RunawayProcess(RunawaySection(), host)
        runaway.check(())
        proc.spend(10, busy=0.5)
        proc.process(42, ticks=1000, comm=comm)

        (finding,) = runaway.check(())

    told = f"{finding.label}{finding.summary}{finding.facts}"
    assert told.isascii()
    assert told.isprintable()


def test_a_short_burst_does_not_fire() -> None:
    section = RunawaySection.model_validate(
        {"interval": "0.2s", "for": "1.5s", "warning": 20, "critical": 500}
    )
    timing = Timing(hold_for=section.for_, keep_for=timedelta(0))
    runaway = RunawayProcess(section, this_host())
    alerts: dict[str, Alert | None] = {}
    with child(BURST) as pid:
        for _ in range(10):
            for finding in runaway.check([s for s, known in alerts.items() if known]):
                if finding.subject.startswith(f"process:{pid}:"):
                    known = advance(
                        alerts.get(finding.subject), finding, timing, time.monotonic()
                    )
                    alerts[finding.subject] = known
                    assert known is None or not known.is_firing
            time.sleep(0.2)


def test_the_bots_own_work_is_no_runaway() -> None:
    section = RunawaySection.model_validate(
        {"interval": "0.2s", "for": "0s", "warning": 20, "critical": 500}
    )
    runaway = RunawayProcess(section, this_host())
    own = f"process:{os.getpid()}:"
    seen = []
    with child(BURN) as pid:
        for _ in range(4):
            end = time.monotonic() + 0.4
            while time.monotonic() < end:
                pass
            seen += [finding.subject for finding in runaway.check(())]
    assert any(subject.startswith(f"process:{pid}:") for subject in seen)
    assert not any(subject.startswith(own) for subject in seen)
