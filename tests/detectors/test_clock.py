"""The clock: how wrong it may be, whether it jumped, and where nobody keeps it."""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.detectors.clock import JUMP, STAYS, Clock, ClockSection
from bot.kernel import timex
from bot.kernel.roots import Roots
from bot.kernel.timex import ClockState
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.pieces import HandClock, PaperFacts, context

RIGHT = ClockState(is_synchronised=True, largest_error=0.02)
LATE = ClockState(is_synchronised=True, largest_error=6.5)
LOST = ClockState(is_synchronised=False, largest_error=16)


@dataclass
class Stage:
    """A host whose kernel says what a test wants; None is a kernel that refuses."""

    folder: Path
    state: ClockState | None = RIGHT
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        host = context(self.folder, self.clock, PaperFacts(self.folder))
        self.detector = Clock(
            ClockSection(),
            host,
            read=self.read,
            run=self.folder,
            timedatectl=self.folder / "timedatectl",
        )

    def read(self, roots: Roots) -> ClockState:
        del roots
        if self.state is None:
            raise PermissionError(1, "Operation not permitted", "adjtimex")
        return self.state

    def says(self, answer: str) -> None:
        """Let timedatectl say it."""
        program = self.folder / "timedatectl"
        program.write_text(f"#!/bin/sh\necho {answer}\n")
        program.chmod(0o700)

    def measured(self, *, after: float = 30, moved: float = 0) -> dict[str, Finding]:
        self.clock.forward(after)
        self.clock.wall += timedelta(seconds=moved)
        return {f.subject: f for f in self.detector.check((JUMP, ""))}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize(
    ("state", "level"),
    [(RIGHT, Level.OK), (LATE, Level.WARNING), (LOST, Level.WARNING)],
)
def test_the_bound_of_the_error_is_judged(
    stage: Stage, state: ClockState, level: Level
) -> None:
    stage.measured()
    stage.state = state

    found = stage.measured()[""]

    assert (found.value, found.level) == (pytest.approx(state.largest_error), level)
    assert (found.no_action is None) == (level is Level.OK)


def test_it_is_over_when_a_server_answers(stage: Stage) -> None:
    levels = []
    for state in (RIGHT, LOST, RIGHT):
        stage.state = state
        levels.append(stage.measured()[""].level)

    assert levels == [Level.OK, Level.WARNING, Level.OK]


def test_a_host_without_any_time_service_does_not_tell(stage: Stage) -> None:
    stage.state = LOST

    with pytest.raises(NotTold, match="no time service"):
        stage.detector.check(())


def test_a_time_service_that_never_reached_anybody_is_told(stage: Stage) -> None:
    stage.state = LOST
    (stage.folder / "chronyd.pid").touch()

    assert stage.measured()[""].level is Level.WARNING


@pytest.mark.parametrize(
    ("answer", "level"), [("yes", Level.OK), ("no", Level.WARNING)]
)
def test_where_the_kernel_may_not_be_asked_timedatectl_is(
    stage: Stage, answer: str, level: Level
) -> None:
    stage.state = None
    stage.says("yes")
    stage.measured()
    stage.says(answer)

    assert stage.measured()[""].level is level


def test_where_nobody_answers_it_is_not_told(stage: Stage) -> None:
    stage.state = None

    with pytest.raises(NotTold, match="neither"):
        stage.detector.check(())


@pytest.mark.parametrize(
    ("moved", "level", "said"),
    [
        (2.0, Level.OK, "ahead by 2 s"),
        (-30.0, Level.WARNING, "back by 30 s"),
        (7200.0, Level.CRITICAL, "ahead by 2 h"),
    ],
)
def test_a_jump_is_told_at_once_and_stays_for_a_while(
    stage: Stage, moved: float, level: Level, said: str
) -> None:
    stage.measured()

    found = stage.measured(moved=moved)[JUMP]
    later = stage.measured(after=STAYS.total_seconds() - 40)[JUMP]
    over = stage.measured(after=60)[JUMP]

    assert (found.value, found.level) == (pytest.approx(abs(moved)), level)
    assert found.hold_for == timedelta(0)
    assert said in found.summary
    assert [later.level, over.level] == [level, Level.OK]


def test_what_sets_the_clock_right_for_the_first_time_is_no_jump(stage: Stage) -> None:
    stage.state = LOST
    (stage.folder / "chronyd.pid").touch()
    stage.measured()
    stage.state = RIGHT

    assert stage.measured(moved=7200)[JUMP].value == 0
    assert stage.measured(moved=7200)[JUMP].level is Level.CRITICAL


def test_a_jump_is_told_where_nothing_else_is(stage: Stage) -> None:
    stage.measured()
    stage.state = None  # and timedatectl does not answer either
    stage.clock.forward(30)
    with pytest.raises(NotTold):
        stage.detector.check(())
    stage.clock.wall += timedelta(hours=1)
    stage.clock.forward(30)

    assert [f.subject for f in stage.detector.check(())] == [JUMP]


def test_a_suspended_machine_has_not_jumped(stage: Stage) -> None:
    stage.measured()

    assert stage.measured(after=36_000)[JUMP].value == 0


def test_a_reboot_is_no_jump(stage: Stage) -> None:
    stage.measured()
    stage.clock.boot_id, stage.clock.boot = "boot-2", 5

    assert stage.measured(moved=600)[JUMP].value == 0


def test_the_kernel_itself_is_asked_and_nothing_is_set() -> None:
    before = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)

    found = timex.read(Roots())

    after = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    assert 0 <= found.largest_error <= 16
    assert after == pytest.approx(before, abs=0.5)
