"""Repeated false alarms are told once, beside the story and never in a click's way."""

import pytest

from bot.quiet.false_alarms import FalseAlarms
from bot.storage import store
from remediation.ledger.audit import Event, append, read, verify
from tests.fakes.story import ALICE, Story
from tests.real.databases import KINDS, on

database = on(*KINDS)


@pytest.fixture
def alarms(story: Story) -> FalseAlarms:
    sections: dict[str, dict[str, object]] = {"cpu": {"warning": 85}, "memory": {}}
    return FalseAlarms(record=story.record, sections=sections, poster=story.poster)


def cried(story: Story, *, value: float = 92.0, **changes: object) -> int:
    """One more incident that was called a false alarm; the mute after it is over."""
    story.sees(story.found(value=value, culprits=(), **changes))
    number = story.open()[-1].number
    story.own.false_alarm(number, ALICE)
    story.sees(story.well())
    story.clock.go(2 * 3600)
    story.silence.sweep()
    story.respond = story.restarted()
    return number


def suggested(story: Story) -> list[tuple[int | None, str]]:
    with story.database.read() as tx:
        events = [sealed.event for sealed in read(tx)]
    return [(e.incident, e.text) for e in events if e.kind == "limit.suggested"]


def test_the_third_is_told_in_its_thread(story: Story, alarms: FalseAlarms) -> None:
    for _ in range(2):
        cried(story)
        alarms.step()
    assert suggested(story) == []
    third = cried(story)
    woken = story.poster.times
    alarms.step()
    ((number, text),) = suggested(story)
    assert number == third
    assert "warning 85 % becomes" in text
    assert "-    warning: 85" in text
    assert story.poster.times > woken
    with story.database.read() as tx:
        assert verify(tx).fault is None


def test_it_is_told_once(story: Story, alarms: FalseAlarms) -> None:
    for _ in range(5):
        cried(story)
        alarms.step()
    assert len(suggested(story)) == 1


def test_many_at_once_are_told_once_at_the_last(
    story: Story, alarms: FalseAlarms
) -> None:
    last = [cried(story) for _ in range(4)][-1]
    alarms.step()
    assert [number for number, _ in suggested(story)] == [last]


def test_after_a_crash_in_between_it_is_not_repeated(
    story: Story, alarms: FalseAlarms
) -> None:
    for _ in range(3):
        cried(story)
    alarms.step()
    with story.database.write() as tx:
        store.remember(tx, "false alarms read", "0")
    alarms.step()
    assert len(suggested(story)) == 1


def test_each_host_has_its_own(story: Story, alarms: FalseAlarms) -> None:
    cried(story)
    cried(story)
    cried(story, host="db-1")
    alarms.step()
    assert suggested(story) == []


@pytest.mark.parametrize(
    ("mounts", "times"), [("abc", 0), ("aab", 0), ("aaab", 1), ("aaabbb", 2)]
)
def test_each_mount_has_its_own(story: Story, mounts: str, times: int) -> None:
    sections: dict[str, dict[str, object]] = {"filesystem": {}}
    alarms = FalseAlarms(record=story.record, sections=sections, poster=story.poster)
    for mount in mounts:
        cried(story, detector="filesystem", subject=f"/{mount}")
        alarms.step()
    assert len(suggested(story)) == times


def test_a_condition_without_a_section_is_left_alone(story: Story) -> None:
    alarms = FalseAlarms(record=story.record, sections={}, poster=story.poster)
    for _ in range(3):
        cried(story)
    alarms.step()
    assert suggested(story) == []


def test_other_ends_say_nothing(story: Story, alarms: FalseAlarms) -> None:
    for _ in range(4):
        story.sees(story.found(value=92.0))
        story.sees(story.well())
        story.clock.go(3600)
        story.sees(story.well())
    alarms.step()
    assert suggested(story) == []


def test_a_long_chain_is_read_to_its_end(story: Story, alarms: FalseAlarms) -> None:
    alarms.step()
    with story.database.write() as tx:
        for _ in range(520):
            append(tx, Event(kind="x", text="x", at=story.clock.wall))
    for _ in range(3):
        cried(story)
    alarms.step()
    assert len(suggested(story)) == 1
