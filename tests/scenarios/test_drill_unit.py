"""A drill under the shipped unit: in the bot's own service, under a system account.

Both are protected from everybody, and a person who names the very child is refused.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.detectors import known
from handlers.workspace.people import ALICE, BOB
from handlers.workspace.workspace import Workspace
from tests.real.machines import BOT_USER, Machine, machine
from tests.scenarios.hosted import HostedBot
from tests.scenarios.stage import config, until
from tests.scenarios.test_services import card, story

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def host() -> Iterator[Machine]:
    with machine() as running:
        yield running


@pytest.fixture
def bot(workspace: Workspace, host: Machine, tmp_path: Path) -> Iterator[HostedBot]:
    made = HostedBot(
        workspace=workspace,
        folder=tmp_path,
        config=config(
            workspace,
            detectors={name: {"enabled": False} for name in known()},
        ),
        machine=host,
    )
    yield made
    print(made.log[-8000:])


def children(host: Machine) -> list[str]:
    """The pids of drills' children that live, as the machine numbers them."""
    return host.run("pgrep", "--full", "sleeper[.]py", check=False).split()


def test_the_child_is_ended_in_the_bots_own_service_by_its_drill_only(
    workspace: Workspace, host: Machine, bot: HostedBot
) -> None:
    bot.start()
    workspace.command(BOB.id, "drill")
    found = card(workspace, "Drill: ", "Proposed action")
    assert re.search(rf"User\*?\s+{BOT_USER}", found.all_text())
    assert "countersign.service" in found.all_text()
    [child] = children(host)

    workspace.command(ALICE.id, f"kill web-1:{child}")
    until(lambda: "protected.own_child" in asides(workspace))
    assert children(host) == [child]
    assert workspace.click(BOB.id, found.ts, "Approve").acked

    told = story(workspace, found, "Resolved after")
    assert "exited" in told and "Recovered: Drill" in told
    assert children(host) == []
    assert host.show("countersign.service", "ActiveState")["ActiveState"] == "active"


def asides(workspace: Workspace) -> str:
    return "\n".join(m.all_text() for m in workspace.ephemerals(ALICE.id))


@pytest.mark.parametrize("how", [("kill", "--signal=KILL"), ("stop",)], ids=str)
def test_the_child_does_not_outlive_the_service(
    workspace: Workspace, host: Machine, bot: HostedBot, how: tuple[str, ...]
) -> None:
    bot.start()
    workspace.command(BOB.id, "drill")
    card(workspace, "Drill: ", "Proposed action")
    assert children(host)

    # The unit leaves what is not its main process alone, for paused processes' sake.
    whole = ("--kill-whom=main",) if how[0] == "kill" else ()
    host.run("systemctl", *how, *whole, "countersign.service")

    until(lambda: not children(host), 10)
