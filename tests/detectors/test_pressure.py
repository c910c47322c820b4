"""Lost time by resource; work that makes somebody wait is told apart from suffering."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.detectors.pressure import Pressure, PressureSection
from bot.kernel import pressure as kernel
from bot.kernel.roots import Roots
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.pieces import (
    BURN,
    HandClock,
    PaperFacts,
    PaperProc,
    child,
    context,
    this_host,
)
from tests.fakes.patience import until


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    paper = PaperProc(tmp_path, HandClock())
    paper.spend(100, busy=0.1)
    paper.memory(total=100_000, available=19_000)
    paper.calm()
    return paper


@pytest.fixture
def pressure(proc: PaperProc) -> Pressure:
    return Pressure(
        PressureSection(), context(proc.root, proc.clock, PaperFacts(proc.root))
    )


def measured(pressure: Pressure, proc: PaperProc) -> dict[str, Finding]:
    proc.spend(5, busy=0.5)
    return {finding.subject: finding for finding in pressure.check(())}


@pytest.mark.parametrize(
    ("name", "full", "level"),
    [
        ("memory", 9, Level.OK),
        ("memory", 10, Level.WARNING),
        ("memory", 41, Level.CRITICAL),
        ("cpu", 79, Level.OK),
        ("cpu", 85, Level.WARNING),
    ],
)
def test_each_resource_has_its_limits(
    pressure: Pressure, proc: PaperProc, name: str, full: float, level: Level
) -> None:
    proc.pressure(name, some=full, full=full)

    found = measured(pressure, proc)

    assert (found[name].value, found[name].level) == (full, level)
    assert {f.level for n, f in found.items() if n != name} == {Level.OK}


def test_the_memory_holder_is_named_and_it_clears(
    pressure: Pressure, proc: PaperProc
) -> None:
    proc.process(42, pages=15_000, anonymous=15_000)
    proc.pressure("memory", some=60, full=50)
    found = measured(pressure, proc)["memory"]
    proc.pressure("memory", some=9.5, full=9.5)
    held = measured(pressure, proc)["memory"]
    proc.calm()

    assert found.culprit is not None
    assert found.culprit.share == pytest.approx(60_000 / 81_000)
    assert held.level is Level.WARNING
    assert measured(pressure, proc)["memory"].level is Level.OK


def test_a_container_at_its_limit_is_not_the_host_short_of_memory(
    pressure: Pressure, proc: PaperProc
) -> None:
    proc.memory(total=100_000, available=60_000)
    proc.process(42, pages=8_000, anonymous=8_000)
    proc.pressure("memory", some=60, full=50)
    proc.vmstat(pswpin=7, pswpout=7)
    still = [measured(pressure, proc)["memory"] for _ in range(3)]
    proc.vmstat(pswpin=7, pswpout=9)
    swapping = measured(pressure, proc)["memory"]
    later = [measured(pressure, proc)["memory"].level for _ in range(4)]

    assert {found.level for found in still} == {Level.OK}
    assert not any(found.culprits for found in still)
    assert swapping.level is Level.CRITICAL
    assert later[-1] is Level.OK


def test_one_backup_may_wait_for_its_disk(pressure: Pressure, proc: PaperProc) -> None:
    proc.pressure("io", some=95, full=95)
    proc.blocked = 1

    assert {measured(pressure, proc)["io"].level for _ in range(20)} == {Level.OK}


def test_a_crowd_that_waits_for_a_disk_suffers(
    pressure: Pressure, proc: PaperProc
) -> None:
    proc.pressure("io", some=95, full=95)
    levels = []
    for blocked in [9, 1, 9, 9, 0, 9] * 2:
        proc.blocked = blocked
        found = measured(pressure, proc)["io"]
        levels.append(found.level)

    assert set(levels[1:]) == {Level.CRITICAL}
    assert found.no_action is not None
    assert found.hold_for is not None
    assert found.hold_for.total_seconds() == 300


def test_a_compile_is_short_of_cores_for_less_than_a_quarter_of_an_hour(
    pressure: Pressure, proc: PaperProc
) -> None:
    proc.pressure("cpu", some=99)

    hold = measured(pressure, proc)["cpu"].hold_for

    assert hold is not None
    assert hold.total_seconds() == 900


@pytest.mark.parametrize(("busy", "blamed"), [(0.1, []), (0.9, [42])])
def test_who_computes_is_blamed_only_where_the_cores_have_no_time_left(
    pressure: Pressure, proc: PaperProc, busy: float, blamed: list[int]
) -> None:
    proc.pressure("cpu", some=99)
    for rounds in range(1, 8):
        proc.process(42, ticks=round(1000 * busy * rounds))
        proc.spend(5, busy=busy)
        found = {finding.subject: finding for finding in pressure.check(())}["cpu"]

    assert [culprit.identity.pid for culprit in found.culprits] == blamed


def test_a_section_that_says_for_is_obeyed(proc: PaperProc) -> None:
    section = PressureSection.model_validate({"for": "10s"})
    host = context(proc.root, proc.clock, PaperFacts(proc.root))

    assert measured(Pressure(section, host), proc)["cpu"].hold_for is None


def test_a_kernel_without_the_files_does_not_tell(
    pressure: Pressure, proc: PaperProc
) -> None:
    (proc.root / "pressure" / "memory").unlink()

    with pytest.raises(NotTold, match="pressure/memory"):
        measured(pressure, proc)


def test_a_calm_host_is_not_scanned(pressure: Pressure, proc: PaperProc) -> None:
    proc.file("7/stat", "no line of a process")
    proc.pressure("cpu", some=30)
    proc.pressure("memory", some=5, full=4)

    assert {f.level for f in measured(pressure, proc).values()} == {Level.OK}


def test_more_burners_than_cores_raise_the_real_figure() -> None:
    before = kernel.read(Roots())["cpu"].some_10
    with ExitStack() as burners:
        for _ in range((os.cpu_count() or 1) + 1):
            burners.enter_context(child(BURN))
        until(lambda: kernel.read(Roots())["cpu"].some_10 > min(before + 5, 90))

    assert {f.subject for f in Pressure(PressureSection(), this_host()).check(())} == {
        *kernel.RESOURCES
    }
