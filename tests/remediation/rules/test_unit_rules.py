"""Promise 14 and 16 for services: what may be operated, and what never."""

from dataclasses import replace

import pytest

from remediation.action import OperateUnit
from remediation.rules.protect import OwnTree
from remediation.rules.unit_rules import ServiceSettings, refuse_unit
from remediation.target.unit import UnitFacts, Verb
from tests.fakes.services import running, service

OWN = OwnTree(
    pid=900, ancestors=frozenset({1}), service="/system.slice/countersign.service"
)
ALLOWED = ServiceSettings(allow=frozenset({"nginx.service"}))


def rule(
    facts: UnitFacts,
    verb: Verb = Verb.RESTART,
    *,
    settings: ServiceSettings | None = None,
    dependents: tuple[str, ...] = (),
) -> str | None:
    action = OperateUnit(
        host="web-1", unit=facts.identity, verb=verb, dependents=dependents
    )
    wanted = settings or ServiceSettings(allow=frozenset({facts.name}))
    refused = refuse_unit(action, facts, wanted, OWN)
    return refused.rule if refused else None


def test_a_listed_service_may_be_restarted() -> None:
    assert rule(service()) is None
    assert rule(running()) is None


def test_an_empty_list_allows_nothing() -> None:
    assert rule(service(), settings=ServiceSettings()) == "policy.services.allow"


def test_an_alias_in_the_list_does_not_count() -> None:
    facts = service("nginx.service", names=("nginx.service", "www.service"))
    settings = ServiceSettings(allow=frozenset({"www.service"}))
    assert rule(facts, settings=settings) == "policy.services.allow"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ssh.service", "protected.sshd"),
        ("ssh@7.service", "protected.sshd"),
        ("dbus.service", "protected.dbus"),
        ("systemd-journald.service", "protected.systemd"),
        ("docker.service", "protected.container_runtime"),
        ("getty@tty1.service", "protected.login"),
        ("user@1000.service", "protected.login"),
        ("countersign.service", "protected.own_service"),
    ],
)
def test_the_machines_own_services_are_protected_though_listed(
    name: str, wanted: str
) -> None:
    assert rule(service(name)) == wanted


def test_a_protected_alias_protects_the_service() -> None:
    facts = service("custom.service", names=("custom.service", "sshd.service"))
    assert rule(facts) == "protected.sshd"


def test_a_service_above_the_bot_is_its_own() -> None:
    assert rule(running(cgroup="/system.slice")) == "protected.own_service"
    assert rule(running(cgroup="/system.slice/nginx.service")) is None


def test_patterns_of_the_team_hold_over_the_list() -> None:
    settings = replace(ALLOWED, protect=("ngin*",))
    assert rule(service(), settings=settings) == "protected.pattern"


def test_what_falls_with_it_must_not_be_protected() -> None:
    assert (
        rule(service(), dependents=("docker.service",)) == "protected.container_runtime"
    )
    assert rule(service(), dependents=("app.service",)) is None
    assert rule(service(), Verb.START, dependents=("docker.service",)) is None


@pytest.mark.parametrize(
    ("changes", "verb", "wanted"),
    [
        ({"load": "masked"}, Verb.RESTART, "services.masked"),
        ({"load": "bad-setting"}, Verb.RESTART, "services.not_loaded"),
        ({"may_stop": False}, Verb.RESTART, "services.no_restart"),
        ({"may_start": False}, Verb.START, "services.no_start"),
        ({}, Verb.RELOAD, "services.no_reload"),
        ({"can_reload": True}, Verb.RELOAD, "services.state"),
        ({}, Verb.STOP, "services.state"),
        ({"active": "active"}, Verb.START, "services.state"),
    ],
)
def test_what_its_manager_or_its_state_forbids(
    changes: dict[str, object], verb: Verb, wanted: str
) -> None:
    assert rule(service(**changes), verb) == wanted
