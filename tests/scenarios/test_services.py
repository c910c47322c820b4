"""A service fails on a real systemd; people decide; systemd tells whether it helped."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.workspace.message import Message
from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.real.machines import Machine, machine
from tests.scenarios.hosted import HostedBot
from tests.scenarios.stage import config

pytestmark = pytest.mark.timeout(180)

QUICK = {"interval": "1s", "for": "1s", "keep_firing_for": "1s"}
ALL = ("start", "stop", "restart", "reload", "reset-failed")


@pytest.fixture
def host() -> Iterator[Machine]:
    with machine() as running:
        yield running


@pytest.fixture
def bot(workspace: Workspace, host: Machine, tmp_path: Path) -> Iterator[HostedBot]:
    made = HostedBot(
        workspace=workspace,
        folder=tmp_path,
        config=settings(workspace, host.http),
        machine=host,
    )
    yield made
    print(made.log[-8000:])


def settings(
    workspace: Workspace, http: int = 80, **changes: object
) -> dict[str, object]:
    """Only services are watched; a service must stay up for 3 s."""
    made = config(
        workspace,
        services=[{"unit": "nginx", "ports": [http]}],
        verify={"window": "2s", "stable_for": "3s"},
    )
    detectors = made["detectors"]
    assert isinstance(detectors, dict)
    detectors["runaway_process"] = {"enabled": False}
    detectors |= {
        "unit_failed": QUICK,
        "crash_loop": QUICK,
        "endpoint": {**QUICK, "for": "5s"},
    }
    policy = made["policy"]
    assert isinstance(policy, dict)
    policy["services"] = {"allow": ["nginx.service", "flaky.service", "stuck.service"]}
    return {**made, **changes}


def card(workspace: Workspace, *words: str, seconds: float = 40) -> Message:
    """The card that says all the words."""

    def find() -> Message | None:
        for post in workspace.posts():
            text = post.all_text()
            if all(word in text for word in words):
                return post
        return None

    return workspace.wait_for(find, seconds)


def story(workspace: Workspace, about: Message, words: str, seconds: float = 40) -> str:
    """The thread's text, once it has the words."""

    def find() -> str | None:
        text = "\n".join(m.all_text() for m in workspace.thread(about.ts)[1:])
        return text if words in text else None

    return workspace.wait_for(find, seconds)


def test_a_killed_service_is_restarted_by_one_click(
    workspace: Workspace, host: Machine, bot: HostedBot
) -> None:
    host.run("systemctl", "start", "nginx")
    before = host.show("nginx.service", "MainPID", "InvocationID")
    bot.permit(nginx=ALL)
    bot.start()

    host.run("kill", "-9", before["MainPID"])
    found = card(workspace, "nginx.service failed", "SIGKILL", "Restart nginx.service")
    assert workspace.click(ALICE.id, found.ts, "Approve").acked
    told = story(workspace, found, "Resolved after")

    after = host.show("nginx.service", "ActiveState", "InvocationID")
    assert after["ActiveState"] == "active"
    assert after["InvocationID"] != before["InvocationID"]
    assert re.search(r"restarted nginx\.service in \d\.\d s", told)
    assert told.count("Journal of nginx.service around the onset") == 2, "title, item"
    assert "status=9/KILL" in told
    assert "stayed so for 3 s" in told
    assert "Recovered: nginx.service failed → running" in told


def test_a_flaky_service_is_not_called_restarted(
    workspace: Workspace, host: Machine, bot: HostedBot
) -> None:
    host.service("flaky.service", unit("/bin/sh -c 'sleep 0.4; exit 3'"))
    bot.permit(flaky=ALL)
    bot.config = settings(workspace, policy=policy(cooldown="30m"), services=[])
    bot.start()

    found = card(workspace, "flaky.service failed", "exited with status 3", "Restart")
    assert workspace.click(ALICE.id, found.ts, "Approve").acked
    told = story(workspace, found, "did not stay up")

    assert "flaky.service was restarted, but it did not stay up" in told
    assert "exited with status 3" in told
    assert "Recovered" not in told
    workspace.click(ALICE.id, found.ts, "Propose again")
    story(workspace, found, "acted on a short while ago")
    assert not workspace.find_button("Approve", found.ts)


def test_a_service_that_ignores_sigterm_is_waited_for_and_told_of(
    workspace: Workspace, host: Machine, bot: HostedBot
) -> None:
    stubborn = "/usr/bin/python3 -c 'import signal,time; signal.signal(15, 1); time.sleep(600)'"
    host.service("stuck.service", unit(stubborn, "TimeoutStopSec=7"))
    host.run("systemctl", "stop", "nginx", check=False)
    bot.permit(stuck=ALL)
    bot.config = settings(workspace, services=[{"unit": "stuck", "ports": [1]}])
    bot.start()

    found = card(workspace, "stuck.service", "no answer", "Restart stuck.service")
    assert workspace.click(ALICE.id, found.ts, "Approve").acked
    told = story(workspace, found, "stayed so for 3 s")

    assert "restart of stuck.service is under way for 5 s" in told
    assert "it is killed 7 s after it was asked to stop" in told
    took = re.search(r"restarted stuck\.service in (\d+\.\d) s", told)
    assert took and float(took[1]) >= 7


def test_a_start_limit_is_cleared_before_the_restart(
    workspace: Workspace, host: Machine, bot: HostedBot
) -> None:
    switch = "/bin/sh -c 'test -e /run/mended && exec sleep 600; exit 1'"
    host.service("flaky.service", unit(switch, "Restart=always", "RestartSec=50ms"))
    bot.permit(flaky=ALL)
    bot.config = settings(workspace, services=[])
    bot.start()

    found = card(workspace, "flaky.service failed", "given up after", "Restart flaky")
    host.write("/run/mended", "")
    assert workspace.click(ALICE.id, found.ts, "Approve").acked
    told = story(workspace, found, "Resolved after")

    assert "cleared the start limit of flaky.service" in told
    assert host.show("flaky.service", "ActiveState")["ActiveState"] == "active"


def test_what_polkit_does_not_permit_is_left_alone(
    workspace: Workspace, host: Machine, bot: HostedBot
) -> None:
    host.service("flaky.service", unit("/bin/false"))
    bot.permit(nginx=ALL)
    bot.start()

    found = card(workspace, "flaky.service failed", "Restart flaky.service")
    assert workspace.click(ALICE.id, found.ts, "Approve").acked
    told = story(workspace, found, "was left alone")

    assert "polkit" in told
    assert (
        host.show("flaky.service", "NRestarts", "ActiveState")["ActiveState"]
        == "failed"
    )


def unit(start: str, *lines: str, head: str = "") -> str:
    return "\n".join((head, "[Service]", f"ExecStart={start}", *lines, ""))


def policy(**changes: object) -> dict[str, object]:
    return {
        "cooldown": "0s",
        "actions_per_hour": 100,
        "services": {"allow": ["nginx.service", "flaky.service", "stuck.service"]},
        **changes,
    }
