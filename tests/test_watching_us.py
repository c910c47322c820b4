"""What is shipped to watch the bot itself: rules, dashboard and receiver, by their own tools."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest

from bot.config.prometheus import PrometheusServer
from bot.prometheus.server import Server
from bot.runtime.telemetry import Telemetry
from handlers.workspace import Workspace
from tests.fakes.serving import Quiet, serving
from tests.real.postgres import missing
from tests.real.prometheus import prometheus, promtool
from tests.scenarios.stage import Bot, config, until

FOLDER = Path(__file__).parent.parent / "deploy" / "prometheus"
RULES = FOLDER / "countersign.rules.yaml"
RECEIVER = FOLDER / "alertmanager.example.yaml"
METRIC = re.compile(r"\b(?:countersign|process)_\w+")
US = 'instance="web-1:8080",job="countersign"'


def rules() -> dict[str, dict[str, dict[str, str]]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def exprs() -> list[str]:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def run(*words: str) -> str:
    """Run a program that judges files; it must be content."""
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=60, cwd=FOLDER, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# --- rules -----------------------------------------------------------------------------


def test_every_rule_does_what_its_tests_say() -> None:
    run(promtool(), "check", "rules", RULES.name)
    assert "SUCCESS" in run(promtool(), "test", "rules", "countersign.test.yaml")


def test_every_rule_is_seen_to_fire_and_to_be_silent() -> None:
    told = yaml.safe_load((FOLDER / "countersign.test.yaml").read_text())["tests"]
    cases = [case for test in told for case in test["alert_rule_test"]]
    fires = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert fires == silent == set(rules())


def test_a_rule_that_is_changed_is_found(tmp_path: Path) -> None:
    text = RULES.read_text().replace("> 900", "> 9000")
    (tmp_path / RULES.name).write_text(text)
    shutil.copy(FOLDER / "countersign.test.yaml", tmp_path)
    done = subprocess.run(
        [promtool(), "test", "rules", "countersign.test.yaml"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        check=False,
    )
    assert "CountersignLoopStuck" in done.stdout + done.stderr
    assert done.returncode != 0


def test_every_alert_is_routed_away_from_the_bot() -> None:
    assert {rule["labels"]["service"] for rule in rules().values()} == {"countersign"}
    amtool = program("amtool")
    for service, receiver in (("countersign", "people"), ("shop", "countersign")):
        words = ("config", "routes", "test", f"service={service}")
        told = run(amtool, *words[:3], f"--config.file={RECEIVER}", words[3])
        assert told.splitlines()[0] == receiver


@pytest.mark.parametrize("text", [RULES.name, "dashboard.json"])
def test_only_figures_of_a_running_bot_are_asked_for(tmp_path: Path, text: str) -> None:
    with Workspace.start() as workspace:
        bot = Bot(workspace=workspace, folder=tmp_path, config=config(workspace))
        bot.start()
        try:
            known = {*filter(None, (_base(line) for line in figures(bot)))}
        finally:
            bot.close()
    asked = set(METRIC.findall((FOLDER / text).read_text()))
    ends = re.compile(r"_(?:bucket|count|sum)$")
    assert {name for name in asked if ends.sub("", name) not in known} == set()
    assert len(asked) > 5


def figures(bot: Bot) -> list[str]:
    """The lines of /metrics, once the bot is connected."""
    found: list[str] = []

    def is_connected() -> bool:
        address = bot.log.partition("http.listening address=")[2].split()[0]
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            found[:] = answer.read().decode().splitlines()
        return "countersign_slack_connected 1.0" in found

    until(is_connected)
    loops = 'countersign_loop_last_step_timestamp_seconds{loop="'
    named = {line.split('"')[1] for line in found if line.startswith(loops)}
    assert {"poster", "executor", "sweep", "explain", "memory"} <= named
    return found


def _base(line: str) -> str:
    told = re.match(r"# TYPE (\w+) ", line)
    return told[1] if told else ""


# --- the dashboard ---------------------------------------------------------------------


def test_every_panel_shows_something(tmp_path: Path) -> None:
    telemetry = used()
    with prometheus(tmp_path) as real:
        end = time.monotonic() + 60
        server = Server(
            name="main", section=PrometheusServer.model_validate({"url": real.url})
        )
        wanted = [expr.replace("$instance", ".*") for expr in exprs()]
        empty = wanted
        while empty and time.monotonic() < end:
            use(telemetry)
            real.target.lines.update(lines(telemetry))
            time.sleep(0.5)
            empty = [expr for expr in empty if not server.now(expr)]
    assert empty == []
    assert len(wanted) >= 12


def used() -> Telemetry:
    telemetry = Telemetry()
    telemetry.connected(lambda: True)
    telemetry.stepping("poster", lambda: None)
    use(telemetry)
    return telemetry


def use(telemetry: Telemetry) -> None:
    telemetry.decided("approve", counted=True)
    telemetry.posted("chat.update", "ok")
    telemetry.failed("explain")
    telemetry.detector_failed("cpu")
    with telemetry.detector_round("cpu"):
        pass


def lines(telemetry: Telemetry) -> dict[str, float]:
    """The bot's figures as they are scraped from a job of its own."""
    found = {f"up{{{US}}}": 1.0}
    for line in generate_latest(telemetry.registry).decode().splitlines():
        if line.startswith("#"):
            continue
        name, value = line.rsplit(" ", 1)
        bare, _, labels = name.partition("{")
        more = f",{labels}" if labels else "}"
        found[f"{bare}{{{US}{more}"] = float(value)
    return found


