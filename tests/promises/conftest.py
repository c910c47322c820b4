"""A workspace and a bot as a process, or two, for the promises tested over the wire."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from handlers.workspace.people import ALICE, BOB, STRANGER
from handlers.workspace.workspace import Workspace
from tests.promises.replicas import Pair
from tests.real.alertmanager import TOKEN
from tests.real.postgres import server
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


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    """A database of its own."""
    with psycopg.connect(postgres, autocommit=True) as link:
        link.execute("CREATE DATABASE pair")
    yield postgres.rpartition("/")[0] + "/pair"
    with psycopg.connect(postgres, autocommit=True) as link:
        link.execute("DROP DATABASE pair WITH (FORCE)")


@pytest.fixture
def pair(workspace: Workspace, url: str, tmp_path: Path) -> Iterator[Pair]:
    people = [ALICE.id, BOB.id, STRANGER.id]
    slack = {
        "channel": workspace.channel_id,
        "approvers": {"users": people},
        "notify": {"critical": [ALICE.id]},
    }
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        extra = {"DATABASE_URL": url, "COUNTERSIGN_WEBHOOK_TOKEN": TOKEN}
        folder = tmp_path / name
        settings = config(workspace, slack=slack)
        made.append(
            Bot(workspace=workspace, folder=folder, config=settings, extra=extra)
        )
    pair = Pair(workspace=workspace, url=url, bots=(made[0], made[1]))
    yield pair
    for bot in pair.bots:
        bot.close()
        print(bot.folder.name, bot.log[-4000:])


@pytest.fixture
def calm(pair: Pair) -> Pair:
    """Bots that nothing on this machine alarms."""
    for bot in pair.bots:
        detectors = bot.config["detectors"]
        assert isinstance(detectors, dict)
        detectors["runaway_process"] = {"enabled": False}
    return pair
