"""What would happen now: the target as it is this second, and nothing is done."""

from dataclasses import replace

import pytest

from remediation.ledger.decision import NotDecided
from remediation.target.facts import ProcessFacts
from tests.fakes.story import CHEN, Story
from tests.fakes.things import process


def verdict(story: Story) -> str:
    return story.simulate.rehearse(story.opens().offered or "").verdict


def now_it_is(story: Story, **changes: object) -> str:
    proposal_id = story.opens().offered or ""
    alive: ProcessFacts = process()
    identity = replace(alive.identity, **changes)  # type: ignore[arg-type]
    story.reader.living[4242] = replace(alive, identity=identity)
    return story.simulate.rehearse(proposal_id).verdict


def test_what_is_allowed_would_be_carried_out(story: Story) -> None:
    assert verdict(story) == (
        "It would be carried out (allowed by policy.processes.terminate)."
    )


def test_nothing_is_done(story: Story) -> None:
    verdict(story)
    assert story.hands.done == []
    assert story.events(1)[-1] == "proposal.made"


def test_it_shows_the_process_as_it_is(story: Story) -> None:
    story.reader.children[4242] = (process(77),)
    story.reader.living[4242] = process(ports=(80,), respawner=None)
    found = story.simulate.rehearse(story.opens().offered or "")
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Process"] == "python3.11 burn.py (pid 4242)"
    assert (facts["Listens on"], facts["Children"]) == ("80", "python3.11 burn.py (77)")
    assert facts["State"] == "R, running for 5 min"


def test_a_process_that_has_ended_needs_nothing(story: Story) -> None:
    proposal_id = story.opens().offered or ""
    story.reader.living.clear()
    found = story.simulate.rehearse(proposal_id)
    assert found.verdict == "Nothing would be done: the process has ended."
    assert found.facts == ()


def test_another_program_would_be_refused(story: Story) -> None:
    assert now_it_is(story, image="another").startswith("It would be refused: ")


def test_new_children_of_a_single_process_are_named(story: Story) -> None:
    proposal_id = story.opens().offered or ""
    story.reader.children[4242] = (process(77), process(78))
    assert story.simulate.rehearse(proposal_id).verdict == (
        "It would be carried out, and 2 children that are new would be left behind: "
        "propose again to name them."
    )


def test_a_locked_bot_would_refuse(story: Story) -> None:
    proposal_id = story.opens().offered or ""
    story.own.lock("odd", CHEN)
    assert "refused by lock" in story.simulate.rehearse(proposal_id).verdict


def test_another_kind_of_action_is_rehearsed_too(story: Story) -> None:
    story.opens()
    lower = story.proposals()[1]
    assert "lower_priority" in story.simulate.rehearse(lower.id).verdict


@pytest.mark.parametrize("text", ["", "x", "web-1~abc123~0123456789abcdef"])
def test_what_is_unknown_cannot_be_rehearsed(story: Story, text: str) -> None:
    with pytest.raises(NotDecided, match="not known here"):
        story.simulate.rehearse(text)
