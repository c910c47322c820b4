"""A bot without any right, on a real systemd: the gate acts for it, or it says why not."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.real.machines import ROOT, Machine, machine
from tests.scenarios.hosted import HostedBot
from tests.scenarios.stage import BURN, config
from tests.scenarios.test_services import QUICK, card, story

pytestmark = pytest.mark.timeout(180)

SOCKET = "/run/countersign/gate.sock"
UNIT = "countersign-gate.service"


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
    print(gate_log(host))


def settings(workspace: Workspace, http: int) -> dict[str, object]:
    made = config(
        workspace,
        services=[{"unit": "nginx", "ports": [http]}],
        verify={"window": "2s", "stable_for": "2s"},
        gate={"socket": SOCKET},
    )
    detectors, policy = made["detectors"], made["policy"]
    assert isinstance(detectors, dict) and isinstance(policy, dict)
    detectors |= {"unit_failed": QUICK, "endpoint": {**QUICK, "for": "5s"}}
    policy["services"] = {"allow": ["nginx.service"]}
    policy["processes"] = {"users": ["www-data"]}
    return made


def install_gate(host: Machine, **changes: object) -> None:
    """The shipped units and list; only where Python lies is the tests' own."""
    fields = json.loads((ROOT / "deploy" / "gate.json").read_text())
    host.write("/etc/countersign/gate.json", json.dumps({**fields, **changes}))
    for name in (UNIT, "countersign-gate.socket"):
        host.write(f"/etc/systemd/system/{name}", (ROOT / "deploy" / name).read_text())
    host.write(f"/etc/systemd/system/{UNIT}.d/test.conf", _DROP_IN)
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "countersign-gate.socket")


_DROP_IN = f"""\
[Service]
ExecStart=
ExecStart={sys.executable} -I -m remediation.gate --allow /etc/countersign/gate.json
Environment=PYTHONDONTWRITEBYTECODE=1
ProtectHome=no
BindReadOnlyPaths={ROOT}
"""


def gate_log(host: Machine) -> str:
    return host.run("journalctl", "--no-pager", "-o", "cat", "-u", UNIT, check=False)


def burner(host: Machine) -> subprocess.Popen[bytes]:
    """A process of www-data that burns, in no service; it ends with the machine."""
    scope = ("systemd-run", "--quiet", "--scope", "--uid=www-data")
    return subprocess.Popen(host.enter(*scope, "/usr/bin/python3", "-c", BURN))


def test_nginx_is_restarted_and_a_runaway_ended_through_the_gate(
    workspace: Workspace, host: Machine, bot: HostedBot
) -> None:
    host.run("systemctl", "start", "nginx")
    before = host.show("nginx.service", "MainPID", "InvocationID")
    install_gate(host)
    bot.start()
    status = host.read(f"/proc/{host.show('countersign', 'MainPID')['MainPID']}/status")
    assert "CapEff:\t0000000000000000" in status

    host.run("kill", "-9", before["MainPID"])
    failed = card(workspace, "nginx.service failed", "Restart nginx.service")
    assert workspace.click(ALICE.id, failed.ts, "Approve").acked
    story(workspace, failed, "restarted nginx.service in")
    story(workspace, failed, "Recovered")
    after = host.show("nginx.service", "ActiveState", "InvocationID")
    assert after["ActiveState"] == "active"
    assert after["InvocationID"] != before["InvocationID"]

    runaway = burner(host)
    found = card(workspace, "python3", "Terminate", "www-data")
    assert workspace.click(ALICE.id, found.ts, "Approve").acked
    story(workspace, found, "after SIGTERM")
    assert runaway.wait(10) != 0
    log = gate_log(host)
    assert '"what": "restart nginx.service ' in log and '"what": "SIGTERM pid ' in log


def test_what_the_gate_cannot_or_will_not_do_is_said_in_the_thread(
    workspace: Workspace, host: Machine, bot: HostedBot
) -> None:
    host.run("systemctl", "start", "nginx")
    install_gate(host, units={})
    bot.start()

    host.run("kill", "-9", host.show("nginx.service", "MainPID")["MainPID"])
    failed = card(workspace, "nginx.service failed", "Restart nginx.service")
    assert workspace.click(ALICE.id, failed.ts, "Approve").acked
    told = story(workspace, failed, "was left alone")
    assert "the gate's list does not allow restart of nginx.service" in told

    host.run("systemctl", "stop", "countersign-gate.socket", UNIT)
    # The thread may tell it a moment before the card has its buttons again.
    workspace.wait_for(lambda: workspace.find_button("Propose again", failed.ts), 20)
    workspace.click(ALICE.id, failed.ts, "Propose again")
    again = card(workspace, "Proposed action* · 1b")
    assert workspace.click(ALICE.id, again.ts, "Approve").acked
    story(workspace, failed, "the gate cannot be reached")
    assert host.show("nginx.service", "ActiveState")["ActiveState"] == "failed"
