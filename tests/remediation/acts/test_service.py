"""An approved action on a service: checked again, done once, watched, told as it was."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from remediation.action import OperateUnit
from remediation.acts.service import operate
from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NotPermitted,
    OnWait,
    StillUnderWay,
)
from remediation.attempt import Attempt
from remediation.outcome import Outcome, Result, Seen
from remediation.target.unit import UnitFacts, UnitIdentity, Verb
from tests.fakes.clock import START
from tests.fakes.services import FakeServices, done, running, service


def agrees(_: object) -> None:
    return None


def act(
    services: FakeServices,
    verb: Verb = Verb.RESTART,
    *,
    approved: UnitFacts | None = None,
    recheck: Callable[[object], str | None] = agrees,
    dependents: tuple[str, ...] = (),
) -> Outcome:
    facts = approved or services.units["nginx.service"]
    action = OperateUnit(
        host="web-1", unit=facts.identity, verb=verb, dependents=dependents
    )
    attempt = Attempt(recheck=recheck, progress=lambda _: None, now=lambda: START)
    return operate(action, attempt, services, stable_for=timedelta(seconds=0.3))


def only(facts: UnitFacts, **options: object) -> FakeServices:
    return FakeServices(units={facts.name: facts}, **options)  # type: ignore[arg-type]


def test_a_failed_service_that_stays_up_is_done() -> None:
    services = only(service())
    outcome = act(services)
    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.RUNNING)
    assert services.done == [(Verb.RESTART, "nginx.service")]
    assert "was restarted: active/running and stayed so" in outcome.summary


def test_a_service_that_dies_afterwards_failed() -> None:
    services = only(service(), after=lambda _, facts: _new_start(facts))
    outcome = act(services)
    assert (outcome.result, outcome.seen) == (Result.FAILED, Seen.UNSTABLE)
    assert "did not stay up (it exited with status 1)" in outcome.summary


def _new_start(facts: UnitFacts) -> UnitFacts:
    return replace(facts, identity=replace(facts.identity, invocation="ee" * 16))


class Dying(FakeServices):
    """Its service dies and is started again by itself at every look."""

    def facts(self, name: str) -> UnitFacts:
        found = super().facts(name)
        if self.done:
            self.units[name] = replace(found, restarts=found.restarts + 1)
        return found


def test_a_service_that_its_manager_starts_again_is_not_stable() -> None:
    outcome = act(Dying(units={"nginx.service": service()}))
    assert outcome.result is Result.FAILED
    assert "died and was started again by its manager" in outcome.summary


def test_a_job_that_changed_nothing_is_not_a_restart() -> None:
    services = only(running(), after=lambda _, facts: facts)
    outcome = act(services)
    assert outcome.result is Result.FAILED
    assert "was not started anew" in outcome.summary


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (_new_start(service()), "started anew"),
        (service(needed_by=("app.service",)), "other units need it now: app.service"),
    ],
)
def test_what_changed_since_the_approval_is_refused(
    live: UnitFacts, words: str
) -> None:
    services = only(live)
    outcome = act(services, approved=service())
    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.CHANGED)
    assert words in outcome.summary
    assert services.done == []


def test_policy_and_lock_are_asked_at_the_last_instant() -> None:
    services = only(service())
    outcome = act(services, recheck=lambda _: "the bot was locked")
    assert outcome.result is Result.REFUSED
    assert services.done == []


def test_a_service_that_vanished_is_refused() -> None:
    outcome = act(FakeServices(), approved=service())
    assert outcome.result is Result.REFUSED
    assert "there is no service" in outcome.summary


def test_silence_before_the_job_is_a_refusal_and_after_it_unknown() -> None:
    silent = ManagerUnavailable("systemd gave no answer in time")
    before = act(only(service(), failure=silent))
    during = act(only(service(), job_failure=silent))
    assert before.result is Result.REFUSED
    assert (during.result, during.seen) == (Result.INTERRUPTED, Seen.UNKNOWN)


@pytest.mark.parametrize(
    ("failure", "result", "words"),
    [
        (NotPermitted("polkit does not permit it"), Result.REFUSED, "polkit"),
        (JobFailed("systemd says: failed"), Result.FAILED, "systemd says: failed"),
        (StillUnderWay("not ended"), Result.INTERRUPTED, "goes on with it"),
    ],
)
def test_every_end_of_a_job_is_told_as_it_was(
    failure: Exception, result: Result, words: str
) -> None:
    outcome = act(only(service(), job_failure=failure))
    assert outcome.result is result
    assert words in outcome.summary


def test_a_start_limit_that_was_hit_is_cleared_first() -> None:
    services = only(service(restart="always", restarts=4))
    assert act(services).result is Result.DONE
    assert services.cleared == ["nginx.service"]


class Slow(FakeServices):
    """Does not clear a start limit in time."""

    def clear_start_limit(self, unit: UnitIdentity) -> None:
        raise StillUnderWay(f"reset-failed of {unit.name} has not ended")


def test_a_limit_that_is_not_cleared_in_time_starts_nothing() -> None:
    services = Slow(units={"nginx.service": service(restart="always", restarts=4)})
    outcome = act(services)
    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.DOWN)
    assert "was not cleared in time; nothing was started" in outcome.summary
    assert services.done == []


class Far(FakeServices):
    """Asks on the way whether it still may, as the gate of another host does."""

    def run(
        self, verb: Verb, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> timedelta:
        on_wait(timedelta(0))
        return super().run(verb, unit, on_wait=on_wait, deadline=deadline)


def test_a_lock_on_the_way_to_a_far_host_stops_it() -> None:
    services = Far(units={"nginx.service": service()})
    answers = iter([None, "locked by alice"])
    outcome = act(services, recheck=lambda _: next(answers))
    assert outcome.result is Result.REFUSED
    assert "locked by alice" in outcome.summary
    assert services.done == []


def test_a_fresh_start_waits_for_the_limits_interval() -> None:
    interval = timedelta(seconds=0.5)
    facts = service(last_start=time.monotonic(), interval=interval)
    outcome = act(only(facts))
    assert outcome.result is Result.DONE
    assert (
        "so that its start limit (5 starts in 0.5 s) is kept" in outcome.steps[0].text
    )


def test_a_limit_of_an_hour_is_not_waited_for() -> None:
    facts = service(last_start=time.monotonic(), interval=timedelta(hours=1))
    services = only(facts)
    outcome = act(services)
    assert outcome.result is Result.REFUSED
    assert "try again later" in outcome.summary
    assert services.done == []


def test_a_stop_is_done_when_it_stays_down() -> None:
    services = only(running())
    outcome = act(services, Verb.STOP)
    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.DOWN)


def test_a_stop_that_somebody_undoes_failed() -> None:
    def socket_starts_it_again(verb: Verb, facts: UnitFacts) -> UnitFacts:
        return done(Verb.START, done(verb, facts))

    outcome = act(only(running(), after=socket_starts_it_again), Verb.STOP)
    assert outcome.result is Result.FAILED
    assert "it runs again" in outcome.summary


def test_a_reload_keeps_the_same_start() -> None:
    services = only(running(can_reload=True))
    assert act(services, Verb.RELOAD).result is Result.DONE


def test_a_reload_that_started_it_anew_failed() -> None:
    def starts_anew(_: Verb, facts: UnitFacts) -> UnitFacts:
        return replace(done(Verb.RESTART, facts), can_reload=True)

    outcome = act(only(running(can_reload=True), after=starts_anew), Verb.RELOAD)
    assert outcome.result is Result.FAILED
    assert "it was started anew" in outcome.summary


def test_a_oneshot_that_ended_well_is_done() -> None:
    ended = {"active": "inactive", "sub": "dead", "result": "success"}
    services = only(
        service(type="oneshot"), after=lambda _, facts: replace(facts, **ended)
    )
    assert act(services).result is Result.DONE


def test_a_lock_during_the_wait_for_the_limit_stops_the_start() -> None:
    facts = service(last_start=time.monotonic(), interval=timedelta(seconds=0.3))
    services = only(facts)
    answers = iter([None, "the bot was locked"])
    outcome = act(services, recheck=lambda _: next(answers))
    assert outcome.result is Result.REFUSED
    assert "the bot was locked" in outcome.summary
    assert services.done == []


class Blinding(FakeServices):
    """It does what it is told, and then tells nothing any more."""

    def facts(self, name: str) -> UnitFacts:
        if self.done:
            raise ManagerUnavailable("systemd gave no answer in time")
        return super().facts(name)


class Blinking(Blinding):
    """It tells nothing once, after it has done what it was told."""

    blinks = 1

    def facts(self, name: str) -> UnitFacts:
        if self.done and self.blinks:
            self.blinks -= 1
            return super().facts(name)
        return FakeServices.facts(self, name)


def test_a_look_that_fails_is_made_up_for_by_the_next() -> None:
    blinking = Blinking(units={"nginx.service": service()})
    outcome = act(blinking)
    assert blinking.blinks == 0
    assert outcome.result is Result.DONE


def test_what_cannot_be_watched_is_not_called_done() -> None:
    outcome = act(Blinding(units={"nginx.service": service()}))
    assert (outcome.result, outcome.seen) == (Result.INTERRUPTED, Seen.UNKNOWN)
    assert "could not be looked at" in outcome.summary
