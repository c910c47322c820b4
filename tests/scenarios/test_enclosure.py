"""The bot in a pid namespace of its own, as in a container: it sees no host and says so."""

import os

import pytest

from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.fakes.slack import whispered
from tests.real.ports import free_port
from tests.real.postgres import missing
from tests.scenarios.stage import Bot, config, runaway, thread_says, until

pytestmark = pytest.mark.timeout(180)

NAMESPACE = ("/usr/bin/unshare", "--fork", "--pid", "--mount-proc", "--kill-child")
QUICK = {"interval": "1s", "for": "1s", "keep_firing_for": "1s"}
EVERY = ("cpu", "memory", "filesystem", "runaway_process", "leaking_process")


@pytest.fixture(autouse=True)
def as_root() -> None:
    if os.geteuid() != 0:
        missing("root, for a pid namespace")


def settings(workspace: Workspace, **changes: object) -> dict[str, object]:
    """All detectors quick, and one service whose port nobody listens on."""
    return config(
        workspace,
        detectors=dict.fromkeys((*EVERY, "endpoint"), QUICK),
        services=[{"unit": "shop.service", "ports": [free_port()]}],
        **changes,
    )


@pytest.fixture
def enclosed(bot: Bot) -> Bot:
    bot.config = settings(bot.workspace)
    bot.inside, bot.extra = NAMESPACE, {"container": "oci"}
    return bot


def status(workspace: Workspace) -> str:

    assert workspace.command(ALICE.id, "status").acked
    return whispered(workspace, ALICE.id, "As of")


def test_in_a_container_addresses_are_watched_and_figures_are_not(
    workspace: Workspace, enclosed: Bot
) -> None:
    enclosed.start()
    until(lambda: "shop.service" in str([p.all_text() for p in workspace.posts()]), 60)
    said = status(workspace)
    assert "This host is not watched: this container sees its own processes" in said
    assert "shop.service" in said
    assert "CPU" not in said and "Memory" not in said
    assert "host.not_watched" in enclosed.log


def test_in_a_container_nothing_can_be_done_to_a_process(
    workspace: Workspace, enclosed: Bot
) -> None:
    enclosed.start()
    assert workspace.command(ALICE.id, "kill web-1:1").acked
    refused = whispered(workspace, ALICE.id, "Nothing was done")
    assert "pid 1 is not looked at: this container sees its own processes" in refused


def test_a_container_may_be_called_a_host(workspace: Workspace, enclosed: Bot) -> None:
    enclosed.config = settings(workspace, watch_host=True)
    enclosed.start()
    until(lambda: "CPU" in status(workspace), 60)
    assert "not watched" not in status(workspace)


def test_a_host_that_is_not_to_be_watched_is_not(
    workspace: Workspace, bot: Bot
) -> None:
    bot.config = settings(workspace, watch_host=False)
    bot.start()
    until(lambda: "shop.service" in str([p.all_text() for p in workspace.posts()]), 60)
    assert "This host is not watched: watch_host is off" in status(workspace)


def test_a_card_of_before_acts_on_no_process(workspace: Workspace, bot: Bot) -> None:
    with runaway(bot) as (process, card):
        assert bot.stop() == 0
        bot.config["watch_host"] = False
        bot.start()
        assert workspace.click(ALICE.id, card.ts, "Approve").acked
        thread_says(workspace, card, "was left alone: watch_host: watch_host is off")
        assert process.poll() is None


def test_the_doctor_says_what_is_off_and_what_to_do(enclosed: Bot) -> None:
    enclosed.start()
    said = enclosed.run("doctor")
    assert "WARN  host: This host is not watched: this container sees" in said.stdout
    assert "`pid: host`" in said.stdout
    assert said.returncode == 0, said.stdout
    rounds = enclosed.run("once")
    assert "This host is not watched" in rounds.stderr
    assert "cpu" not in rounds.stdout and "endpoint" in rounds.stdout


def test_the_doctor_warns_of_a_container_that_nobody_calls_one(enclosed: Bot) -> None:
    enclosed.extra = {}
    enclosed.start()
    said = enclosed.run("doctor").stdout
    assert "WARN  host: this looks like a container" in said
    enclosed.extra, enclosed.config = {}, settings(enclosed.workspace, watch_host=False)
    enclosed.crash()
    enclosed.start()
    said = enclosed.run("doctor").stdout
    assert "ok    host: This host is not watched: watch_host is off" in said
