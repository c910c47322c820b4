"""Asking for a proposal: measured anew, or named by a person."""

from dataclasses import replace

import pytest

from bot.config.policy import Policy
from bot.storage.database import Database
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import State
from remediation.target.identity import Unobservable
from tests.fakes.story import ALICE, BOB, CHEN, Story
from tests.fakes.things import process


def test_again_proposes_with_new_ids_and_letters(story: Story) -> None:
    old = story.opens().offered
    made = story.ask.again(1, BOB)
    assert [p.letter for p in made] == ["d", "e", "f"]
    assert story.incident().offered == made[0].id != old
    assert {p.state for p in story.proposals()[:3]} == {State.SUPERSEDED}


def test_again_reads_the_culprit_anew(story: Story) -> None:
    story.opens()
    story.reader.living.clear()
    assert story.ask.again(1, BOB) == []
    no_action = story.incident().no_action
    assert no_action is not None
    assert no_action.rule == "culprit is gone"
    assert "asked again: the process has ended" in story.texts()


def test_what_is_under_way_is_not_asked_again(story: Story) -> None:
    story.opens()
    story.approved()
    with pytest.raises(NotDecided, match="1a is under way"):
        story.ask.again(1, BOB)


def test_what_is_resolved_is_not_asked_again(story: Story) -> None:
    story.opens()
    story.own.false_alarm(1, ALICE)
    with pytest.raises(NotDecided, match="resolved already"):
        story.ask.again(1, BOB)


def test_a_kill_by_command_opens_an_incident_for_somebody_else(story: Story) -> None:
    proposal = story.ask.kill("web-1", 4242, ALICE)
    incident = story.incident()
    assert incident.title == "Request: terminate pid 4242 on web-1"
    assert (incident.owner, incident.offered) == (ALICE.id, proposal.id)
    with pytest.raises(NotDecided, match="somebody else"):
        story.decide.approve(proposal.id, ALICE, None)


def test_a_kill_joins_the_incident_of_the_same_culprit(story: Story) -> None:
    story.opens()
    proposal = story.ask.kill("web-1", 4242, ALICE)
    assert (proposal.incident, proposal.letter) == (1, "d")


def test_another_process_with_that_pid_is_another_incident(story: Story) -> None:
    story.opens()
    alive = process()
    story.reader.living[4242] = replace(
        alive, identity=replace(alive.identity, start_ticks=1)
    )
    assert story.ask.kill("web-1", 4242, ALICE).incident == 2


def test_another_hosts_process_is_not_ours_to_kill(story: Story) -> None:
    with pytest.raises(NotDecided, match="acts on web-1, not on db-1"):
        story.ask.kill("db-1", 4242, ALICE)


def test_a_pid_that_nobody_has_is_said_so(story: Story) -> None:
    with pytest.raises(NotDecided, match="there is no process 7 on web-1"):
        story.ask.kill("web-1", 7, ALICE)


def test_a_process_that_is_hidden_is_said_so(story: Story) -> None:
    story.reader.hidden = Unobservable("pid 4242 cannot be looked at")
    with pytest.raises(NotDecided, match="cannot be looked at"):
        story.ask.kill("web-1", 4242, ALICE)


def test_a_protected_process_is_refused_with_its_rule(story: Story) -> None:
    story.reader.living[4242] = process(denied="CAP_KILL is missing")
    with pytest.raises(NotDecided, match=r"rule privilege.*You can run: kill -TERM"):
        story.ask.kill("web-1", 4242, ALICE)
    assert story.open() == []


def test_a_request_whose_process_has_ended_is_settled_when_asked_again(
    story: Story,
) -> None:
    story.ask.kill("web-1", 4242, ALICE)
    story.reader.living.clear()
    assert story.ask.again(1, BOB) == []
    assert not story.incident().is_open


def test_asking_again_twice_proposes_once(story: Story) -> None:
    story.opens()
    story.clock.go(60)
    first = story.ask.again(1, BOB)
    assert story.ask.again(1, CHEN) == first
    assert story.events(1).count("proposal.again") == 1


def test_asking_again_right_after_a_rejection_proposes_anew(story: Story) -> None:
    story.opens()
    story.clock.go(60)
    first = story.ask.again(1, BOB)
    story.decide.reject(first[0].id, ALICE, None)
    made = story.ask.again(1, CHEN)
    assert [p.letter for p in made] == ["g", "h", "i"]
    assert story.incident().offered == made[0].id
    assert story.events(1).count("proposal.again") == 2


def test_asking_again_throws_away_no_approval(database: Database) -> None:
    story = Story(database, policy=Policy(approvals=2))
    story.opens()
    story.decide.approve(story.incident().offered or "", ALICE, None)
    with pytest.raises(NotDecided, match="has an approval already"):
        story.ask.again(1, BOB)
