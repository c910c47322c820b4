import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.rules import protect as module
from remediation.rules.protect import (
    OwnTree,
    ProtectSettings,
    first_ordinary_uid,
    protection,
)
from remediation.target.facts import ProcessFacts
from tests.fakes.things import identity, process
from tests.remediation.victims import SLEEPS, facts_of, running

OWN = OwnTree(pid=900, ancestors=frozenset({800, 1}), service=None)
PEOPLE = ProtectSettings(first_uid=1000)
FACTS = process(identity=identity(exe="/usr/bin/stress"), unit="session-3.scope")


def _facts(
    exe: str = "/usr/bin/stress", uid: int = 1000, **change: object
) -> ProcessFacts:
    identity = replace(FACTS.identity, exe=exe, uid=uid)
    return replace(FACTS, identity=identity, **change)


def _with_pid(pid: int) -> ProcessFacts:
    return replace(FACTS, identity=replace(FACTS.identity, pid=pid))


def _rule(
    facts: ProcessFacts, settings: ProtectSettings = PEOPLE, own: OwnTree = OWN
) -> str | None:
    found = protection(facts, settings, own)
    return found and found.rule.removeprefix("protected.")


def test_a_persons_program_may_be_acted_on() -> None:
    assert _rule(FACTS) is None


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (_with_pid(1), "pid_1"),
        (_facts("", kernel_thread=True), "kernel_thread"),
        (_facts(""), "unreadable"),
        (_facts(foreign_pid_namespace=True), "foreign_pid_namespace"),
        (_facts(foreign_pid_namespace=True, container="ab" * 32), "foreign_pid_namespace"),
        (_with_pid(900), "own_process"),
        (_with_pid(800), "own_parent"),
        (_facts(ancestors=(901, 900, 1)), "own_child"),
        (_facts("/usr/sbin/sshd"), "sshd"),
        (_facts("/usr/sbin/sshd (deleted)"), "sshd"),
        (_facts("/usr/lib/openssh/sshd-session"), "sshd"),
        (_facts(unit="ssh.service"), "sshd"),
        (_facts("/usr/bin/dbus-daemon"), "dbus"),
        (_facts("/usr/lib/systemd/systemd"), "systemd"),
        (_facts("/usr/lib/systemd/systemd-journald"), "systemd"),
        (_facts(unit="systemd-logind.service"), "systemd"),
        (_facts("/usr/bin/containerd-shim-runc-v2"), "container_runtime"),
        (_facts("/usr/bin/conmon"), "container_runtime"),
        (_facts("/usr/bin/kubelet"), "container_runtime"),
        (_facts(uid=0, user="root"), "user"),
        (_facts(uid=999, user="daemon"), "user"),
        (_facts(uid=65534, user="nobody"), "user"),
        (_facts(uid=61184, user="61184"), "user"),
        (_facts("/usr/lib/postgresql/15/bin/postgres"), "database"),
        (_facts("/usr/bin/java", unit="kafka@1.service"), "broker"),
        (_facts("/usr/share/elasticsearch/jdk/bin/java"), "database"),
        (_facts("/usr/lib/erlang/erts-13/bin/beam.smp"), "broker"),
        (_facts("/usr/bin/etcd"), "database"),
        (_facts("/usr/bin/qemu-system-x86_64"), "virtual_machine"),
        (_facts("/usr/bin/dpkg"), "package_manager"),
        (_facts("/usr/bin/python3.11", label="python3.11 unattended-upgrade"), "package_manager"),
        (_facts("/sbin/fsck.ext4"), "file_system_tool"),
        (_facts("/usr/bin/restic"), "backup"),
        (_facts("/usr/bin/python3.11", label="python3.11 borg --stats"), "backup"),
        (_facts("/usr/bin/tar", unit="nightly-backup.service"), "backup"),
        (_facts("/usr/bin/tmux"), "login_shell"),
        (_facts("/usr/bin/bash", leads_terminal=True), "login_shell"),
    ],
)  # fmt: skip
def test_a_protected_kind_is_left_alone(facts: ProcessFacts, rule: str) -> None:
    assert _rule(facts) == rule


@pytest.mark.parametrize(
    "name", ["sshd", "ss\\u200bhd", "kworker/0:1H", "postgres", "(no name)"]
)
def test_what_a_process_calls_itself_protects_nothing(name: str) -> None:
    assert _rule(replace(FACTS, name=name, label=f"stress {name}")) is None


@pytest.mark.parametrize("name", ["stress", "worker", "ss\\u200bhd"])
def test_what_a_process_calls_itself_exposes_nothing(name: str) -> None:
    assert _rule(_facts("/usr/sbin/sshd", name=name, label=name)) == "sshd"


def test_a_shell_that_runs_a_script_is_no_login_shell() -> None:
    assert _rule(_facts("/usr/bin/bash", label="bash loop.sh")) is None


