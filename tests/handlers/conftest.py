"""A workspace of the tests' own, and a story that is told in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_sdk import WebClient

from bot.database import Database
from bot.telemetry import Telemetry
from handlers.channel import Channel
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
def quick(slack: WebClient, workspace: Workspace) -> Channel:
    """The incident channel without its pace of one message a second."""
    return Channel(
        client=slack,
        channel_id=workspace.channel_id,
        telemetry=Telemetry(),
        pace_seconds=0.0,
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with fresh("sqlite", tmp_path) as made:
        yield made


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)
