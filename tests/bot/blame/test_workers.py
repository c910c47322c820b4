"""Workers with their leader: what would reach the leader alone is not offered."""

from dataclasses import replace

from bot.config.policy import Policy
from bot.storage.database import Database
from tests.fakes.story import Story
from tests.fakes.things import culprit


def offered(story: Story, members: int) -> list[str]:
    story.opens(culprits=(replace(culprit(), members=members),))
    return [proposal.action.kind for proposal in story.proposals()]


def test_a_leader_is_neither_paused_nor_slowed_for_its_workers(story: Story) -> None:
    assert offered(story, 17) == ["terminate"]


def test_one_process_may_be(story: Story) -> None:
    assert offered(story, 1) == ["terminate", "lower_priority", "pause"]


def test_where_nothing_else_is_permitted_the_card_says_why(database: Database) -> None:
    story = Story(database, policy=Policy(candidates=("pause",)))

    assert offered(story, 17) == []
    none = story.incident().no_action
    assert none is not None
    assert "leader alone" in none.reason
