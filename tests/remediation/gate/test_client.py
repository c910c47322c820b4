"""A bot without rights acts through the gate, or refuses clearly; nothing half-done."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from remediation.action import LowerPriority, Pause, RestorePriority
from remediation.outcome import Result, Seen
from remediation.target import procfs
from tests.remediation.gate.gates import (
    NOT_LISTED_UID,
    Stage,
    act,
    end,
    facts_for_the_bot,
    identity_of,
    needs_root,
    serving,
    victim_of,
)
from tests.remediation.victims import HOST, until

pytestmark = needs_root
SHORT = timedelta(seconds=0.3)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with serving() as running:
        yield running


def test_facts_of_another_users_process_are_completed_by_the_gate(stage: Stage) -> None:
    with victim_of() as victim:
        blind = facts_for_the_bot(victim.pid, None)
        seen = facts_for_the_bot(victim.pid, stage.client())

        assert blind.identity.exe == "" and blind.denied is not None
        assert seen.identity == identity_of(victim.pid)
        assert (seen.denied, seen.by_gate) == (None, True)
        assert seen.label == "sleep (+1 hidden)"


def test_what_the_gate_would_refuse_is_said_before_anything_is_proposed(
    stage: Stage,
) -> None:
    with victim_of(NOT_LISTED_UID) as victim:
        denied = facts_for_the_bot(victim.pid, stage.client()).denied
    assert denied is not None and denied.startswith("protected.user")


def test_another_users_process_is_ended_through_the_gate(stage: Stage) -> None:
    with victim_of() as victim:
        threading.Thread(target=victim.wait, daemon=True).start()
        facts = facts_for_the_bot(victim.pid, stage.client())
        outcome = act(end(facts), stage.client())

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.EXITED)
    assert "exited under 0.1 s after SIGTERM" in outcome.summary


def test_a_pause_through_the_gate_ends_by_itself(stage: Stage) -> None:
    with victim_of() as victim:
        facts = facts_for_the_bot(victim.pid, stage.client())
        pause = Pause(
            host=HOST,
            process=facts.identity,
            label=facts.label,
            duration=timedelta(seconds=1),
        )
        outcome = act(pause, stage.client())

        assert (outcome.result, outcome.seen) == (Result.DONE, Seen.STOPPED)
        assert outcome.steps[0].text.startswith("the gate armed the resume in 1 s")
        assert until(lambda: procfs.stat(victim.pid).state == "S")


def test_a_priority_is_lowered_and_restored_through_the_gate(stage: Stage) -> None:
    with victim_of() as victim:
        facts = facts_for_the_bot(victim.pid, stage.client())
        lower = LowerPriority(
            host=HOST, process=facts.identity, label=facts.label, nice=10
        )
        lowered = act(lower, stage.client())
        nice = procfs.stat(victim.pid).nice
        back = RestorePriority(
            host=HOST, process=facts.identity, label=facts.label, nice=0
        )
        restored = act(back, stage.client())

        assert (lowered.result, lowered.undo_nice, nice) == (Result.DONE, 0, 10)
        assert "has nice 10 instead of 0 in 1 threads" in lowered.summary
        assert (restored.result, procfs.stat(victim.pid).nice) == (Result.DONE, 0)


def test_what_changed_since_the_card_is_left_alone(stage: Stage) -> None:
    with victim_of() as victim:
        facts = facts_for_the_bot(victim.pid, stage.client())
        other = replace(facts.identity, image="1:2:3:4")
        outcome = act(replace(end(facts), process=other), stage.client())

        assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.CHANGED)
        assert victim.poll() is None


def test_the_gates_refusal_is_the_outcomes_reason(stage: Stage) -> None:
    with victim_of() as victim:
        facts = facts_for_the_bot(victim.pid, stage.client())
        stage.allow(users=[])
        outcome = act(end(facts), stage.client())

        assert outcome.result is Result.REFUSED
        assert "the gate refuses: protected.user" in outcome.summary
        assert victim.poll() is None
