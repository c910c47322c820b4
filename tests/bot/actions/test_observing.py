"""`mode: observe`: everything is told, nothing is offered, and nothing can be done."""

from dataclasses import replace

import pytest

from bot.config.settings import Settings
from bot.policy.standing import digest_of, rules_of
from bot.storage.database import Database
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import State
from remediation.rules.rulebook import RuleBook
from tests.fakes.story import ALICE, Story


def observing(story: Story) -> Story:
    """The same bot, started again with the mode changed."""
    book = replace(story.ledger.book, observes=True)
    again = Story(story.database, book=book)
    again.clock = story.clock
    return again


def test_it_says_what_it_would_propose_and_offers_nothing(database: Database) -> None:
    story = Story(database, book=RuleBook(observes=True))
    incident = story.opens()

    assert (incident.offered, story.proposals()) == (None, [])
    assert incident.no_action is not None
    assert incident.no_action.rule == "mode: observe"
    assert incident.no_action.reason == (
        "this bot only watches and tells (mode: observe); else: "
        "Terminate python3.11 burn.py (pid 4242) on web-1"
    )


def test_nobody_can_ask_for_an_action(database: Database) -> None:
    story = Story(database, book=RuleBook(observes=True))
    story.opens()

    story.ask.again(1, ALICE)

    assert story.proposals() == []
    assert story.incident().no_action is not None


def test_a_button_from_before_does_nothing(story: Story) -> None:
    story.opens()
    offered = story.incident().offered or ""
    story.posted()
    after = observing(story)

    with pytest.raises(NotDecided, match="only watches"):
        after.decide.approve(offered, ALICE, None)
    assert after.hands.done == []


def test_what_was_approved_before_is_not_done(story: Story) -> None:
    story.opens()
    approved = story.approved()
    after = observing(story)
    after.carry_out.step()

    assert after.hands.done == []
    states = {p.id: p.state for p in after.proposals()}
    assert states[approved.id] is State.REFUSED


def test_what_was_done_before_is_not_undone_either(story: Story) -> None:
    story.opens()
    pause = next(p for p in story.proposals() if p.action.kind == "pause")
    story.decide.approve(pause.id, ALICE, None)
    story.carry_out.step()
    after = observing(story)

    with pytest.raises(NotDecided, match="only watches"):
        after.decide.undo(1, ALICE)


def test_the_mode_is_a_part_of_the_policy_on_record() -> None:
    assert digest_of(Settings()) != digest_of(Settings(mode="observe"))
    assert rules_of(Settings(mode="observe")).book.observes
    assert not rules_of(Settings()).book.observes


def test_status_says_so(database: Database) -> None:
    assert Story(database, book=RuleBook(observes=True)).status.board().observes
