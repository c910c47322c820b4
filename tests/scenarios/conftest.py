"""A workspace and a bot for each scenario, and models for it to ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.workspace.workspace import Workspace
from tests.fakes.gemini import FakeGemini
from tests.scenarios.stage import Bot, config


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace.start() as running:
        yield running


@pytest.fixture
def bot(workspace: Workspace, tmp_path: Path) -> Iterator[Bot]:
    made = Bot(workspace=workspace, folder=tmp_path, config=config(workspace))
    yield made
    made.close()
    print(made.log[-6000:])


@pytest.fixture
def gemini() -> Iterator[FakeGemini]:
    with FakeGemini.start() as fake:
        yield fake


@pytest.fixture
def asking(bot: Bot, gemini: FakeGemini) -> Bot:
    """A bot that asks the fake; a short budget, so that hanging ends soon."""
    bot.extra |= {"GEMINI_API_KEY": "a-key", "GOOGLE_GEMINI_BASE_URL": gemini.url}
    bot.config = config(bot.workspace, model={"budget": {"seconds": 8}})
    return bot
