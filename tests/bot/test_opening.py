"""What comes back within the hour goes on in its old card, unless somebody acted."""

from datetime import timedelta

import pytest

from bot.learning.feedback import Feedbacks, Word
from bot.learning.remember import Remember
from bot.model import Incident, Phase
from bot.opening import AT_MOST, WITHIN
from bot.storage.database import Database
from memory.case import Case
from remediation.action import in_words
from remediation.ledger.proposal import State
from tests.fakes.story import ALICE, FakeReader, Story
from tests.fakes.things import culprit, process


def returns_after(story: Story, seconds: float, **changes: object) -> Incident:
    """The newest incident after the condition was seen again."""
    story.clock.go(seconds)
    story.sees(story.found(**changes))
    (incident,) = story.open()
    return incident


def test_it_goes_on_in_the_same_card(story: Story) -> None:
    before = story.ends(acted=False)
    again = returns_after(story, 600)

    assert (again.number, again.phase) == (1, Phase.OPEN)
    assert again.returned == (story.clock.wall,)
    assert (again.since, again.opened_at) == (story.clock.wall, before.opened_at)
    assert again.resolved_at is None
    assert again.resolution == ""
    assert again.version > before.version
    assert "It is back, 11 min after it was over. The CPU of web-1" in story.texts()


def test_it_offers_an_action_of_its_own_and_revives_none(story: Story) -> None:
    story.ends(acted=False)
    old = [p.id for p in story.proposals()]
    again = returns_after(story, 600)

    states = {p.id: p.state for p in story.proposals()}
    assert {states[each] for each in old} == {State.SUPERSEDED}
    assert again.offered not in old
    assert states[again.offered or ""] is State.PENDING


def test_what_people_said_of_its_cause_stays(story: Story) -> None:
    story.ends(acted=False)
    feedback = Feedbacks(record=story.record, poster=story.poster)
    feedback.give(1, ALICE, Word(is_right=False, cause="a cron job"))
    said = returns_after(story, 600).feedback

    assert said is not None
    assert (said.cause, said.is_right) == ("a cron job", None)


def test_what_was_right_of_one_opinion_is_not_said_of_the_next(story: Story) -> None:
    story.ends(acted=False)
    feedback = Feedbacks(record=story.record, poster=story.poster)
    feedback.give(1, ALICE, Word(is_right=True))

    assert returns_after(story, 600).feedback is None


def test_another_process_of_the_same_program_is_what_the_new_button_means(
    database: Database,
) -> None:
    story = Story(database, reader=FakeReader(process(), process(pid=5151)))
    story.ends(acted=False)
    again = returns_after(story, 60, culprits=(culprit(pid=5151),))

    assert again.number == 1
    offered = next(p for p in story.proposals() if p.id == again.offered)
    assert "(pid 5151)" in in_words(offered.action)


def test_each_return_is_counted(story: Story) -> None:
    story.ends(acted=False)
    for expected in (1, 2, 3):
        again = returns_after(story, 2000)
        assert (again.number, len(again.returned)) == (1, expected)
        story.clock.go(5)
        story.sees(story.well())
        story.clock.go(60)
        story.sees(story.well())


def test_an_approved_fix_that_did_not_last_is_a_new_incident(story: Story) -> None:
    story.ends(acted=True)
    assert returns_after(story, 600).number == 2


def test_a_fix_that_did_not_last_is_not_hidden_in_an_older_card(
    database: Database,
) -> None:
    living = FakeReader(*(process(pid=pid) for pid in (10, 11, 12)))
    story = Story(database, reader=living)
    key = "process:{0}:{0}0"

    def runs(pid: int) -> None:
        story.sees(
            story.found(subject=key.format(pid), culprits=(culprit(pid=pid),)),
        )

    def ends(pid: int) -> None:
        story.clock.go(5)
        story.sees(story.well(subject=key.format(pid)))
        story.clock.go(60)
        story.sees(story.well(subject=key.format(pid)))

    runs(10)
    ends(10)
    runs(11)
    assert [i.number for i in story.open()] == [1]
    ends(11)
    story.clock.go(3700)
    runs(11)
    assert [i.number for i in story.open()] == [2]
    story.acted(2)
    ends(11)
    assert not story.open()
    story.clock.go(60)
    runs(12)

    assert [i.number for i in story.open()] == [3]


