"""A failed service is named; one that should run and does not is critical."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.config.services import Service
from bot.detectors.unit_failed import UnitFailedDetector, UnitFailedSection
from bot.model import Finding, Level
from remediation.acts.service_manager import ManagerUnavailable
from remediation.target.unit import UnitFacts
from tests.detectors.pieces import START, HandClock, PaperFacts, context
from tests.fakes.services import FakeServices, running, service


def detector(
    services: FakeServices,
    *declared: str,
    should_run: bool = True,
    **section: object,
) -> UnitFailedDetector:
    host = context(
        Path("/nonexistent"),
        HandClock(),
        PaperFacts(Path("/nonexistent")),
        services=services,
        declared=tuple(Service(unit=name, should_run=should_run) for name in declared),
    )
    return UnitFailedDetector(UnitFailedSection.model_validate(section), host)


def units(*facts: UnitFacts) -> FakeServices:
    return FakeServices(units={one.name: one for one in facts})


def one(found: list[Finding]) -> Finding:
    assert len(found) == 1
    return found[0]


def test_any_failed_service_is_a_warning_with_its_reason() -> None:
    failed = service(changed_at=START - timedelta(minutes=1))
    found = one(detector(units(failed, running("other.service"))).check(()))
    assert (found.subject, found.level, found.value) == (
        "nginx.service",
        Level.WARNING,
        1,
    )
    assert "failed 1 min ago: it exited with status 1." in found.summary
    assert found.service is not None and found.shown == "failed"


def test_a_declared_service_that_failed_or_stopped_is_critical() -> None:
    stopped = service(active="inactive", sub="dead", result="success")
    for facts in (service(), stopped):
        found = one(detector(units(facts), "nginx").check(()))
        assert (found.level, found.value) == (Level.CRITICAL, 2)


def test_a_stopped_service_that_nobody_declared_is_well() -> None:
    stopped = service(active="inactive", sub="dead", result="success")
    assert detector(units(stopped)).check(()) == []


def test_a_declared_service_that_may_stand_still_is_left_alone() -> None:
    stopped = service(active="inactive", sub="dead", result="success")
    assert detector(units(stopped), "nginx", should_run=False).check(()) == []


def test_a_declared_service_that_does_not_exist_is_critical() -> None:
    found = one(detector(units(), "nginx").check(()))
    assert (found.level, found.shown) == (Level.CRITICAL, "not there")


def test_a_watched_service_that_was_removed_is_well_again() -> None:
    found = one(detector(units()).check({"gone.service"}))
    assert (found.level, found.value) == (Level.OK, 0)


@pytest.mark.parametrize("pattern", ["nginx.service", "ngin*"])
def test_ignored_services_may_fail(pattern: str) -> None:
    assert detector(units(service()), ignore=[pattern]).check(()) == []


def test_a_failed_timer_is_no_service() -> None:
    assert detector(units(service("backup.timer"))).check(()) == []


def test_a_silent_manager_is_unknown_and_never_well() -> None:
    silent = units(service())
    made = detector(silent)
    silent.failure = ManagerUnavailable("systemd gave no answer in time")
    found = made.check({"nginx.service"})
    assert {f.subject for f in found} == {"", "nginx.service"}
    assert {f.level for f in found} == {Level.UNKNOWN}
    silent.failure = None
    answered = {f.subject: f.level for f in made.check({"", "nginx.service"})}
    assert answered == {"": Level.OK, "nginx.service": Level.WARNING}


def test_without_a_manager_nothing_is_measured() -> None:
    assert detector(FakeServices(present=False), "nginx").check(()) == []
