"""One approval waits for the next: who is called, when, and when nobody is."""

from datetime import timedelta

import pytest

from bot.config.escalation import SecondApprover
from bot.config.policy import Policy
from bot.oncall.second_approver import CallSecond
from bot.storage.database import Database
from tests.fakes.story import ALICE, BOB, Story

# The story begins on a Sunday at 03:00 UTC.
NIGHT = {"from": "22:00", "to": "07:00"}
DAY = {"from": "07:00", "to": "22:00"}


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database, policy=Policy(approvals=2))


def calling(story: Story, **changes: object) -> CallSecond:
    fields = {"then": ["S0SECOND", "U0BOSS"], **changes}
    return CallSecond(
        record=story.record,
        poster=story.poster,
        section=SecondApprover.model_validate(fields),
    )


def called(story: Story) -> list[str]:
    lines = story.texts().splitlines()
    return [line.rpartition(": @")[2] for line in lines if "more approval" in line]


def test_the_next_is_called_after_five_minutes_each_once(story: Story) -> None:
    story.opens()
    call = calling(story, when=NIGHT)
    story.clock.go(600)
    call.sweep()
    assert called(story) == [], "nobody has approved yet"
    story.approved()
    story.clock.go(299)
    call.sweep()
    assert called(story) == []
    story.clock.go(1)
    call.sweep()
    calling(story).sweep()
    assert called(story) == ["S0SECOND"]
    story.clock.go(200)
    call.sweep()
    assert called(story) == ["S0SECOND"]
    story.clock.go(100)
    call.sweep()
    call.sweep()
    assert called(story) == ["S0SECOND", "U0BOSS"]
    story.clock.go(200)
    call.sweep()
    assert called(story) == ["S0SECOND", "U0BOSS"]
    assert story.events(1).count("approval.wanted") == 2


def test_the_line_says_what_is_missing(story: Story) -> None:
    story.opens()
    story.approved()
    story.clock.go(300)
    calling(story).sweep()
    assert "1a has waited 5 min for 1 more approval: @S0SECOND" in story.texts()


def test_who_approved_already_is_not_called(story: Story) -> None:
    story.opens()
    story.approved()
    story.clock.go(300)
    calling(story, then=[ALICE.id, "S0SECOND"]).sweep()
    assert called(story) == ["S0SECOND"]


def test_whoever_came_ends_it(story: Story) -> None:
    story.opens()
    story.approved()
    story.decide.approve(story.incident().offered or "", BOB, None)
    story.clock.go(600)
    calling(story).sweep()
    assert called(story) == []


def test_a_rejected_one_calls_nobody(story: Story) -> None:
    story.opens()
    story.approved()
    story.decide.reject(story.incident().offered or "", BOB, None)
    story.clock.go(600)
    calling(story).sweep()
    assert called(story) == []


@pytest.mark.parametrize(
    "changes", [{"then": []}, {"when": DAY}, {"after": timedelta(minutes=11)}]
)
def test_outside_of_what_the_team_wrote_nobody_is_called(
    story: Story, changes: dict[str, object]
) -> None:
    story.opens()
    story.approved()
    story.clock.go(600)
    calling(story, **changes).sweep()
    assert called(story) == []


def test_a_muted_incident_calls_nobody(story: Story) -> None:
    story.opens()
    story.approved()
    story.silence.mute_incident(1, ALICE, timedelta(hours=1))
    story.clock.go(600)
    calling(story).sweep()
    assert called(story) == []
