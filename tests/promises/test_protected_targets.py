"""Promise 14: what is protected gets no button and no signal, whatever the settings say."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediation.action import LowerPriority, Pause, ProcessAction, Terminate
from remediation.ledger.leases import Caps
from remediation.policy import Rules, Situation, refuse_target, review
from remediation.rules.kinds import FIXED, OVERRIDABLE, Kind
from remediation.rules.protect import OwnTree, ProtectSettings
from remediation.rules.verdict import Refusal
from remediation.target import procfs
from remediation.target.facts import FactReader, ProcessFacts
from remediation.target.identity import Gone, Unobservable
from tests.fakes.things import identity, process

pytestmark = pytest.mark.promise(14)

OWN = OwnTree(pid=900, ancestors=frozenset({800, 1}), service=None)
HARMLESS = process(identity=identity(exe="/usr/bin/stress"), unit="session-3.scope")
CAPS = Caps(cooldown=timedelta(0), per_hour=9)
AT = datetime(2026, 11, 21, 3, tzinfo=UTC)
tally = {"asked": 0, "allowed": 0}


def with_exe(exe: str) -> ProcessFacts:
    return replace(HARMLESS, identity=replace(HARMLESS.identity, exe=exe))


def with_pid(pid: int) -> ProcessFacts:
    return replace(HARMLESS, identity=replace(HARMLESS.identity, pid=pid))


def of(kind: Kind) -> list[ProcessFacts]:
    """Processes of one kind: by program, by path and by unit, `*` filled in."""
    programs = [f"/opt/x/{name}" for name in kind.programs.split()]
    paths = kind.paths.split()
    units = [replace(HARMLESS, unit=unit) for unit in filled(kind.units.split())]
    return [*map(with_exe, filled([*programs, *paths])), *units]


def filled(patterns: list[str]) -> list[str]:
    return [pattern.replace("*", "x1") for pattern in patterns]


KERNEL = (
    with_pid(1),
    replace(with_exe(""), kernel_thread=True, name="stress"),
    with_exe(""),
    replace(HARMLESS, foreign_pid_namespace=True),
    with_pid(900),
    with_pid(800),
    replace(HARMLESS, ancestors=(901, 900, 1)),
)
FIXED_TARGETS = (*KERNEL, *(facts for kind in FIXED for facts in of(kind)))
OVERRIDABLE_TARGETS = tuple(facts for kind in OVERRIDABLE for facts in of(kind))
NAMES = st.sampled_from(["stress", "kworker/0:1", "sshd", "x", "postgres", "-bash"])


@st.composite
def protected(draw: st.DrawFn) -> tuple[ProcessFacts, ProtectSettings]:
    """A protected process under a name of its own, and settings that try to free it."""
    fixed = draw(st.booleans())
    facts = draw(st.sampled_from(FIXED_TARGETS if fixed else OVERRIDABLE_TARGETS))
    name = draw(NAMES)
    exe, unit = facts.identity.exe, facts.unit or ""
    # Exact names may free an overridable kind, and nothing may free the others.
    exact = draw(st.sampled_from([(), (exe,), (unit,), (exe, unit)])) if fixed else ()
    patterns = draw(st.sampled_from([(), ("*",), ("/opt/*",), (f"{exe}x",), ("/",)]))
    users = draw(st.sampled_from([None, frozenset({"deploy"}), frozenset({"root"})]))
    allowed = tuple(word for word in (*exact, *patterns) if word)
    return (
        replace(facts, name=name, label=f"{name} --all"),
        ProtectSettings(first_uid=0, users=users, allow=allowed),
    )


def actions_on(facts: ProcessFacts) -> list[ProcessAction]:
    """Every kind of action, and a tree whose harmless root has it as a member."""
    told: dict[Literal["host", "process", "label"], object] = {
        "host": "web-1",
        "process": facts.identity,
        "label": facts.label,
    }
    return [
        Terminate(**told),  # type: ignore[arg-type]
        LowerPriority(**told, nice=10),  # type: ignore[arg-type]
        Pause(**told, duration=timedelta(minutes=1)),  # type: ignore[arg-type]
    ]


@given(protected())
def nothing_protected_is_allowed(case: tuple[ProcessFacts, ProtectSettings]) -> None:
    facts, protect = case
    rules = Rules(ttl=timedelta(minutes=15), needed=1, caps=CAPS, protect=protect)
    situation = Situation(locked=None, hold=None, at=AT)
    for action in actions_on(facts):
        verdicts = (
            review(action, (facts,), situation, rules, OWN),
            review(action, (HARMLESS, facts), situation, rules, OWN),
            refuse_target(action, facts, rules, OWN),
        )
        tally["asked"] += len(verdicts)
        tally["allowed"] += sum(not isinstance(v, Refusal) for v in verdicts)
        assert all(isinstance(v, Refusal) for v in verdicts), (facts, protect)


def test_no_setting_and_no_name_frees_what_is_protected(*, full_counts: bool) -> None:
    tally.update(asked=0, allowed=0)
    settings(
        max_examples=5000 if full_counts else 300,
        database=None,
        suppress_health_check=list(HealthCheck),
    )(nothing_protected_is_allowed)()
    kinds = len(FIXED) + len(OVERRIDABLE) + len(KERNEL)
    print(
        f"promise 14: {kinds} kinds, {tally['asked']} verdicts, "
        f"proposed or signalled {tally['allowed']}"
    )
    assert tally["asked"] > 0


def test_what_this_machine_runs_on_is_never_allowed() -> None:
    """Real processes: init, every kernel thread, this test and all above it."""
    own, reader = OwnTree.read(), FactReader("web-1")
    rules = Rules(
        ttl=timedelta(minutes=15),
        needed=1,
        caps=CAPS,
        protect=ProtectSettings(first_uid=0),
    )
    looked, allowed = 0, []
    for pid in procfs.pids():
        try:
            facts = reader.read(pid)
        except (Gone, Unobservable):
            continue
        above = pid in (1, os.getpid()) or pid in own.ancestors
        if not (above or facts.kernel_thread):
            continue
        looked += 1
        allowed += [
            pid
            for action in actions_on(facts)
            if refuse_target(action, facts, rules, own) is None
        ]
    print(f"promise 14: {looked} real processes, allowed {len(allowed)}")
    assert looked > 1
    assert allowed == []
