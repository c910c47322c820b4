"""A declared timer that did not run is overdue; one that never ran is too, in time."""

from datetime import timedelta
from pathlib import Path

from bot.config.services import Timer
from bot.detectors.timer import TimerDetector, TimerSection
from bot.model import Finding, Level
from remediation.acts.service_manager import ManagerUnavailable
from tests.detectors.pieces import START, HandClock, PaperFacts, context
from tests.fakes.services import FakeServices


class Backup:
    """One timer that should run once an hour."""

    def __init__(self, *, declared: bool = True) -> None:
        self.clock = HandClock()
        self.services = FakeServices(runs={"backup.timer": START})
        nowhere = Path("/nonexistent")
        timer = Timer(unit="backup.timer", every=timedelta(hours=1))
        host = context(
            nowhere,
            self.clock,
            PaperFacts(nowhere),
            services=self.services,
            timers=(timer,) if declared else (),
        )
        self.detector = TimerDetector(TimerSection(), host)

    def after(self, minutes: float) -> Finding:
        self.clock.forward(60 * minutes)
        (found,) = self.detector.check({"backup.timer"})
        return found


def test_it_is_well_until_its_time_is_over() -> None:
    backup = Backup()
    assert backup.after(59).level is Level.OK
    late = backup.after(2)
    assert late.level is Level.WARNING
    assert late.summary == "backup.timer ran 1 h 1 min ago; it should every 1 h."
    assert backup.after(60).level is Level.CRITICAL


def test_a_run_makes_it_well_again() -> None:
    backup = Backup()
    backup.after(90)
    backup.services.runs["backup.timer"] = backup.clock.wall
    assert backup.after(1).level is Level.OK


def test_one_that_never_ran_is_overdue_only_after_its_time() -> None:
    backup = Backup()
    backup.services.runs["backup.timer"] = None
    assert backup.after(30).level is Level.OK
    found = backup.after(31)
    assert (found.level, found.value) == (Level.WARNING, 61 / 60)
    assert "has not run for 1 h 1 min at least" in found.summary


def test_one_that_is_not_active_starts_nothing() -> None:
    backup = Backup()
    backup.services.runs.clear()
    found = backup.after(61)
    assert found.level is Level.WARNING
    assert "is not active" in found.summary


def test_silence_is_unknown() -> None:
    backup = Backup()
    backup.services.failure = ManagerUnavailable("no answer")
    assert backup.after(1).level is Level.UNKNOWN


def test_a_timer_that_is_declared_no_more_is_well() -> None:
    assert Backup(declared=False).after(600).level is Level.OK