def test_nobody_owns_what_comes_back(story: Story) -> None:
    story.opens()
    story.own.take(1, ALICE)
    story.sees(story.well())
    assert returns_after(story, 600).owner is None


def test_a_program_that_runs_away_again_and_again_is_flapping(
    database: Database,
) -> None:
    living = FakeReader(*(process(pid=pid) for pid in range(10, 14)))
    story = Story(database, reader=living)
    flapping = []
    for pid in range(10, 14):
        subject = f"process:{pid}:{pid}0"
        story.sees(story.found(subject=subject, culprits=(culprit(pid=pid),)))
        flapping.append(story.incident().flapping)
        story.clock.go(5)
        story.sees(story.well(subject=subject))
        story.clock.go(60)

    assert flapping == [False, False, False, True]


def test_a_storm_of_returns_is_counted_from_the_return(story: Story) -> None:
    story.ends(acted=False)
    again = returns_after(story, 600)
    assert again.last_opened == story.clock.wall


def test_memory_holds_nothing_of_what_is_open_again(story: Story) -> None:
    memory = ListedMemory()
    remember = Remember(record=story.record, memory=memory, failed=lambda _: None)
    story.ends(acted=False)
    remember.step()
    assert memory.keys == {"1"}
    returns_after(story, 600)

    remember.step()

    assert memory.keys == set()


class ListedMemory:
    """A `bot.learning.remember.Keeper` that knows which cases there are."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def follow(self) -> None:
        pass

    def remember(self, case: Case) -> None:
        self.keys.add(case.key)

    def forget(self, key: str) -> bool:
        self.keys.discard(key)
        return True

    def knows(self, key: str) -> bool:
        return key in self.keys


def test_a_false_alarm_does_not_come_back(story: Story) -> None:
    story.opens()
    story.own.false_alarm(1, ALICE)
    # Its conditions are muted for an hour after that.
    story.clock.go(3500)
    story.sees(story.well())
    story.clock.go(110)
    story.sees(story.found())
    assert [incident.number for incident in story.open()] == [2]


@pytest.mark.parametrize(
    "changes",
    [
        {"culprits": (culprit(label="java shop.jar"),)},
        {"detector": "load"},
        {"subject": "/data"},
        {"culprits": ()},
        {"host": "web-2"},
    ],
)
def test_another_trouble_is_a_new_incident(
    story: Story, changes: dict[str, object]
) -> None:
    story.ends(acted=False)
    assert returns_after(story, 60, **changes).number == 2


def test_what_comes_back_late_is_a_new_incident(story: Story) -> None:
    story.ends(acted=False)
    assert returns_after(story, WITHIN.total_seconds() + 1).number == 2


def test_a_card_is_not_taken_up_for_ever(story: Story) -> None:
    story.opens()
    story.clock.go((AT_MOST - timedelta(minutes=2)).total_seconds())
    for _ in range(2):
        story.sees(story.well())
        story.clock.go(60)
    story.sees(story.well())
    assert not story.open()
    assert returns_after(story, 60).number == 2


def test_one_that_is_open_under_its_old_name_is_in_nobodys_way(story: Story) -> None:
    # Of the first one another condition led in the end; then its first opens the second.
    story.opens()
    story.sees(story.found(detector="load"))
    story.sees(story.well())
    story.clock.go(60)
    story.sees(story.well(detector="load"))
    story.clock.go(60)
    story.sees(story.well(), story.well(detector="load"))
    assert not story.open()
    story.clock.go(60)
    story.sees(story.found(culprits=()))

    story.sees(story.found(detector="load"))

    assert len(story.open()) == 2
