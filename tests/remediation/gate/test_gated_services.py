"""Where polkit says no, the gate is asked, and its answer is told as the manager's own."""

from datetime import timedelta

import pytest

from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NotPermitted,
    StillUnderWay,
)
from remediation.gate.gated_services import GatedServices
from remediation.target.privilege import GateClosed, GateFailed, GateRefused, Unanswered
from remediation.target.unit import Verb
from tests.fakes.gate import FakeGate
from tests.fakes.services import FakeServices, running, service

UNIT = service().identity
DENIED = NotPermitted("polkit says no")


def waits(_: timedelta) -> None:
    """Stand for somebody who is told how long it takes."""


def restart(gate: FakeGate, failure: Exception | None = DENIED) -> timedelta:
    inner = FakeServices({"nginx.service": running()}, job_failure=failure)
    services = GatedServices(inner, gate)
    deadline = timedelta(seconds=5)
    return services.run(Verb.RESTART, UNIT, on_wait=waits, deadline=deadline)


def test_what_polkit_permits_needs_no_gate() -> None:
    gate = FakeGate()
    assert restart(gate, failure=None) == timedelta(seconds=0.1)
    assert gate.asked == []


def test_what_polkit_does_not_permit_goes_through_the_gate() -> None:
    gate = FakeGate()
    assert restart(gate) < timedelta(seconds=5)
    assert gate.asked == [("restart", "nginx.service")]


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (GateClosed("the gate is slow"), NotPermitted),
        (GateRefused("the gate refuses"), NotPermitted),
        (GateFailed("the gate could not do it"), JobFailed),
        (Unanswered("the gate's answer was lost"), ManagerUnavailable),
    ],
)
def test_what_the_gate_says_is_what_the_manager_would(
    failure: Exception, told: type[Exception]
) -> None:
    with pytest.raises(told, match=str(failure)):
        restart(FakeGate(failure=failure))


def test_a_job_that_does_not_end_in_time_is_under_way() -> None:
    with pytest.raises(StillUnderWay):
        restart(FakeGate(ends=False))


def test_a_start_limit_is_cleared_through_the_gate() -> None:
    gate = FakeGate()
    inner = FakeServices({"nginx.service": service()}, failure=DENIED)
    GatedServices(inner, gate).clear_start_limit(UNIT)

    assert gate.asked == [("reset-failed", "nginx.service")]


def test_reading_needs_no_gate() -> None:
    inner = FakeServices({"nginx.service": running()})
    services = GatedServices(inner, FakeGate(failure=GateClosed("down")))

    assert services.name == "fake" and services.is_present()
    assert services.facts("nginx.service") == running()
    assert services.restarts(["nginx.service"]) == {"nginx.service": 0}
    assert [row.name for row in services.rows()] == ["nginx.service"]
