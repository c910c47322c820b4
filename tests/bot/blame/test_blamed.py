"""Who is blamed may change while the trouble goes on: then the button changes too."""

from dataclasses import replace

import pytest

from bot.blame.blamed import blame_is_outdated
from bot.model import Finding
from remediation.action import Terminate
from remediation.ledger.proposal import State
from tests.fakes.story import Story
from tests.fakes.things import culprit, finding, incident, process


def busy(story: Story, **shares: float) -> Finding:
    """The CPU is saturated by these pids, so much by each."""
    found = tuple(culprit(int(pid[1:]), share) for pid, share in shares.items())
    return story.found(culprits=tuple(sorted(found, key=lambda c: -c.share)))


def offered(story: Story) -> list[int]:
    pending = [p for p in story.proposals() if p.state is State.PENDING]
    return [p.action.process.pid for p in pending if isinstance(p.action, Terminate)]


def test_the_button_follows_who_makes_half(story: Story) -> None:
    story.reader.living[77] = process(77)
    story.sees(busy(story, p4242=0.6))
    assert offered(story) == [4242]
    story.clock.go(5)
    story.sees(busy(story, p77=0.95, p4242=0.05))
    assert offered(story) == [77]
    assert story.incident().culprit == culprit(77, 0.95)


def test_where_nobody_makes_half_any_more_no_kill_is_offered(story: Story) -> None:
    story.sees(busy(story, p4242=0.6))
    story.clock.go(5)
    story.sees(busy(story, p4242=0.3, p77=0.3))
    assert offered(story) == []
    none = story.incident().no_action
    assert none is not None
    assert none.rule == "no culprit"


@pytest.mark.parametrize(
    ("share", "outdated"), [(0.9, False), (0.45, False), (0.3, True)]
)
def test_a_little_less_is_no_change(
    story: Story, share: float, *, outdated: bool
) -> None:
    lead = busy(story, p4242=share)
    about = replace(incident(), findings=(lead,), culprit=culprit(4242, 0.6))
    assert blame_is_outdated(about) is outdated


def test_another_program_of_the_same_process_is_refused_at_the_click() -> None:
    changed = culprit(4242, 0.9)
    identity = replace(changed.identity, exe="/bin/sh")
    changed = replace(changed, process=replace(changed.process, identity=identity))
    about = incident(findings=(finding(culprits=(changed,)),), culprit=culprit(4242))
    assert not blame_is_outdated(about)
