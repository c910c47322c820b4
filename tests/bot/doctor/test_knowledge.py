"""What the doctor says of memory, runbooks and the model: each lack by name, no secret."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.doctor import knowledge
from bot.runtime.checkup import Grade
from memory.embed import MiniLm
from memory.recollect import Memory
from tests.fakes.gemini import FakeGemini
from tests.fakes.letters import Letters
from tests.memory.pieces import case
from tests.real.databases import fresh

PAGE = "---\ntitle: T\nconditions: [cpu]\n---\n\n1. Look.\n"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "cpu.md").write_text(PAGE)
    return Environment(config=tmp_path / "countersign.yaml", state_dir=tmp_path)


def said(environment: Environment, **sections: object) -> dict[str, str]:
    """Subject → what is said of it, marked with `!` where it is a warning."""
    settings = Settings.model_validate(sections)
    return {
        found.subject: ("! " if found.grade is Grade.WARN else "") + found.text
        for found in knowledge.checks(settings, environment)
    }


def test_a_fresh_setup_has_nothing_to_warn_of(environment: Environment) -> None:
    told = said(environment)
    assert not any(text.startswith("!") for text in told.values())
    assert "both files are the known ones" in told["embedder"]
    assert told["memory"] == "0 cases"
    assert "is made when" in told["index"]
    assert told["model"] == "none: the rules explain alone"
    assert "1 pages" in told["runbooks"]


def test_cases_and_the_owner_of_the_index_are_named(environment: Environment) -> None:
    with fresh("sqlite", environment.state_dir) as database:
        bots = Memory(database, MiniLm(), environment.state_dir / "chroma")
        bots.remember(case())
        told = said(environment)
        bots.close()
    assert told["memory"].startswith("1 cases, vectors by all-MiniLM")
    assert "another process owns the index" in told["index"]
    assert "free for the bot" in said(environment)["index"]


def test_cases_that_wait_for_vectors_are_counted(environment: Environment) -> None:
    with fresh("sqlite", environment.state_dir) as database:
        Memory(database, None, None).remember(case(1))
        bare = said(environment)["memory"]
        Memory(database, Letters(), None).remember(case(2))
        others = said(environment)["memory"]
        unused = said(environment, memory={"embedder": "none"})["memory"]
    assert bare.startswith("1 cases; a running bot makes 1 new by all-MiniLM")
    assert "2 cases, vectors by letters; a running bot makes 2 new" in others
    assert unused == "2 cases, vectors by letters"


def test_a_database_that_is_none_is_left_to_its_own_line(
    environment: Environment,
) -> None:
    (environment.state_dir / "countersign.db").write_text("no database " * 500)
    assert "! not looked at" in said(environment)["memory"]


# --- the embedder --------------------------------------------------------------------


def test_an_embedder_without_its_key_is_named(environment: Environment) -> None:
    told = said(environment, memory={"embedder": "gemini"})["embedder"]
    assert told.startswith("! memory.embedder is gemini, but GEMINI_API_KEY is not set")


def test_an_embedder_that_does_not_answer_is_named(environment: Environment) -> None:
    away = replace(
        environment, gemini_key="s3cret", gemini_base_url="http://127.0.0.1:9"
    )
    told = said(away, memory={"embedder": "gemini"})
    assert "could not be reached" in told["embedder"]
    assert "s3cret" not in str(told)


def test_an_embedder_that_answers_is_fine(environment: Environment) -> None:
    with FakeGemini.start() as gemini:
        gemini.embeds = lambda _: [1.0] * 768
        there = replace(environment, gemini_key="k", gemini_base_url=gemini.url)
        told = said(there, memory={"embedder": "gemini"})["embedder"]
    assert told.endswith("it answers")


def test_no_embedder_on_purpose_is_fine(environment: Environment) -> None:
    told = said(environment, memory={"embedder": "none"})["embedder"]
    assert told.startswith("none (memory.embedder)")


# --- the shelf -----------------------------------------------------------------------


def test_problems_of_a_folder_are_counted(environment: Environment) -> None:
    (environment.state_dir / "runbooks" / "bad.md").write_text("no front matter")
    told = said(environment)["runbooks"]
    assert told.startswith("!")
    assert "countersign runbooks check" in told


def test_a_folder_that_is_missing_is_named(environment: Environment) -> None:
    told = said(environment, runbooks={"folders": ["nowhere"]})["runbooks"]
    assert "nowhere: the folder cannot be read" in told


# --- the model -----------------------------------------------------------------------


def test_a_model_with_its_key_is_fine(environment: Environment) -> None:
    url = "http://user:pa55@proxy.internal:8080/?k=pa55"
    there = replace(environment, gemini_key="s3cret", gemini_base_url=url)
    told = said(there)
    assert told["model"].endswith("at proxy.internal; its key is set")
    assert "pa55" not in str(told)
    assert "s3cret" not in str(told)


def test_a_model_without_its_key_is_a_warning(environment: Environment) -> None:
    told = said(environment, model={"provider": "gemini"})["model"]
    assert told.startswith("! model.provider is gemini, but GEMINI_API_KEY is not set")


def test_a_compatible_model_may_have_no_key(environment: Environment) -> None:
    model = {"provider": "openai", "name": "m", "base_url": "http://127.0.0.1:11434"}
    told = said(environment, model=model)["model"]
    assert told == (
        "m at 127.0.0.1; OPENAI_API_KEY is not set; not every server wants one"
    )


def test_a_missing_package_is_named(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    told = said(environment, model={"provider": "openai", "name": "m"})["model"]
    assert "pip install 'countersign[openai]'" in told


@pytest.mark.parametrize("url", ["http://[::1", "nothing"])
def test_an_address_that_is_none_is_said_so(environment: Environment, url: str) -> None:
    there = replace(environment, gemini_key="k", gemini_base_url=url)
    assert "an address" in said(there)["model"]