def test_the_dashboard_is_small_and_its_panels_are_apart() -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    cells = [
        (x, y)
        for p in places
        for x in range(p["x"], p["x"] + p["w"])
        for y in range(p["y"], p["y"] + p["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)
    assert len(places) <= 15


# --- the receiver ----------------------------------------------------------------------


@dataclass
class Heard:
    """What a webhook was sent: headers and bodies."""

    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[dict[str, object]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        missing(f"{name}, of Debian's package prometheus-alertmanager")
    return found or ""


def test_the_receiver_is_valid() -> None:
    assert "SUCCESS" in run(program("amtool"), "check-config", RECEIVER.name)


def test_alertmanager_tells_an_alert_with_the_token_and_its_end(tmp_path: Path) -> None:
    with listening() as (url, heard), alertmanager(tmp_path, url) as address:
        alert = {"labels": {"alertname": "DiskFull", "instance": "web-7:9100"}}
        send(address, alert)
        until(lambda: heard.bodies)
        over = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
        send(address, {**alert, "endsAt": over})
        until(lambda: heard.bodies[-1]["status"] == "resolved")
    assert set(heard.paths) == {"/webhooks/alertmanager"}
    assert heard.headers[0]["Authorization"] == "Bearer a-token"
    assert heard.bodies[0]["version"] == "4"
    assert heard.bodies[0]["receiver"] == "countersign"
    assert heard.bodies[0]["groupLabels"] == {"alertname": "DiskFull"}


def send(address: str, alert: Mapping[str, object]) -> None:
    asked = urllib.request.Request(
        f"{address}/api/v2/alerts",
        data=json.dumps([alert]).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 200


@contextlib.contextmanager
def listening() -> Iterator[tuple[str, Heard]]:
    heard = Heard()

    class Hears(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.paths.append(self.path)
            heard.headers.append(dict(self.headers))
            heard.bodies.append(json.loads(body))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Hears)) as server:
        yield f"127.0.0.1:{server.server_port}", heard


@contextlib.contextmanager
def alertmanager(folder: Path, receiver: str) -> Iterator[str]:
    """The shipped example, with this receiver's port, a token of ours, and no patience."""
    token = folder / "token"
    token.write_text("a-token\n")
    text = RECEIVER.read_text().replace("127.0.0.1:8080", receiver)
    text = re.sub(r"(credentials_file:) \S+", rf"\1 {token}", text)
    text = re.sub(r"(group_(?:wait|interval):) \w+", r"\1 1s", text)
    (folder / "alertmanager.yml").write_text(text)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [
        program("prometheus-alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
    try:
        until(lambda: b"Listening on" in (folder / "alertmanager.log").read_bytes())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
