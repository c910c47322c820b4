"""The install guide, followed word by word on an empty Debian, from nothing to nothing.

`make install-test` runs it: some minutes, and Debian's packages from the network.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from handlers.workspace.people import ALICE, BOB
from handlers.workspace.workspace import Workspace
from tests.fakes.slack import whispered
from tests.real.machines import EMPTY, ROOT, Machine, machine
from tests.real.sources import cloned, wheels
from tests.scenarios.stage import until

pytestmark = [pytest.mark.install, pytest.mark.timeout(900)]

GUIDE = (ROOT / "deploy" / "README.md").read_text()
SOURCE = "/usr/local/src/countersign"
DOCTOR = "countersign-doctor.service"
CONFIG = "/etc/countersign/countersign.yaml"
BOT, POLKIT, GATE = "The bot", "polkit: services", "The gate: processes"
BACKUP, UPGRADE, AWAY = "Backup", "A new version", "Away with it"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    source = cloned(tmp_path / "source")
    with machine(EMPTY, (f"{source}:{SOURCE}", f"{wheels()}:/wheels")) as running:
        yield running


def blocks(heading: str) -> list[str]:
    """The shell blocks of one part of the guide, in order."""
    part = GUIDE.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    found = re.findall(r"^```sh\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found


def follow(host: Machine, block: str) -> None:
    """Type a block of the guide; what pip would fetch lies in a folder."""
    done = subprocess.run(
        host.enter("bash", "-euc", f"cd {SOURCE}\n{block}"),
        capture_output=True,
        text=True,
        timeout=600,
        env=_ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, block + done.stdout[-3000:] + done.stderr[-3000:]


_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "/wheels",
    "DEBIAN_FRONTEND": "noninteractive",
}


def edit(host: Machine, path: str, **changes: str) -> None:
    """What a person does with an editor: words of the file that become others."""
    text = host.read(path)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    host.write(path, text)


def doctors_words(host: Machine) -> str:
    return host.run("journalctl", "-u", DOCTOR, "-o", "cat", "-n", "40", "--no-pager")


def told(workspace: Workspace) -> str:
    """Everything in the channel, threads too."""
    threads = (workspace.thread(post.ts) for post in workspace.posts())
    return "\n".join(message.all_text() for thread in threads for message in thread)


def status(workspace: Workspace) -> str:
    assert workspace.command(ALICE.id, "status").acked
    return whispered(workspace, ALICE.id, "As of")


def is_active(host: Machine, unit: str = "countersign") -> bool:
    said = host.run("systemctl", "is-active", unit, check=False)
    return said.strip() == "active"


def followed(workspace: Workspace, host: Machine) -> None:
    """From nothing to a bot that runs and is connected."""
    install, configure, units, start = blocks(BOT)
    follow(host, install)
    follow(host, configure)
    host.write("/etc/countersign/slack_bot_token", workspace.bot_token)
    host.write("/etc/countersign/slack_app_token", workspace.app_token)
    words = {"C0123456789": workspace.channel_id, "U0123456789": ALICE.id}
    # The machine has the loopback of this one, where 8080 may be taken.
    edit(host, CONFIG, **words, **{"127.0.0.1:8080": "127.0.0.1:0"})
    # What no guide says: this Slack is ours. And a machine in a container is a host.
    here = (f"SLACK_API_URL={workspace.api_url}", "container=systemd-nspawn")
    host.run("systemctl", "set-environment", *here)
    follow(host, units)
    said = doctors_words(host)
    assert "Ready." in said
    assert "ok    host: sees the processes of the whole machine" in said
    print(said)
    follow(host, start)
    workspace.wait_connected(60)
    assert is_active(host)


def test_the_guide_leads_from_an_empty_debian_to_a_bot_and_back(
    workspace: Workspace, host: Machine
) -> None:
    followed(workspace, host)
    until(lambda: "CPU" in status(workspace), 60)
    assert "not watched" not in status(workspace)
    crash = "[Service]\nExecStart=/bin/sh -c 'echo no bread; exit 3'"
    host.service("shop.service", crash)
    until(lambda: "no bread" in told(workspace), 90)

    for heading in (POLKIT, GATE):
        for block in blocks(heading):
            follow(host, block)
    edit(host, CONFIG, **{"# gate: {socket": "gate: {socket"})
    host.run("systemctl", "restart", "countersign", "countersign-doctor")
    assert "ok    gate: answers on its socket, as root" in doctors_words(host)

    copy, back = blocks(BACKUP)
    follow(host, copy)
    follow(host, back)
    workspace.wait_connected(60)
    kept = host.run("find", "/var/lib/countersign", "-name", "*.before-restore-*")
    assert len(kept.split()) == 1

    (upgrade,) = blocks(UPGRADE)
    before = host.show("countersign", "MainPID")
    follow(host, upgrade)
    workspace.wait_connected(60)
    assert host.show("countersign", "MainPID") != before

    (away,) = blocks(AWAY)
    follow(host, away)
    assert not is_active(host)
    left = host.run("sh", "-c", "find / -xdev -name '*countersign*' 2>/dev/null")
    left = re.sub(r"db\.before-restore-[\d-]+", "db", left)
    assert {
        line for line in left.split() if not line.startswith((SOURCE, "/tmp/"))
    } <= {
        "/var/backups/countersign",
        "/var/lib/countersign",
        "/var/lib/countersign/countersign.db",
        "/var/lib/countersign.before",
        "/var/lib/countersign.before/countersign.db",
    }


def test_what_is_missing_fails_the_doctor_by_name(
    workspace: Workspace, host: Machine
) -> None:
    install, configure, units, _ = blocks(BOT)
    follow(host, install)
    follow(host, configure)
    host.write("/etc/countersign/slack_bot_token", workspace.bot_token)
    edit(host, CONFIG, C0123456789=workspace.channel_id, U0123456789=BOB.id)
    host.run("systemctl", "set-environment", f"SLACK_API_URL={workspace.api_url}")
    with pytest.raises(AssertionError, match="countersign-doctor"):
        follow(host, units)
    assert "FAIL  SLACK_APP_TOKEN" in doctors_words(host)
