"""What was seen and called nobody: counted, kept, told once."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from bot.alerts.alert import Timing
from bot.model import Level
from bot.quiet import unpaged
from bot.quiet.unpaged import Unpaged, Why
from bot.storage import quiet
from tests.fakes.story import ALICE, Story

AT_ONCE = Timing(hold_for=timedelta(0), keep_for=timedelta(0))
SLOW = Timing(hold_for=timedelta(minutes=1), keep_for=timedelta(0))


def told(story: Story) -> list[tuple[str, Why, int]]:
    story.unpaged.keep()
    with story.record.database.read() as tx:
        return [(s.label, s.why, s.times) for s in unpaged.all_of(tx)]


def test_what_is_over_before_its_time_is_counted(story: Story) -> None:
    for _ in range(2):
        story.respond.absorb([story.found()], SLOW)
        story.clock.go(5)
        story.respond.absorb([story.well()], SLOW)
    assert story.open() == []
    assert told(story) == [("CPU", Why.BRIEF, 2)]


def test_what_fires_is_not(story: Story) -> None:
    story.respond.absorb([story.found()], AT_ONCE)
    story.clock.go(5)
    story.respond.absorb([story.well()], AT_ONCE)
    assert told(story) == []


def test_a_muted_alarm_is_counted_once(story: Story) -> None:
    found = story.found()
    with story.record.database.write() as tx:
        until = story.clock.wall + timedelta(hours=1)
        quiet.mute(tx, found.key, until=until, by=ALICE.id)
    for _ in range(3):
        story.respond.absorb([story.found()], AT_ONCE)
        story.clock.go(5)
    assert story.open() == []
    assert told(story) == [("CPU", Why.MUTED, 1)]


def test_counts_outlive_a_restart_and_add_up(story: Story) -> None:
    story.unpaged.add(story.found(), Why.EXPECTED, "uses 3 of 4 cores")
    story.unpaged.keep()
    again = Unpaged(story.record.database)
    again.add(story.found(), Why.EXPECTED, "uses 2 of 4 cores")
    again.keep()
    with story.record.database.read() as tx:
        (seen,) = unpaged.all_of(tx)
    assert (seen.times, seen.said) == (2, "uses 2 of 4 cores")


def test_processes_of_one_name_are_counted_together(story: Story) -> None:
    for pid in (7, 8):
        story.unpaged.add(
            story.found(subject=f"process:{pid}:1", is_passing=True), Why.BRIEF
        )
    assert told(story) == [("CPU", Why.BRIEF, 2)]


def test_what_came_after_the_telling_stays(story: Story) -> None:
    story.unpaged.add(story.found(), Why.BRIEF)
    story.unpaged.keep()
    with story.record.database.read() as tx:
        seen = unpaged.all_of(tx)
    story.clock.go(60)
    story.unpaged.add(story.found(), Why.BRIEF)
    story.unpaged.keep()
    with story.record.database.write() as tx:
        unpaged.forget(tx, seen)
        (again,) = unpaged.all_of(tx)
    assert again.times == 1


def test_what_could_not_be_written_is_written_later(story: Story) -> None:
    story.unpaged.add(story.found(), Why.BRIEF)
    rename(story, "unpaged", "away")
    with pytest.raises(DBAPIError):
        story.unpaged.keep()
    rename(story, "away", "unpaged")
    story.unpaged.add(story.found(), Why.BRIEF)
    assert told(story) == [("CPU", Why.BRIEF, 2)]


def rename(story: Story, name: str, other: str) -> None:
    with story.record.database.write() as tx:
        tx.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {other}")


def test_a_flood_is_bounded(story: Story) -> None:
    for number in range(2 * unpaged.MOST):
        story.unpaged.add(
            story.found(subject=f"/mnt/{number}", level=Level.WARNING), Why.BRIEF
        )
    assert len(told(story)) == unpaged.MOST
