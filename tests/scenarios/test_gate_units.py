"""The gate and a real systemd: which services it operates, and what it says of the others."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from remediation.acts.systemd import Systemd
from remediation.gate.request import (
    LookAt,
    LookAtUnit,
    Operate,
    PauseFor,
    Request,
    encode_request,
    read_identity_fields,
)
from remediation.gate.systemctl import JobVerb
from remediation.gate.unit_told import facts_told
from remediation.target.identity import boot_id
from remediation.target.unit import UnitIdentity, Verb
from tests.real.machines import Machine, machine
from tests.scenarios.stage import until
from tests.scenarios.test_gate import SOCKET, gate_log, install_gate
from tests.scenarios.test_services import unit

pytestmark = pytest.mark.timeout(180)

ALL = [verb.value for verb in JobVerb]
LISTED = [
    "nginx.service",
    "web.service",
    "dbus.service",
    "systemd-journald.service",
    "ssh.service",
    "getty@tty1.service",
    "countersign.service",
    "countersign-gate.service",
    "masked.service",
    "missing.service",
    "broken.service",
    "slow.service",
    "below.service",
]

# Asks each line of its input as whoever runs it; prints the last word of each answer.
_ASKER = """\
import socket, sys
for line in sys.stdin.buffer:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(sys.argv[1])
        said = connection.makefile("rb")
        said.readline()
        connection.sendall(line)
        print(said.readline().decode(), end="", flush=True)
"""


@pytest.fixture
def host() -> Iterator[Machine]:
    with machine() as running:
        install_gate(running, units=dict.fromkeys(LISTED, ALL))
        yield running


def ask(host: Machine, *requests: Request) -> list[dict[str, object]]:
    """Ask as the bot's user; return the answers."""
    done = subprocess.run(
        host.enter("/usr/bin/python3", "-c", _ASKER, SOCKET, user="countersign"),
        input=b"".join(map(encode_request, requests)),
        capture_output=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(host: Machine, *requests: Request) -> list[str]:
    """Ask as the bot's user; return verdict, rule and reason of each answer."""
    answers = ask(host, *requests)
    return [f"{a['verdict']} {a['rule']} {a['reason']}" for a in answers]


def job(
    host: Machine,
    name: str,
    verb: JobVerb = JobVerb.RESTART,
    invocation: str | None = None,
    seconds: float = 20,
) -> Operate:
    """A request for the service as it is now."""
    if invocation is None:
        invocation = host.show(name, "InvocationID").get("InvocationID", "")
    identity = UnitIdentity(boot_id=boot_id(), name=name, invocation=invocation)
    return Operate(job=verb, unit=identity, seconds=seconds)


def test_only_listed_unprotected_services_by_their_own_name(host: Machine) -> None:
    host.write("/etc/systemd/system/below.service", unit("/bin/sleep 600"))
    needs = "[Unit]\nRequires=below.service\nAfter=below.service"
    host.service("systemd-above.service", unit("/bin/sleep 600", head=needs))
    host.run(
        "ln",
        "-s",
        "/lib/systemd/system/nginx.service",
        "/etc/systemd/system/web.service",
    )
    host.run("ln", "-s", "/dev/null", "/etc/systemd/system/masked.service")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "nginx")
    before = host.show("nginx.service", "InvocationID")

    expected = {
        "web.service": "refused services.name web.service is an alias of nginx.service",
        "dbus.service": "refused protected.dbus",
        "systemd-journald.service": "refused protected.systemd",
        "getty@tty1.service": "refused protected.login",
        "countersign-gate.service": "refused protected.own_service",
        "masked.service": "refused services.not_loaded",
        "missing.service": "refused services.not_loaded",
        "below.service": "refused protected.systemd systemd-above.service needs it",
        "polkit.service": "refused gate.units",
    }
    said = told(host, *(job(host, name) for name in expected))
    for answer, words in zip(said, expected.values(), strict=True):
        assert answer.startswith(words)
    (stale,) = told(host, job(host, "nginx.service", invocation="a1" * 16))
    assert stale.startswith("refused gate.target it was started anew since")
    other = UnitIdentity(boot_id="0" * 36, name="nginx.service", invocation="")
    (elsewhere,) = told(host, Operate(job=JobVerb.STOP, unit=other, seconds=5))
    assert elsewhere.startswith("refused gate.target the host has been booted since")
    assert host.show("nginx.service", "InvocationID") == before
    log = [json.loads(line) for line in gate_log(host).splitlines() if line[:1] == "{"]
    assert [line["verdict"] for line in log] == ["refused"] * (len(expected) + 2)


