"""The critic may object and nothing else."""

import pytest

from bot.config.model import Budget
from bot.diagnosis.critic import Critic
from bot.llm import costs
from tests.bot.diagnosis.conftest import Room
from tests.fakes.gemini import Act, fails, raw, says

POLICY = "# Policy\n\nNo restarts on Fridays."
CANDIDATES = (("a", "Terminate python3.11 burn.py (pid 4242)"),)


def review(room: Room, policy: str = POLICY, **budget: float) -> tuple[str, ...]:
    critic = Critic(
        room.provider(),
        budget=Budget(**budget),  # type: ignore[arg-type]
        account=room.account,
    )
    return critic.review(room.incident, candidates=CANDIDATES, policy=policy)


def test_an_objection_is_a_short_plain_line(room: Room) -> None:
    room.gemini.will(says({"objections": ["a: no\nrestarts on \u202eFridays"]}))
    assert review(room) == ("a: no restarts on Fridays",)


def test_it_reads_the_policy_and_the_proposals(room: Room) -> None:
    room.gemini.will(says({"objections": []}))
    assert review(room) == ()
    assert b"No restarts on Fridays" in room.gemini.prompts
    assert b"Terminate python3.11" in room.gemini.prompts


def test_three_objections_of_two_hundred_characters_are_the_most(room: Room) -> None:
    room.gemini.will(says({"objections": [f"{n} " + "word " * 500 for n in range(9)]}))
    objections = review(room)
    assert len(objections) == 3
    assert all(len(one) <= 200 for one in objections)


@pytest.mark.parametrize(
    "act",
    [
        says("no"),
        says({"objections": "all"}),
        says({"objections": [{"approve": True}]}),
        says({"actions": ["rm"]}),
        fails(401),
        raw(b"<html>"),
    ],
)
def test_a_critic_that_fails_objects_to_nothing(room: Room, act: Act) -> None:
    room.gemini.will(act)
    assert review(room) == ()


def test_without_policy_or_proposals_nobody_is_asked(room: Room) -> None:
    assert review(room, policy="  ") == ()
    assert room.gemini.heard == []


def test_its_cost_is_the_incidents_too(room: Room) -> None:
    room.gemini.will(says({"objections": []}))
    review(room)
    with room.database.read() as tx:
        assert costs.by_incident(tx, room.incident.number).calls == 1


def test_a_policys_secrets_stay_here(room: Room) -> None:
    room.gemini.will(says({"objections": []}))
    review(room, policy="The db password is hunter2hunter2.")
    assert b"hunter2" not in room.gemini.prompts
