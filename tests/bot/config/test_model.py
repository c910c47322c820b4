"""The `model:` section, and the keys that never stand in it."""

import pytest

from bot.config import yamlfile
from bot.config.environment import Environment
from bot.config.model import Budget
from bot.config.settings import Settings, check
from bot.config.yamlfile import BadConfiguration


def read(text: str) -> Settings:
    return check(yamlfile.parse(text.encode(), source="the file"), {}).settings


def problem(text: str) -> str:
    with pytest.raises(BadConfiguration) as error:
        read(text)
    return str(error.value)


def test_the_defaults_are_gemini_within_small_budgets() -> None:
    model = read("").model
    assert (model.provider, model.name, model.thinking) == (
        None,
        "gemini-3.8-flash",
        "low",
    )
    assert model.budget == Budget(
        rounds=4,
        tokens=30_000,
        seconds=30,
        dollars_per_incident=0.05,
        dollars_per_day=5,
    )
    assert not model.critic.enabled


def test_a_server_of_ones_own_is_configured() -> None:
    text = (
        "model: {provider: openai, name: llama3.3:70b, base_url: 'http://gpu:11434/v1'}"
    )
    assert read(text).model.base_url == "http://gpu:11434/v1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: {provider: bard}", "gemini"),
        ("model: {provider: openai}", "name is needed"),
        ("model: {budget: {round: 3}}", "did you mean rounds"),
        ("model: {critic: {enable: true}}", "did you mean enabled"),
        ("model: {api_key: AIzaSecret}", "unknown key"),
        ("model: {base_url: 'https://user:pw@host'}", "model.base_url"),
        ("model: {budget: {dollars_per_day: -1}}", "at least 0"),
        ("model: {budget: {seconds: .inf}}", "model.budget.seconds"),
    ],
)
def test_a_mistake_is_named(text: str, said: str) -> None:
    assert said in problem(text)


def test_keys_come_from_the_environment_and_never_show() -> None:
    found = Environment.read(
        {
            "GOOGLE_API_KEY": "second",
            "GEMINI_API_KEY": "first",
            "OPENAI_API_KEY": "third",
            "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:1",
            "OPENAI_BASE_URL": "http://127.0.0.1:2",
        }
    )
    assert (found.gemini_key, found.openai_key) == ("first", "third")
    assert found.gemini_base_url == "http://127.0.0.1:1"
    assert found.openai_base_url == "http://127.0.0.1:2"
    assert not any(key in repr(found) for key in ("first", "second", "third"))


def test_googles_other_name_for_the_key_counts_too() -> None:
    assert Environment.read({"GOOGLE_API_KEY": "k"}).gemini_key == "k"
