"""Promise 19: a drill of two bots on one database: one child, one end, whoever hears what."""

import re

import pytest

from handlers.workspace.message import Message
from handlers.workspace.people import ALICE, BOB
from tests.promises.replicas import Pair
from tests.scenarios.stage import thread_says, until

pytestmark = [pytest.mark.promise(19), pytest.mark.timeout(300)]


def drilled(pair: Pair, number: int) -> Message:
    """The card of the drill with this number, once it waits for a decision."""
    pair.workspace.command(BOB.id, "drill")

    def find() -> Message | None:
        for post in pair.workspace.posts():
            text = post.all_text()
            mine = re.search(rf"Incident {number}\b", text)
            if mine and "Drill: " in text and "Proposed action" in text:
                return post
        return None

    return pair.workspace.wait_for(find, 60)


def test_whoever_hears_the_wish_and_the_click_one_child_is_ended_once(
    calm: Pair,
) -> None:
    calm.start()
    drills = 4
    for number in range(1, drills + 1):
        card = drilled(calm, number)
        calm.workspace.click(ALICE.id, card.ts, "Approve")
        calm.workspace.click(BOB.id, card.ts, "Approve")
        story = thread_says(calm.workspace, card, "Resolved after")
        assert "exited" in story, "ended by the bot that had started it"
        until(lambda: wishes(calm) == 0 and open_(calm) == 0)
    kinds = [kind for (kind,) in calm.rows("SELECT kind FROM events")]
    started, refused = kinds.count("action.started"), kinds.count("action.refused")
    children = sum(bot.log.count("drill.started") for bot in calm.bots)
    print(
        f"promise 19: {drills} drills of two bots: children {children}, executions "
        f"{started}, refused {refused}, posted twice {calm.posted_twice()}"
    )
    assert (children, started, refused) == (drills, drills, 0)
    assert calm.posted_twice() == 0


def wishes(pair: Pair) -> int:
    return len(pair.rows("SELECT 1 FROM meta WHERE key = 'drill wanted'"))


def open_(pair: Pair) -> int:
    return len(pair.rows("SELECT 1 FROM incidents WHERE phase <> 'resolved'"))


def test_the_leaders_end_ends_its_drill_and_the_other_says_so(calm: Pair) -> None:
    calm.start()
    card = drilled(calm, 1)
    first = calm.leader()
    first.crash()
    story = thread_says(
        calm.workspace, card, "ended with the Countersign that had started it"
    )
    assert "Executing" not in story
    again = drilled(calm, 2)
    calm.workspace.click(ALICE.id, again.ts, "Approve")
    thread_says(calm.workspace, again, "Resolved after")
    print(
        "promise 19: a drill whose leader was killed: executions 0, the next one went"
    )
