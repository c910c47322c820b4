"""Who owns an incident, and who wants quiet."""

from datetime import timedelta

import pytest

from bot.model import Phase
from remediation.ledger.decision import NotDecided
from remediation.ledger.lock import locked
from tests.fakes.story import ALICE, BOB, CHEN, Story

HOUR = timedelta(hours=1)


def test_whoever_takes_it_owns_it(story: Story) -> None:
    story.opens()
    assert story.own.take(1, CHEN).owner == CHEN.id
    assert story.events(1)[-1] == "incident.taken"


def test_a_handover_names_the_new_owner_at_its_end(story: Story) -> None:
    story.opens()
    assert story.own.hand_over(1, ALICE, BOB).owner == BOB.id
    assert story.texts().endswith(f"handed this over to @{BOB.id}")


def test_escalation_is_a_phase(story: Story) -> None:
    story.opens()
    assert story.own.escalate(1, CHEN).phase is Phase.ESCALATED


def test_a_false_alarm_closes_it(story: Story) -> None:
    story.opens()
    incident = story.own.false_alarm(1, ALICE)
    assert (incident.phase, incident.resolution) == (Phase.RESOLVED, "false alarm")
    assert incident.resolved_at == story.clock.wall


def test_a_false_alarm_is_not_opened_again_by_the_next_round(story: Story) -> None:
    story.opens()
    story.own.false_alarm(1, ALICE)
    story.opens()
    assert story.open() == []


@pytest.mark.parametrize("verb", ["take", "escalate", "false_alarm"])
def test_what_is_resolved_stays_so(story: Story, verb: str) -> None:
    story.opens()
    story.own.false_alarm(1, ALICE)
    with pytest.raises(NotDecided, match="resolved already"):
        getattr(story.own, verb)(1, ALICE)


def test_only_approvers_close_mute_and_free(story: Story) -> None:
    story.opens()
    for act in (
        lambda: story.own.false_alarm(1, CHEN),
        lambda: story.silence.mute("web-1", CHEN, HOUR),
        lambda: story.silence.mute_incident(1, CHEN, HOUR),
        lambda: story.silence.unmute("web-1", CHEN),
        lambda: story.own.unlock(CHEN),
    ):
        with pytest.raises(NotDecided, match="only approvers may"):
            act()


def test_anybody_may_lock(story: Story) -> None:
    story.own.lock("something is odd", CHEN)
    with story.database.read() as tx:
        found = locked(tx)
    assert found is not None
    assert (found.by, found.why) == (CHEN.id, "something is odd")
    assert story.events() == ["bot.locked"]


def test_a_lock_is_told_in_every_open_incident(story: Story) -> None:
    story.opens()
    story.sees(story.found(detector="memory", culprits=()))
    story.own.lock("odd", CHEN)
    assert [story.events(n)[-1] for n in (1, 2)] == ["bot.locked", "bot.locked"]


def test_a_second_lock_and_a_second_unlock_are_refused(story: Story) -> None:
    story.own.lock("odd", CHEN)
    with pytest.raises(NotDecided, match="locked already"):
        story.own.lock("odder", BOB)
    story.own.unlock(ALICE)
    with pytest.raises(NotDecided, match="not locked"):
        story.own.unlock(ALICE)


def test_a_second_escalation_calls_nobody_again(story: Story) -> None:
    story.opens()
    story.own.escalate(1, CHEN)
    with pytest.raises(NotDecided, match="escalated already"):
        story.own.escalate(1, BOB)
    assert story.events(1).count("incident.escalated") == 1
