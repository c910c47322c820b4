"""Who starts programs without end is ended alone: no list of its children stays true."""

from dataclasses import replace

from bot.actions.candidates import Candidates
from bot.actions.target import Targets
from remediation.action import Terminate
from remediation.acts.aftermath import ticks_now
from remediation.target.facts import ProcessFacts
from remediation.target.procfs import TICKS_PER_SECOND
from tests.fakes.story import Story
from tests.fakes.things import process


class Parent:
    """A reader of one process whose children are so many seconds old."""

    def __init__(self, *ages: float) -> None:
        self.ages = ages

    def read(self, pid: int) -> ProcessFacts:
        return process(pid)

    def descendants(self, pid: int) -> tuple[ProcessFacts, ...]:
        found = []
        for number, age in enumerate(self.ages, start=1):
            child = process(pid + number)
            started = ticks_now() - round(age * TICKS_PER_SECOND)
            identity = replace(child.identity, start_ticks=started)
            found.append(replace(child, identity=identity))
        return tuple(found)


def proposed(story: Story, *ages: float) -> Terminate:
    candidates: Candidates = story.candidates
    known = candidates.targets
    targets = Targets(
        reader=Parent(*ages),
        fleet=known._fleet,
        allowed=(),
        disks=known._disks,
    )
    action = candidates.action("terminate", targets.live(4242))
    assert isinstance(action, Terminate)
    return action


def test_children_that_stay_are_ended_with_it(story: Story) -> None:
    assert (proposed(story, 60, 90).scope, len(proposed(story, 60, 90).members)) == (
        "tree",
        2,
    )


def test_children_of_a_moment_are_not_listed(story: Story) -> None:
    assert (proposed(story, 0, 1).scope, proposed(story, 0, 1).members) == (
        "process",
        (),
    )


def test_one_child_that_stays_makes_it_a_tree(story: Story) -> None:
    assert proposed(story, 0, 60).scope == "tree"


def test_without_children_it_is_the_process(story: Story) -> None:
    assert proposed(story).scope == "process"
