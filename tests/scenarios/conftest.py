"""A workspace and a bot for each scenario."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.workspace.workspace import Workspace
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
