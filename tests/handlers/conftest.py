"""A workspace of the tests' own, and a story that is told in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_sdk import WebClient

from bot.database import Database
from handlers.client import client
from handlers.workspace import Workspace
from tests.fakes.story import Story
from tests.real.databases import fresh


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace.start() as running:
        yield running


@pytest.fixture
def slack(workspace: Workspace) -> WebClient:
    return client(workspace.bot_token, workspace.api_url, timeout=10)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with fresh("sqlite", tmp_path) as made:
        yield made


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)
