"""People are called when nobody came or an action did not help; taking it stops that."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model import Incident, Level, Phase, Verification
from bot.oncall.escalate import Escalate, why
from remediation.ledger.proposal import State
from remediation.outcome import Outcome, Result, Seen
from remediation.verify import Verdict
from tests.fakes.clock import START, FakeClock
from tests.fakes.story import ALICE, Story
from tests.fakes.things import incident, proposal

AFTER = timedelta(minutes=10)


def reason(changed: Incident, *states: State, minutes: float = 0) -> str | None:
    now = FakeClock(wall=START + timedelta(minutes=minutes)).now()
    made = [proposal(letter="a", state=state) for state in states]
    return why(changed, made, now, AFTER)


def no_help(verdict: Verdict) -> Verification:
    return Verification(proposal="p", verdict=verdict, figures="98 % → 97 %", took=None)


def test_a_critical_incident_waits_ten_minutes_for_somebody() -> None:
    assert reason(incident(), minutes=9) is None
    assert reason(incident(), minutes=10) == "nobody took it within 10 min"
    waiting = reason(incident(), State.PENDING, minutes=10)
    assert waiting == "nobody decided within 10 min"


def test_a_warning_calls_nobody_by_waiting() -> None:
    assert reason(incident(level=Level.WARNING), minutes=600) is None


@pytest.mark.parametrize("state", [State.FAILED, State.INTERRUPTED])
def test_an_action_that_ended_badly_calls_people_at_once(state: State) -> None:
    warned = incident(level=Level.WARNING)
    assert reason(warned, state) == f"the action 12a {state}"


@pytest.mark.parametrize("verdict", [Verdict.UNCHANGED, Verdict.WORSE])
def test_an_action_that_did_not_help_calls_people(verdict: Verdict) -> None:
    changed = incident(verification=no_help(verdict))
    assert reason(changed) == f"the action did not help: {verdict}"


def test_a_verdict_that_is_not_known_calls_nobody() -> None:
    assert reason(incident(verification=no_help(Verdict.UNKNOWN))) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": "U07ALICE001"},
        {"phase": Phase.ESCALATED},
        {"phase": Phase.RESOLVED},
        {"muted_until": START + timedelta(days=1)},
    ],
)
def test_an_owner_a_mute_or_an_end_stops_it(changes: dict[str, object]) -> None:
    assert reason(incident(**changes), State.FAILED, minutes=60) is None


def test_while_something_is_under_way_nobody_is_called() -> None:
    assert reason(incident(), State.FAILED, State.EXECUTING, minutes=60) is None


def sweeping(story: Story) -> Escalate:
    return Escalate(record=story.record, poster=story.poster, after=AFTER)


def test_the_sweep_escalates_once_and_the_thread_tells_why(story: Story) -> None:
    story.opens()
    escalate = sweeping(story)
    escalate.sweep()
    assert story.incident().phase is Phase.OPEN
    story.clock.go(600)
    escalate.sweep()
    escalate.sweep()
    assert story.incident().phase is Phase.ESCALATED
    assert story.events(1).count("incident.escalated") == 1
    assert "Escalated: nobody decided within 10 min" in story.texts()


def test_taking_it_stops_the_escalation(story: Story) -> None:
    story.opens()
    story.own.take(1, ALICE)
    story.clock.go(6000)
    sweeping(story).sweep()
    assert story.incident().phase is Phase.OPEN


def test_a_failed_action_is_escalated(story: Story) -> None:
    story.opens()
    story.hands.outcome = Outcome(
        result=Result.FAILED, seen=Seen.ALIVE, summary="It is still alive."
    )
    story.acted()
    sweeping(story).sweep()
    assert story.incident().phase is Phase.ESCALATED


def test_what_is_taken_meanwhile_is_not_escalated(story: Story) -> None:
    found = replace(story.opens(), opened_at=START - timedelta(hours=1))
    story.own.take(1, ALICE)
    sweeping(story)._escalate(found, "too late", story.clock.now())
    assert story.incident().phase is Phase.OPEN
