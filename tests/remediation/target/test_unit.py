"""Names of services, their identity, and how their state is said."""

from dataclasses import replace

import pytest

from remediation.target.unit import (
    changed_unit,
    end_in_words,
    is_service_name,
    state_in_words,
    unit_name,
)
from tests.fakes.services import running, service


@pytest.mark.parametrize(
    "name",
    [
        "nginx.service",
        "getty@tty1.service",
        "a_b-c.d:e.service",
        r"dev-sda\x2d1.service",
    ],
)
def test_a_service_has_a_name_of_the_grammar(name: str) -> None:
    assert is_service_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".service",
        "nginx",
        "nginx.socket",
        "../../bin/sh",
        "../nginx.service",
        "/etc/systemd/system/nginx.service",
        "--force nginx.service",
        "--force.service",
        "nginx.service;reboot",
        "nginx.service\n",
        "getty@.service",
        "ngïnx.service",
        "a" * 256 + ".service",
        "$(id).service",
    ],
)
def test_what_is_no_name_of_one_service_is_refused(name: str) -> None:
    assert not is_service_name(name)


def test_people_leave_out_the_ending() -> None:
    assert (unit_name("nginx"), unit_name("nginx.service")) == ("nginx.service",) * 2


def test_the_same_start_is_unchanged() -> None:
    assert changed_unit(service().identity, running().identity) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"boot_id": "another"}, "booted since"),
        ({"name": "apache2.service"}, "belongs to apache2.service"),
        ({"invocation": "b2" * 16}, "started anew"),
    ],
)
def test_another_start_name_or_boot_is_a_change(
    changes: dict[str, str], words: str
) -> None:
    approved = service().identity
    assert words in str(changed_unit(approved, replace(approved, **changes)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "exited with status 1"),
        (
            {"exit_status": 203},
            "exited with status 203: its program could not be executed",
        ),
        (
            {"result": "signal", "exit_code": 2, "exit_status": 9},
            "was ended by SIGKILL",
        ),
        (
            {"result": "core-dump", "exit_code": 3, "exit_status": 11},
            "was ended by SIGSEGV",
        ),
        (
            {"result": "signal", "exit_code": 2, "exit_status": 199},
            "was ended by signal 199",
        ),
        ({"result": "oom-kill"}, "was killed because memory ran out"),
        (
            {"result": "new-in-systemd-999", "exit_code": 0},
            "ended with new-in-systemd-999",
        ),
        ({"result": "success"}, ""),
    ],
)
def test_the_end_is_said_in_words(changes: dict[str, object], words: str) -> None:
    assert end_in_words(service(**changes)) == words


def test_a_state_names_why_and_whether_it_was_given_up() -> None:
    assert state_in_words(running()) == "active/running"
    assert state_in_words(service()) == "failed (exited with status 1)"
    looped = service(restart="on-failure", restarts=5)
    assert "given up after 5 automatic restarts" in state_in_words(looped)
