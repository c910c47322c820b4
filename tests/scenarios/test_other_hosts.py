"""Acting where the alert is: other hosts with a real sshd, gate, systemd and nginx."""

import contextlib
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from handlers.workspace.message import Message
from handlers.workspace.people import ALICE, BOB
from handlers.workspace.workspace import Workspace
from tests.real.hosts import OtherHost, other_hosts
from tests.real.machines import machine
from tests.real.prometheus import RealPrometheus, prometheus
from tests.scenarios.hosted import HostedBot
from tests.scenarios.stage import Bot, config, until
from tests.scenarios.test_services import card, story

pytestmark = pytest.mark.timeout(180)

RULE = {
    "name": "nginx_down",
    "expr": "last_over_time(nginx_up[5s])",
    "for": "1s",
    "keep_firing_for": "1s",
    "critical": 0.5,
    "bad": "below",
    "label": "nginx answers",
    "service": "service",
}


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Hosts, and a Prometheus that knows whether the nginx of each answers."""

    hosts: dict[str, OtherHost]
    metrics: RealPrometheus
    folder: Path

    @property
    def web_7(self) -> OtherHost:
        return self.hosts["web-7"]

    def settings(self, workspace: Workspace, **of_host: object) -> dict[str, object]:
        """What the bot is told: where its hosts are, and the rule."""
        made = config(workspace, verify={"window": "3s", "stable_for": "2s"})
        detectors, policy = made["detectors"], made["policy"]
        assert isinstance(detectors, dict) and isinstance(policy, dict)
        quick = {"interval": "0.5s", "for": "1s", "keep_firing_for": "1s"}
        detectors |= {"prometheus": quick, "runaway_process": {"enabled": False}}
        policy["services"] = {"allow": ["nginx.service"]}
        servers = {"main": {"url": self.metrics.url, "timeout": "1s"}}
        made["prometheus"] = {"servers": servers, "rules": [RULE]}
        made["hosts"] = {
            name: {"address": host.address, "host_key": host.host_key, **of_host}
            for name, host in self.hosts.items()
        }
        return made


@contextlib.contextmanager
def fleet(folder: Path, names: Sequence[str]) -> Iterator[Fleet]:
    """Hosts and, beside them, who looks each half second whether they answer."""
    over = threading.Event()
    with other_hosts(folder, names) as hosts, prometheus(folder) as metrics:

        def look() -> None:
            while not over.wait(0.5):
                for name, host in hosts.items():
                    line = f'nginx_up{{instance="{name}:9113",service="nginx"}}'
                    metrics.target.lines[line] = float(host.listens)

        looking = threading.Thread(target=look)
        looking.start()
        try:
            metrics.wait_for("nginx_up == 1")
            yield Fleet(hosts=hosts, metrics=metrics, folder=folder)
        finally:
            over.set()
            looking.join()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path, ["web-7"]) as running:
        yield running


@pytest.fixture
def bot(bot: Bot, tmp_path: Path) -> Bot:
    bot.extra["COUNTERSIGN_SSH_KEY"] = str(tmp_path / "bot_key")
    return bot


def down(workspace: Workspace, *words: str) -> Message:
    return card(workspace, "nginx answers", "on web-7", *words)


def test_a_click_restarts_nginx_on_the_host_of_the_alert(bot: Bot, one: Fleet) -> None:
    workspace, web = bot.workspace, one.web_7
    bot.config = one.settings(workspace)
    bot.start()
    before = web.invocation

    web.kill_nginx()
    found = down(workspace, "Restart nginx.service on web-7", "SIGKILL")
    clicked = time.monotonic()
    assert workspace.click(ALICE.id, found.ts, "Approve").acked
    until(lambda: web.invocation not in ("", before))
    print(f"click to a new nginx: {time.monotonic() - clicked:.1f} s")
    told = story(workspace, found, "Resolved after")

    assert web.listens
    assert web.invocation != before
    assert re.search(r"active/running and stayed so for [2-4] s", told)
    assert re.search(r"Recovered: nginx answers .*0.* → 1", told)
    assert [line for line in web.log() if '"done"' in line and "restart nginx" in line]


def test_the_shipped_unit_acts_there_with_its_credential(
    workspace: Workspace, one: Fleet, tmp_path: Path
) -> None:
    with machine() as host:
        made = HostedBot(
            workspace=workspace,
            folder=tmp_path,
            config=one.settings(workspace),
            machine=host,
        )
        host.write("/etc/countersign/ssh_key", (tmp_path / "bot_key").read_text())
        host.run("chmod", "600", "/etc/countersign/ssh_key")
        credential = (
            "[Service]\nLoadCredential=countersign_ssh_key:/etc/countersign/ssh_key\n"
        )
        host.write("/etc/systemd/system/countersign.service.d/z.conf", credential)
        made.start()
        one.web_7.kill_nginx()
        found = down(workspace, "Restart nginx.service on web-7")
        assert workspace.click(ALICE.id, found.ts, "Approve").acked
        story(workspace, found, "Recovered")
        assert one.web_7.listens


def test_a_host_in_no_list_gets_the_command_a_person_runs(bot: Bot, one: Fleet) -> None:
    bot.config = one.settings(bot.workspace) | {"hosts": {}}
    bot.start()
    one.web_7.kill_nginx()
    found = down(bot.workspace, "cannot act on web-7: this bot acts on web-1 only")
    assert "ssh web-7" in found.all_text()


def test_a_host_with_another_key_is_asked_nothing(bot: Bot, one: Fleet) -> None:
    workspace, web = bot.workspace, one.web_7
    body = "AAAAC3NzaC1lZDI1NTE5AAAAIBQFt5HMbfR1IVSP5dHd2L8Ki0jGpmb4lqgd4C3qYJfB"
    bot.config = one.settings(workspace, host_key=f"ssh-ed25519 {body}")
    bot.start()
    web.kill_nginx()
    found = down(workspace, "another host key than hosts.web-7.host_key says")
    assert "Approve" not in found.all_text()
    assert web.log() == []


def test_a_host_that_is_gone_by_the_click_is_refused(bot: Bot, one: Fleet) -> None:
    workspace, web = bot.workspace, one.web_7
    bot.config = one.settings(workspace)
    bot.start()
    web.kill_nginx()
    found = down(workspace, "Restart nginx.service on web-7")

    web.unplug()
    assert workspace.click(ALICE.id, found.ts, "Approve").acked
    told = story(workspace, found, "was left alone")
    assert re.search(r"web-7 (cannot be reached|gave no answer).*asked nothing", told)

    web.plug()
    time.sleep(2)
    assert web.log() == []
    assert web.state == "failed"


def test_a_host_that_is_cut_off_in_the_middle_is_observed_later(
    bot: Bot, one: Fleet
) -> None:
    workspace, web = bot.workspace, one.web_7
    slow = "[Service]\nExecStartPre=/bin/sleep 4\n"
    web.machine.write("/etc/systemd/system/nginx.service.d/slow.conf", slow)
    web.machine.run("systemctl", "daemon-reload")
    bot.config = one.settings(workspace)
    bot.start()
    web.kill_nginx()
    found = down(workspace, "Restart nginx.service on web-7")

    assert workspace.click(ALICE.id, found.ts, "Approve").acked
    until(lambda: web.state == "activating")
    web.unplug()
    told = story(workspace, found, "whether it was done is not known")
    assert "web-7 was asked, and the gate's answer was lost" in told
    assert "restarted nginx.service in" not in told

    web.plug()
    told = story(workspace, found, "Seen by now: nginx.service is active/running")
    assert "of another start" in told
    done = [line for line in web.log() if "restart nginx.service" in line]
    assert len(done) <= 1, "it is never asked twice"


def test_the_key_opens_the_gate_and_nothing_else(one: Fleet, tmp_path: Path) -> None:
    web = one.web_7
    trusted = tmp_path / "trusted"
    trusted.write_text(f"{web.address} {web.host_key}\n")
    options = (
        *("-F", "none", "-i", str(tmp_path / "bot_key"), "-o", "BatchMode=yes"),
        *("-o", f"UserKnownHostsFile={trusted}", "-o", "ExitOnForwardFailure=yes"),
    )

    def ssh(*words: str, program: str = "ssh") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *options, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    root = f"root@{web.address}"
    shell = ssh(root, "touch /run/was-here; id")
    terminal = ssh("-tt", root)
    copied = ssh(__file__, f"{root}:/run/was-here", program="scp")
    forwarded = ssh("-N", "-R", "0:127.0.0.1:80", root)
    through = ssh("-W", "127.0.0.1:80", root)

    assert "uid=" not in shell.stdout and '"countersign_gate":1' in shell.stdout
    assert "uid=" not in terminal.stdout
    assert copied.returncode != 0
    assert forwarded.returncode != 0
    assert through.returncode != 0 and "HTTP" not in through.stdout
    assert not web.machine.run("ls", "/run/was-here", check=False)


def test_people_ask_for_a_restart_and_for_maintenance_there(
    bot: Bot, one: Fleet
) -> None:
    workspace, web = bot.workspace, one.web_7
    bot.config = one.settings(workspace)
    bot.start()
    before = web.invocation

    workspace.command(ALICE.id, "restart nginx web-7")
    found = card(workspace, "Request: restart nginx.service on web-7")
    assert workspace.click(BOB.id, found.ts, "Approve").acked
    story(workspace, found, "nginx.service was restarted: active/running")
    assert web.invocation != before

    workspace.command(ALICE.id, "maintenance web-7/nginx 1h new kernel")
    until(lambda: "web-7/nginx.service" in bot.run("maintenance", "list").stdout)


def test_one_of_twenty_is_restarted_and_the_others_are_left_alone(
    bot: Bot, tmp_path: Path
) -> None:
    workspace = bot.workspace
    names = [f"web-{number}" for number in range(1001, 1021)]
    began = time.monotonic()
    with fleet(tmp_path, names) as twenty:
        print(f"20 hosts up: {time.monotonic() - began:.1f} s")
        bot.config = twenty.settings(workspace)
        bot.start()
        asked = time.monotonic()
        said = bot.run("doctor").stdout
        print(f"doctor, all of it: {time.monotonic() - asked:.1f} s")
        assert said.count("its gate answers, and operates nginx.service") == 20
        before = {name: host.invocation for name, host in twenty.hosts.items()}

        web = twenty.hosts["web-1013"]
        web.kill_nginx()
        killed = time.monotonic()
        found = card(workspace, "on web-1013", "Restart nginx.service on web-1013")
        clicked = time.monotonic()
        assert workspace.click(ALICE.id, found.ts, "Approve").acked
        until(lambda: web.invocation not in ("", before[web.name]))
        print(f"killed to the card: {clicked - killed:.1f} s")
        print(f"click to a new nginx: {time.monotonic() - clicked:.1f} s")
        story(workspace, found, "Recovered")
        print(f"click to recovered, told: {time.monotonic() - clicked:.1f} s")

        after = {name: host.invocation for name, host in twenty.hosts.items()}
        assert [name for name in names if after[name] != before[name]] == [web.name]
