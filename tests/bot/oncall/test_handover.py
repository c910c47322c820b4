"""At the end of a shift all of one's own goes to the next person, or nothing does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.oncall.handover import Handover
from bot.storage import quiet
from remediation.ledger.decision import NotDecided
from remediation.ledger.lock import locked
from tests.fakes.story import ALICE, BOB, Story


@pytest.fixture
def handover(story: Story) -> Handover:
    return Handover(record=story.record, poster=story.poster)


def owned(story: Story) -> None:
    story.opens()
    story.own.take(1, ALICE)
    story.silence.mute("web-1/", ALICE, timedelta(hours=1))
    story.own.lock("deploying", ALICE)


def test_incidents_mutes_and_the_lock_move_together(
    story: Story, handover: Handover
) -> None:
    owned(story)
    handed = handover.all(ALICE, BOB)
    assert (handed.incidents, handed.mutes, handed.lock) == ((1,), ("web-1/",), True)
    assert story.incident().owner == BOB.id
    with story.database.read() as tx:
        assert quiet.kept_by(tx, BOB.id) == ["web-1/"]
        stopped = locked(tx)
    assert stopped is not None and stopped.by == BOB.id
    assert f"handed this over to @{BOB.id}" in story.texts()
    assert f"handed over 1 mutes and the lock to @{BOB.id}" in story.texts()


def test_what_belongs_to_others_stays(story: Story, handover: Handover) -> None:
    owned(story)
    with pytest.raises(NotDecided, match="you own no"):
        handover.all(BOB, ALICE)
    assert story.incident().owner == ALICE.id


def test_who_may_not_lift_a_mute_gets_none(story: Story, handover: Handover) -> None:
    owned(story)
    with pytest.raises(NotDecided, match="approver"):
        handover.all(ALICE, replace(BOB, is_approver=False))
    assert story.incident().owner == ALICE.id
    with story.database.read() as tx:
        assert quiet.kept_by(tx, ALICE.id) == ["web-1/"]


def test_incidents_alone_may_go_to_anybody(story: Story, handover: Handover) -> None:
    story.opens()
    story.own.take(1, ALICE)
    assert handover.all(ALICE, replace(BOB, is_approver=False)).incidents == (1,)
