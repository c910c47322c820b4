"""The same story with PostgreSQL instead of SQLite."""

from collections.abc import Iterator

import pytest

from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.real.postgres import server
from tests.scenarios.stage import Bot, card_of, thread_says, villain


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as url:
        yield url


def test_a_runaway_is_approved_and_verified_on_postgresql(
    workspace: Workspace, bot: Bot, postgres: str
) -> None:
    bot.extra["DATABASE_URL"] = postgres
    bot.start()
    with villain() as process:
        card = card_of(workspace, process.pid, "Proposed action")
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(10) == -15
        thread_says(workspace, card, "Recovered")
    proof = bot.run("audit", "verify")
    assert "whole" in proof.stdout
    assert proof.returncode == 0
    assert bot.stop() == 0
