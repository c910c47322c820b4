"""The door to systemd, on a real one: what it tells, what polkit permits."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from remediation.action import OperateUnit
from remediation.acts.service import operate
from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NoSuchUnit,
    StillUnderWay,
)
from remediation.acts.systemd import Systemd
from remediation.attempt import Attempt
from remediation.outcome import Outcome, Result
from remediation.target.identity import boot_id
from remediation.target.unit import UnitIdentity, Verb
from tests.real.machines import BOT_USER, ROOT, Machine, machine

pytestmark = pytest.mark.timeout(180)
LATER = timedelta(seconds=20)
RULES = ROOT / "deploy" / "polkit"


@pytest.fixture(scope="module")
def host() -> Iterator[Machine]:
    with machine() as running:
        yield running


@pytest.fixture
def systemd(host: Machine) -> Systemd:
    return Systemd(host.bus)


def silent(_: timedelta) -> None:
    """Nobody wants to know."""


def unit(start: str, *lines: str) -> str:
    return "\n".join(("[Service]", f"ExecStart={start}", *lines, ""))


def test_it_tells_of_services_and_timers(systemd: Systemd) -> None:
    names = {row.name: row for row in systemd.rows()}
    assert names["dbus.service"].active == "active"
    assert any(name.endswith(".timer") for name in names)


def test_an_alias_is_resolved_to_the_canonical_name(
    host: Machine, systemd: Systemd
) -> None:
    host.service(
        "real.service", unit("/bin/sleep 600", "[Install]", "Alias=other.service")
    )
    host.run("systemctl", "enable", "real.service")
    facts = systemd.facts("other.service")
    assert facts.name == "real.service"
    assert set(facts.names) == {"real.service", "other.service"}


def test_a_template_is_one_service_only_with_its_instance(
    host: Machine, systemd: Systemd
) -> None:
    host.service("worker@.service", unit("/bin/sleep 60%i"), start=False)
    assert systemd.facts("worker@1.service").load == "loaded"
    with pytest.raises(NoSuchUnit):
        systemd.facts("worker@.service")


@pytest.mark.parametrize(
    "name",
    [
        "nope.service",
        "../../bin/sh",
        "--force nginx.service",
        "nginx.service;reboot",
        "\0",
    ],
)
def test_what_nobody_defined_is_no_service(systemd: Systemd, name: str) -> None:
    with pytest.raises(NoSuchUnit):
        systemd.facts(name)
    with pytest.raises((NoSuchUnit, JobFailed)):
        systemd.run(Verb.START, _unit(name), on_wait=silent, deadline=LATER)


def test_a_masked_service_says_so_and_does_not_start(
    host: Machine, systemd: Systemd
) -> None:
    host.service("hidden.service", unit("/bin/sleep 600"), start=False)
    host.run("systemctl", "mask", "--runtime", "hidden.service", check=False)
    host.run("rm", "-f", "/etc/systemd/system/hidden.service")
    host.run("systemctl", "daemon-reload")
    assert systemd.facts("hidden.service").load == "masked"
    with pytest.raises(JobFailed, match="masked"):
        systemd.run(Verb.START, _unit("hidden.service"), on_wait=silent, deadline=LATER)


def test_a_restart_is_another_invocation(host: Machine, systemd: Systemd) -> None:
    host.service("plain.service", unit("/bin/sleep 600"))
    before = systemd.facts("plain.service")
    systemd.run(Verb.RESTART, _unit("plain.service"), on_wait=silent, deadline=LATER)
    after = systemd.facts("plain.service")
    assert after.identity.invocation != before.identity.invocation
    assert (after.active, after.restarts) == ("active", 0)


def test_automatic_restarts_are_counted(host: Machine, systemd: Systemd) -> None:
    host.service(
        "loop.service", unit("/bin/false", "Restart=always", "RestartSec=20ms")
    )
    for _ in range(200):
        facts = systemd.facts("loop.service")
        if facts.active == "failed":
            break
    assert systemd.restarts(["loop.service", "nope.service"])["loop.service"] >= 4
    assert facts.gave_up


def test_a_job_that_does_not_end_is_left_to_systemd(
    host: Machine, systemd: Systemd
) -> None:
    host.service(
        "slow.service",
        unit("/bin/sleep 600", "ExecStartPre=/bin/sleep 30"),
        start=False,
    )
    with pytest.raises(StillUnderWay):
        systemd.run(
            Verb.START,
            _unit("slow.service"),
            on_wait=silent,
            deadline=timedelta(seconds=1),
        )
    host.run("systemctl", "stop", "slow.service")


def test_a_queued_job_of_somebody_else_is_not_thrown_out(
    host: Machine, systemd: Systemd
) -> None:
    host.service(
        "busy.service", unit("/bin/sleep 600", "ExecStartPre=/bin/sleep 5"), start=False
    )
    host.run("systemctl", "start", "--no-block", "busy.service")
    with pytest.raises(JobFailed):
        systemd.run(Verb.STOP, _unit("busy.service"), on_wait=silent, deadline=LATER)
    host.run("systemctl", "stop", "busy.service")


def test_without_a_bus_nobody_manages_services() -> None:
    with pytest.raises(ManagerUnavailable):
        Systemd("unix:path=/nonexistent/bus").facts("nginx.service")


@pytest.mark.promise(36)
def test_polkit_permits_the_bots_user_exactly_what_is_listed(host: Machine) -> None:
    for name in ("listed.service", "unlisted.service"):
        host.service(name, unit("/bin/sleep 600"))
    rule = (RULES / "50-countersign.rules").read_text()
    listed = '"listed.service": ["restart"],'
    host.write(
        "/etc/polkit-1/rules.d/50-countersign.rules",
        rule.replace(
            '"nginx.service": ["start", "stop", "restart", "reload", "reset-failed"],',
            listed,
        ),
    )
    host.run("systemctl", "restart", "polkit")
    said = {
        (verb, name): _as_the_bot(host, verb, name)
        for name in ("listed.service", "unlisted.service", "dbus.service")
        for verb in Verb
    }
    permitted = [asked for asked, answer in said.items() if answer != "NotPermitted"]
    print(
        f"promise 36: asked {len(said)} ways, permitted {len(permitted)}: {permitted}"
    )
    assert permitted == [(Verb.RESTART, "listed.service")]
    assert said[Verb.RESTART, "listed.service"] == "done"


def _as_the_bot(host: Machine, verb: Verb, name: str) -> str:
    code = (
        "from datetime import timedelta\n"
        "from remediation.acts.systemd import Systemd\n"
        "from remediation.target.unit import UnitIdentity, Verb\n"
        "try:\n"
        f"    unit = UnitIdentity(boot_id='', name={name!r}, invocation='')\n"
        f"    Systemd().run(Verb({verb.value!r}), unit, on_wait=print,"
        " deadline=timedelta(seconds=20))\n"
        "    print('done')\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)\n"
    )
    words = ("runuser", "-u", BOT_USER, "--", sys.executable, "-B", "-c", code)
    return host.run(*words).strip()


def test_a_timer_tells_when_it_ran(host: Machine, systemd: Systemd) -> None:
    host.service("tick.service", unit("/bin/true", "Type=oneshot"), start=False)
    host.service("tick.timer", "[Timer]\nOnActiveSec=50ms\nAccuracySec=1ms\n")
    host.service("idle.timer", "[Timer]\nOnActiveSec=1h\nUnit=tick.service\n")
    wanted = ["tick.timer", "idle.timer", "nobody.timer"]
    for _ in range(200):
        found = systemd.last_runs(wanted)
        if found.get("tick.timer"):
            break
    assert set(found) == {"tick.timer", "idle.timer"}
    assert found["tick.timer"] is not None
    assert found["idle.timer"] is None


def restart(systemd: Systemd, name: str) -> Outcome:
    action = OperateUnit(
        host="h1", unit=systemd.facts(name).identity, verb=Verb.RESTART
    )
    attempt = Attempt(
        recheck=lambda _: None, progress=silent_words, now=lambda: datetime.now(UTC)
    )
    return operate(action, attempt, systemd, stable_for=timedelta(seconds=0.5))


def silent_words(_: str) -> None:
    """Nobody wants to know."""


@pytest.mark.promise(16)
def test_ten_failures_in_a_row_never_use_up_the_start_limit(
    host: Machine, systemd: Systemd
) -> None:
    limit = "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=1\n"
    host.service("brittle.service", limit + unit("/bin/false"))
    ends = [restart(systemd, "brittle.service") for _ in range(10)]
    hits = host.run(
        "journalctl",
        "-u",
        "brittle.service",
        "--no-pager",
        "-g",
        "too quickly",
        check=False,
    )
    print(
        f"promise 16: failed restarts {len(ends)}, start limits hit "
        f"{hits.count('too quickly')}"
    )
    assert {end.result for end in ends} == {Result.FAILED}
    assert "too quickly" not in hits


@pytest.mark.promise(16)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            ("/bin/sh -c 'sleep 0.2; exit 3'",),
            "did not stay up (it exited with status 3)",
        ),
        (("/bin/false", "Restart=always", "RestartSec=50ms"), "did not stay up"),
        (("/nonexistent/program",), "failed"),
    ],
)
def test_a_restart_that_does_not_last_is_never_called_done(
    host: Machine, systemd: Systemd, body: tuple[str, ...], words: str
) -> None:
    host.service("weak.service", "[Unit]\nStartLimitIntervalSec=0\n" + unit(*body))
    # What starts twenty times a second may have been started anew since it was read.
    tries = (restart(systemd, "weak.service") for _ in range(20))
    outcome = next(found for found in tries if found.result is not Result.REFUSED)
    print(f"promise 16: {' '.join(body)}: called {outcome.result}")
    assert outcome.result is not Result.DONE
    assert words in outcome.summary


def _unit(name: str) -> UnitIdentity:
    return UnitIdentity(boot_id=boot_id(), name=name, invocation="")