def test_it_tells_of_listed_services_what_systemd_tells_and_what_it_would_do(
    host: Machine,
) -> None:
    link = "/etc/systemd/system/web.service"
    host.run("ln", "-s", "/lib/systemd/system/nginx.service", link)
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "nginx")
    host.run("kill", "-9", host.show("nginx.service", "MainPID")["MainPID"])
    until(lambda: host.show("nginx.service", "ActiveState")["ActiveState"] == "failed")
    looks = ("nginx.service", "web.service", "dbus.service", "missing.service")
    answers = ask(host, *(LookAtUnit(name=name) for name in looks))
    nginx, alias, protected, missing = (facts_told(seen_in(a)) for a in answers)

    told = host.show("nginx.service", "InvocationID", "NRestarts", "Result")
    assert nginx.identity.invocation == told["InvocationID"]
    assert (nginx.active, nginx.result) == ("failed", told["Result"])
    assert nginx.interval.total_seconds() == 10 and nginx.last_start is not None
    assert nginx == replace(
        Systemd(host.bus).facts("nginx.service"),
        identity=nginx.identity,
        last_start=nginx.last_start,
        changed_at=nginx.changed_at,
    )
    assert nginx.denied == ()
    assert alias.name == "nginx.service"
    assert {why for _, why in alias.denied} == {
        "services.name: web.service is an alias of nginx.service"
    }
    assert len(protected.denied) == len(Verb)
    assert (missing.load, missing.active) == ("not-found", "inactive")


def seen_in(answer: dict[str, object]) -> dict[str, object]:
    seen = answer["seen"]
    assert isinstance(seen, dict), answer
    return seen


def test_a_job_is_done_failed_or_under_way(host: Machine) -> None:
    host.service("broken.service", unit("/bin/false", "Type=oneshot"), start=False)
    host.service(
        "slow.service", unit("/bin/sleep 600", "ExecStartPre=/bin/sleep 8"), start=False
    )
    host.run("systemctl", "start", "nginx")
    said = told(
        host,
        job(host, "nginx.service"),
        job(host, "broken.service", JobVerb.START),
        job(host, "slow.service", JobVerb.START, seconds=0.5),
    )
    assert said[0] == "done  "
    assert said[1].startswith("failed gate.systemctl systemctl says: Job for broken")
    assert said[2] == "under way  "
    assert host.show("slow.service", "ActiveState")["ActiveState"] == "activating"

    assert told(host, job(host, "broken.service", JobVerb.RESET_FAILED)) == ["done  "]
    assert host.show("broken.service", "ActiveState")["ActiveState"] == "inactive"


def test_it_sees_what_a_process_runs_and_where_it_listens(host: Machine) -> None:
    scope = ("systemd-run", "--quiet", "--scope", "--uid=www-data")
    serve = ("/usr/bin/python3", "-m", "http.server", "0", "--bind", "127.0.0.1")
    with subprocess.Popen(host.enter(*scope, *serve), stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        pid = until(lambda: host.run("pgrep", "-f", "^/usr.*http.server", check=False))
        look = LookAt(pid=int(pid.split()[0]))
        (seen,) = until(lambda: [a for a in _seen(host, look) if a["ports"]])
        identity = read_identity_fields(seen["identity"])
        (refused,) = told(host, PauseFor(process=identity, seconds=5))
        server.kill()

    assert identity.exe.startswith("/usr/bin/python3")
    assert seen["denied"] is None
    assert "it listens on port" in refused


def _seen(host: Machine, look: LookAt) -> list[dict[str, object]]:
    return [a["seen"] for a in ask(host, look) if isinstance(a["seen"], dict)]
