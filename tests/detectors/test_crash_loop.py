"""Automatic restarts are counted in a window; a start by hand forgets them."""

from dataclasses import replace
from pathlib import Path

from bot.detectors.crash_loop import CrashLoopDetector, CrashLoopSection
from bot.model import Finding, Level
from remediation.acts.service_manager import ManagerUnavailable
from tests.detectors.pieces import HandClock, PaperFacts, context
from tests.fakes.services import FakeServices, running


class Loop:
    """One service whose restarts are told by hand."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.services = FakeServices(units={"app.service": running("app.service")})
        nowhere = Path("/nonexistent")
        host = context(nowhere, self.clock, PaperFacts(nowhere), services=self.services)
        section = CrashLoopSection.model_validate({"window": "60s"})
        self.detector = CrashLoopDetector(section, host)

    def restarts(self, count: int, *, watched: bool = True) -> Finding | None:
        facts = self.services.units["app.service"]
        self.services.units["app.service"] = replace(facts, restarts=count)
        self.clock.forward(10)
        subjects = {"app.service"} if watched else set()
        found = self.detector.check(subjects)
        return found[0] if found else None

    def level(self, count: int) -> Level:
        found = self.restarts(count)
        assert found is not None
        return found.level


def test_three_restarts_warn_and_five_are_critical() -> None:
    loop = Loop()
    assert [loop.level(n) for n in (7, 8, 9, 10, 12)] == [
        Level.OK,
        Level.OK,
        Level.OK,
        Level.WARNING,
        Level.CRITICAL,
    ]


def test_what_happened_before_the_bot_started_is_not_counted() -> None:
    assert Loop().level(4000) is Level.OK


def test_a_service_that_does_not_restart_is_not_shown() -> None:
    assert Loop().restarts(0, watched=False) is None


def test_it_clears_when_the_window_is_over() -> None:
    loop = Loop()
    assert [loop.level(n) for n in (0, 5)] == [Level.OK, Level.CRITICAL]
    levels = [loop.level(5) for _ in range(7)]
    assert levels[0] is Level.CRITICAL
    assert levels[-1] is Level.OK


def test_a_start_by_hand_forgets_what_was_before() -> None:
    loop = Loop()
    assert [loop.level(n) for n in (0, 5, 0)] == [Level.OK, Level.CRITICAL, Level.OK]


def test_a_removed_service_loops_no_more() -> None:
    loop = Loop()
    loop.restarts(5)
    loop.services.units.clear()
    loop.clock.forward(10)
    (found,) = loop.detector.check({"app.service"})
    assert (found.level, found.value) == (Level.OK, 0)


def test_silence_is_unknown() -> None:
    loop = Loop()
    loop.services.failure = ManagerUnavailable("no answer")
    (found,) = loop.detector.check({"app.service"})
    assert (found.level, found.value) == (Level.UNKNOWN, None)
