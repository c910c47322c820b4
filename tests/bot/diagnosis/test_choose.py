"""Which model is asked, for what a team configured and what the environment holds."""

from pathlib import Path

import pytest

from bot.config.environment import Environment
from bot.config.model import Critic, Model
from bot.diagnosis.choose import criticising, diagnosing
from tests.bot.diagnosis.conftest import Room

KEYED = Environment(config=Path("c"), state_dir=Path("s"), gemini_key="k")
BARE = Environment(config=Path("c"), state_dir=Path("s"))


def named(section: Model, env: Environment) -> str | None:
    found = diagnosing(section, env)
    return found and found.model


@pytest.mark.parametrize(
    ("section", "env", "name"),
    [
        (Model(), BARE, None),
        (Model(), KEYED, "gemini-3.8-flash"),
        (Model(provider="none"), KEYED, None),
        (Model(provider="gemini"), BARE, None),
        (Model(provider="gemini", name="gemini-x"), KEYED, "gemini-x"),
        (Model(provider="openai", name="llama3"), BARE, "llama3"),
    ],
)
def test_the_model_follows_from_file_and_key(
    section: Model, env: Environment, name: str | None
) -> None:
    assert named(section, env) == name


def test_a_critic_is_asked_only_where_enabled() -> None:
    assert criticising(Model(), KEYED) is None
    cheap = Model(critic=Critic(enabled=True, name="gemini-lite"))
    found = criticising(cheap, KEYED)
    assert found is not None and found.model == "gemini-lite"


def test_the_files_address_wins_over_the_environments(room: Room) -> None:
    env = Environment(
        config=Path("c"),
        state_dir=Path("s"),
        gemini_key="k",
        gemini_base_url="http://127.0.0.1:9",
    )
    found = diagnosing(Model(base_url=room.gemini.url), env)
    assert found is not None
    from bot.diagnosis.provider import Allowance, Conversation, Said

    talk = Conversation(instructions="i", turns=(Said(text="q"),))
    reply = found.turn(talk, (), {}, Allowance(seconds=5, tokens_out=500))
    assert "burn.py" in reply.text
