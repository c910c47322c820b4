"""The whole way with real parts: a service is killed, Alertmanager tells, a click mends.

node_exporter watches systemd, Prometheus judges, Alertmanager tells the bot and is told
nothing by it; systemd restarts nginx, and the end comes back the same way.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.real.alertmanager import TOKEN, alertmanager, rules_and_receiver
from tests.real.machines import SHOWN, Machine, machine
from tests.real.ports import free_port
from tests.real.prometheus import EXPORTER, prometheus
from tests.scenarios.hosted import HostedBot
from tests.scenarios.stage import until
from tests.scenarios.test_services import ALL, card, settings, story

pytestmark = pytest.mark.timeout(240)

PROGRAM = "/usr/bin/prometheus-node-exporter"
WATCHED = 'node_systemd_unit_state{name="nginx.service", state="active"}'
RULES = """\
groups:
  - name: services
    interval: 1s
    rules:
      - alert: ServiceDown
        expr: node_systemd_unit_state{state="active", name="nginx.service"} == 0
        for: 1s
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.name }} is not active on {{ $labels.host }}"}
"""


@pytest.fixture
def host() -> Iterator[Machine]:
    with machine(shown=(*SHOWN, PROGRAM)) as running:
        yield running


@pytest.fixture
def bot(workspace: Workspace, host: Machine, tmp_path: Path) -> Iterator[HostedBot]:
    made = HostedBot(
        workspace=workspace,
        folder=tmp_path,
        config=settings(workspace, services=[]),
        machine=host,
    )
    yield made
    print(made.log[-8000:])


def exports(host: Machine) -> int:
    """Start a real exporter on the machine; return its port."""
    port = free_port()
    told = f"--web.listen-address=127.0.0.1:{port} --collector.disable-defaults"
    body = f"[Service]\nExecStart={PROGRAM} {told} --collector.systemd\n"
    host.service("exporter.service", body)
    return port


def test_a_killed_service_is_told_restarted_and_told_well(
    workspace: Workspace, host: Machine, bot: HostedBot, tmp_path: Path
) -> None:
    host.run("systemctl", "start", "nginx")
    before = host.show("nginx.service", "MainPID", "InvocationID")
    bot.permit(nginx=ALL)
    port = free_port()
    bot.extra = {"COUNTERSIGN_WEBHOOK_TOKEN": TOKEN}
    there = {"url": f"http://127.0.0.1:{port}", "every": "1s"}
    bot.config["alerts"] = {
        "host": ["host"],
        "service": ["name"],
        "settle": "8s",
        "alertmanager": there,
    }
    detectors = bot.config["detectors"]
    assert isinstance(detectors, dict)
    detectors["unit_failed"] = {"enabled": False}
    bot.start()
    listening = until(lambda: re.search(r"http\.listening address=(\S+)", bot.log))
    jobs = EXPORTER.format(port=exports(host))
    lines = jobs + rules_and_receiver(tmp_path, RULES, port)
    with (
        alertmanager(tmp_path, port=port, bot=f"http://{listening[1]}"),
        prometheus(tmp_path, more=lines) as real,
    ):
        real.wait_for(f"{WATCHED} == 1")
        killed = time.monotonic()
        host.run("kill", "-9", before["MainPID"])
        found = card(workspace, "ServiceDown firing on web-1", "Restart nginx.service")
        told = time.monotonic() - killed
        assert "nginx.service is not active on web-1" in found.all_text()

        clicked = time.monotonic()
        assert workspace.click(ALICE.id, found.ts, "Approve").acked
        thread = story(workspace, found, "Resolved after", 60)
        over = time.monotonic() - clicked
    after = host.show("nginx.service", "ActiveState", "InvocationID")
    assert after["ActiveState"] == "active"
    assert after["InvocationID"] != before["InvocationID"]
    assert "Recovered: ServiceDown firing → over" in thread
    print(f"\nkilled to card {told:.1f} s, click to resolved {over:.1f} s")