def test_the_own_service_is_protected_but_not_what_it_shares() -> None:
    service = "/system.slice/countersign.service"
    own = replace(OWN, service=service)

    assert _rule(_facts(cgroup=service), own=own) == "own_service"
    assert _rule(_facts(cgroup=f"{service}/helper"), own=own) == "own_service"
    assert _rule(_facts(cgroup=f"{service}2"), own=own) is None


def test_listed_users_and_only_they_may_be_acted_on() -> None:
    settings = replace(PEOPLE, users=frozenset({"root", "65534"}))

    assert _rule(_facts(uid=0, user="root"), settings) is None
    assert _rule(_facts(uid=65534, user="nobody"), settings) is None
    assert _rule(FACTS, settings) == "user"
    assert _rule(FACTS, replace(PEOPLE, users=frozenset())) == "user"


def test_allowing_the_exact_executable_or_unit_lifts_an_overridable_kind() -> None:
    postgres = _facts(
        "/usr/lib/postgresql/15/bin/postgres", unit="postgresql@15.service"
    )

    for allowed in ("/usr/lib/postgresql/15/bin/postgres", "postgresql@15.service"):
        assert _rule(postgres, replace(PEOPLE, allow=(allowed,))) is None
    for other in ("postgres", "/usr/lib/postgresql/*", "postgresql@16.service", "*"):
        assert _rule(postgres, replace(PEOPLE, allow=(other,))) == "database"
    shell = _facts("/usr/bin/bash", leads_terminal=True)
    assert _rule(shell, replace(PEOPLE, allow=("/usr/bin/bash",))) is None


@pytest.mark.parametrize(
    "facts",
    [
        _facts("/usr/sbin/sshd"),
        _facts("/usr/bin/dbus-daemon"),
        _facts("/usr/lib/systemd/systemd"),
        _facts("/usr/bin/dockerd"),
        _facts(foreign_pid_namespace=True),
        _facts(uid=0, user="root"),
        _facts(ancestors=(900,)),
        _with_pid(1),
    ],
)
def test_nothing_lifts_the_other_kinds(facts: ProcessFacts) -> None:
    allow = (facts.identity.exe, str(facts.unit))

    assert _rule(facts, replace(PEOPLE, allow=allow)) is not None


@pytest.mark.parametrize(
    "pattern", ["/usr/bin/str*", "session-*.scope", "/user.slice/*"]
)
def test_the_configuration_protects_by_executable_unit_or_cgroup(pattern: str) -> None:
    settings = replace(PEOPLE, protect=(pattern,), allow=("/usr/bin/stress",))

    found = protection(FACTS, settings, OWN)

    assert found is not None
    assert found.rule == "protected.pattern"
    assert pattern in found.reason


def test_a_pattern_that_matches_nothing_protects_nothing() -> None:
    settings = replace(PEOPLE, protect=("/opt/*",))

    assert _rule(replace(FACTS, unit=None), settings) is None


@given(
    st.sampled_from(["/usr/sbin/sshd", "/usr/bin/dockerd", "/usr/bin/dbus-broker"]),
    st.text(),
    st.text(),
)
def test_no_name_or_label_frees_a_protected_executable(
    exe: str, name: str, label: str
) -> None:
    assert _rule(_facts(exe, name=name, label=label)) is not None


def test_the_bot_finds_itself_and_those_above_it() -> None:
    own = OwnTree.read()
    settings = ProtectSettings(users=frozenset({str(os.geteuid())}))

    assert own.pid == os.getpid()
    assert os.getppid() in own.ancestors
    assert _rule(facts_of(os.getpid()), settings, own) == "own_process"


def test_a_child_of_the_bot_is_protected(tmp_path: Path) -> None:
    settings = ProtectSettings(users=frozenset({str(os.geteuid())}))
    with running(SLEEPS, tmp_path) as victim:
        assert _rule(facts_of(victim.pid), settings, OwnTree.read()) == "own_child"


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/system.slice/countersign.service", "/system.slice/countersign.service"),
        ("/system.slice/countersign.service/x", "/system.slice/countersign.service/x"),
        ("/user.slice/user-0.slice/session-1.scope", None),
        ("/user.slice/user-1.slice/user@1.service/app.slice/bot.service", None),
        ("/", None),
    ],
)
def test_only_a_system_service_is_the_bots_own(
    path: str, service: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = module.cgroup.parse(f"0::{path}")
    monkeypatch.setattr(module.cgroup, "place", lambda _: place)

    assert OwnTree.read().service == service


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("UID_MIN 500\n", 500),
        ("# UID_MIN 5\nUID_MIN x\n", 1000),
        ("", 1000),
        (None, 1000),
    ],
)
def test_where_the_accounts_of_people_begin(
    text: str | None, first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "login.defs"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(module, "_LOGIN_DEFS", file)

    assert first_ordinary_uid.__wrapped__() == first
