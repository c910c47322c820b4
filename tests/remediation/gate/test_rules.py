"""Which services the gate operates: listed by name and verb, and protected by none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remediation.gate.rules import AllowList, refuse_job, refuse_process
from remediation.gate.systemctl import JobVerb, UnitRow
from remediation.rules.protect import OwnTree
from tests.remediation.gate.gates import NOBODY_OWN
from tests.remediation.victims import SLEEPS, facts_of, running

ROW = UnitRow(
    name="nginx.service",
    names=("nginx.service",),
    load="loaded",
    active="active",
    invocation="a1" * 16,
    cgroup="/system.slice/nginx.service",
    needed_by=(),
)
ALLOWED = AllowList(
    peer=65534,
    users=frozenset(),
    units={
        "nginx.service": frozenset({JobVerb.RESTART, JobVerb.RELOAD}),
        "dbus.service": frozenset(JobVerb),
        "countersign.service": frozenset(JobVerb),
    },
)


def rule(
    verb: JobVerb = JobVerb.RESTART, own: OwnTree = NOBODY_OWN, **changes: Any
) -> str | None:
    row = replace(ROW, **changes)
    name = str(changes.get("name", ROW.name))
    refused = refuse_job(verb, name, row, ALLOWED, own)
    return refused.rule if refused else None


def test_a_listed_verb_of_a_listed_service_is_allowed() -> None:
    assert rule() is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"verb": JobVerb.STOP}, "gate.units"),
        ({"name": "other.service"}, "gate.units"),
        ({"load": "masked"}, "services.not_loaded"),
        ({"name": "dbus.service"}, "protected.dbus"),
        ({"names": ("nginx.service", "dbus.service")}, "protected.dbus"),
        ({"names": ("nginx.service", "user@0.service")}, "protected.login"),
        ({"name": "countersign.service"}, "protected.own_service"),
        ({"needed_by": ("systemd-logind.service",)}, "protected.systemd"),
    ],
)
def test_everything_else_is_refused_by_name(
    changes: dict[str, Any], expected: str
) -> None:
    assert rule(**changes) == expected


def test_a_reload_takes_nothing_down_that_needs_it() -> None:
    assert rule(JobVerb.RELOAD, needed_by=("systemd-logind.service",)) is None


def test_the_service_that_the_gate_runs_in_is_its_own() -> None:
    own = replace(NOBODY_OWN, service="/system.slice/nginx.service")
    assert rule(own=own) == "protected.own_service"


def test_an_alias_or_an_unknown_name_is_refused_with_the_canonical_one() -> None:
    alias = refuse_job(JobVerb.STOP, "web.service", ROW, ALLOWED, NOBODY_OWN)
    nobody = refuse_job(
        JobVerb.STOP, "x.service", replace(ROW, name=""), ALLOWED, NOBODY_OWN
    )
    assert alias and alias.reason == "web.service is an alias of nginx.service"
    assert nobody and nobody.reason == "there is none"


def test_a_process_in_the_service_that_asks_is_left_alone(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        facts = facts_of(victim.pid)
    facts = replace(facts, cgroup="/system.slice/countersign.service")
    allowed = replace(ALLOWED, users=frozenset({str(facts.identity.uid)}))
    place = "/system.slice/countersign.service"

    refused = refuse_process(facts, allowed, NOBODY_OWN, place)
    assert refused and refused.rule == "protected.own_service"
    assert refuse_process(facts, allowed, NOBODY_OWN, None) is None
