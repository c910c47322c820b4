"""Another host's services: what its gate says, or does not say, in the manager's words."""

from datetime import timedelta

import pytest

from remediation.action import OperateUnit
from remediation.acts.service import operate
from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NoSuchUnit,
    NotPermitted,
    StillUnderWay,
)
from remediation.attempt import Attempt
from remediation.gate.remote_services import RemoteServices
from remediation.outcome import Outcome, Result, Seen
from remediation.target.privilege import (
    GateClosed,
    GateFailed,
    GateRefused,
    Unanswered,
)
from remediation.target.unit import UnitFacts, Verb
from tests.fakes.clock import START
from tests.fakes.far_gate import FarGate
from tests.fakes.services import FakeServices, service

LOST = Unanswered("the gate's answer was lost")
CLOSED = GateClosed("web-7 cannot be reached; it was asked nothing")


def gate_of(*units: UnitFacts) -> FarGate:
    return FarGate(FakeServices(units={unit.name: unit for unit in units}))


def act(gate: FarGate, facts: UnitFacts | None = None) -> Outcome:
    action = OperateUnit(
        host="web-7", unit=(facts or service()).identity, verb=Verb.RESTART
    )
    attempt = Attempt(
        recheck=lambda _: None, progress=lambda _: None, now=lambda: START
    )
    manager = RemoteServices("web-7", gate)
    return operate(action, attempt, manager, stable_for=timedelta(0))


def test_a_restart_is_asked_of_the_gate_once() -> None:
    gate = gate_of(service())
    outcome = act(gate)
    assert (outcome.result, gate.asked) == (Result.DONE, ["restart"])


@pytest.mark.parametrize("unseen", [CLOSED, GateRefused("no"), LOST], ids=str)
def test_a_host_that_tells_nothing_before_the_job_is_refused(
    unseen: Exception,
) -> None:
    gate = gate_of(service())
    gate.unseen = unseen
    outcome = act(gate)
    assert (outcome.result, gate.asked) == (Result.REFUSED, [])
    assert str(unseen) in outcome.summary


def test_a_host_that_vanishes_after_the_look_was_asked_nothing() -> None:
    gate = gate_of(service())
    gate.undone = CLOSED
    outcome = act(gate)
    assert (outcome.result, gate.asked) == (Result.REFUSED, [])
    assert "it was asked nothing" in outcome.summary


def test_a_lost_answer_is_interrupted_and_not_asked_again() -> None:
    gate = gate_of(service())
    gate.undone = LOST
    outcome = act(gate)
    assert (outcome.result, outcome.seen) == (Result.INTERRUPTED, Seen.UNKNOWN)
    assert gate.asked == ["restart"]
    assert "whether it was done is not known" in outcome.summary


def test_a_start_limit_whose_clearing_is_lost_ends_it_there() -> None:
    gate = gate_of(service(result="start-limit-hit"))
    gate.undone = LOST
    outcome = act(gate)
    assert (outcome.result, gate.asked) == (Result.REFUSED, ["reset-failed"])
    assert "whether its start limit was cleared is not known" in outcome.summary


@pytest.mark.parametrize(
    ("undone", "expected"),
    [
        (GateFailed("systemctl says: no"), JobFailed),
        (GateRefused("gate.units"), NotPermitted),
        (CLOSED, NotPermitted),
        (LOST, ManagerUnavailable),
    ],
    ids=str,
)
def test_a_job_that_is_not_done_has_a_name(
    undone: Exception, expected: type[Exception]
) -> None:
    gate = gate_of(service())
    gate.undone = undone
    with pytest.raises(expected):
        run(gate)


def test_a_job_that_goes_on_is_said_to() -> None:
    gate = gate_of(service())
    gate.ends = False
    with pytest.raises(StillUnderWay):
        run(gate)


def run(gate: FarGate) -> timedelta:
    manager = RemoteServices("web-7", gate)
    return manager.run(
        Verb.RESTART,
        service().identity,
        on_wait=lambda _: None,
        deadline=timedelta(seconds=1),
    )


def test_what_is_not_there_or_another_one_is_no_service() -> None:
    gate = gate_of(service(load="not-found", active="inactive"))
    with pytest.raises(NoSuchUnit, match="on web-7"):
        RemoteServices("web-7", gate).facts("nginx.service")
    gate.host.units = {"x": service("other.service", names=("nginx.service",))}
    assert RemoteServices("web-7", gate).facts("nginx.service").name == "other.service"


def test_a_host_that_tells_of_another_service_is_not_believed() -> None:
    class Lying(FarGate):
        def unit(self, name: str) -> UnitFacts:
            return service(f"other-{name}")

    with pytest.raises(ManagerUnavailable, match="another service"):
        RemoteServices("web-7", Lying(FakeServices())).facts("nginx.service")


def test_only_listed_services_are_told_of() -> None:
    manager = RemoteServices("web-7", gate_of())
    assert manager.is_present()
    for ask in (
        manager.rows,
        lambda: manager.restarts(["x"]),
        lambda: manager.last_runs(["x"]),
    ):
        with pytest.raises(ManagerUnavailable, match="one listed service at a time"):
            ask()
