"""One rule: what it is about, by what the kernel says, and what it asks for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from remediation.action import (
    CleanFiles,
    LowerPriority,
    OperateUnit,
    Pause,
    RestorePriority,
    Resume,
)
from remediation.rules.asked import (
    RISKS,
    Asked,
    Risk,
    Subject,
    asked_of,
    from_json,
    kind_of,
    to_json,
)
from remediation.rules.calendar import Window
from remediation.rules.rule import Circle, Rule, Targets, Voter
from remediation.target.unit import Verb
from tests.fakes.clock import START
from tests.fakes.services import running
from tests.fakes.things import identity, process, terminate
from tests.remediation.rules.test_calendar import BERLIN

BURN = Subject(
    units=("batch.service",),
    exe="/usr/bin/python3.11",
    users=("deploy", "1000"),
    cgroup="/system.slice/batch.service",
)
ASKED = Asked(kind="terminate", host="web-1", subjects=(BURN,))
NIGHT = Window(zone=BERLIN, start=timedelta(hours=22), end=timedelta(hours=6))
"""START is 03:00 UTC, 04:00 in Berlin."""


def rule(**fields: object) -> Rule:
    return Rule(name="r", deny=True, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "passed_over"),
    [
        ({}, None),
        ({"actions": frozenset({"terminate", "stop"})}, None),
        ({"actions": frozenset({"stop"})}, "it is about stop"),
        ({"risks": frozenset({Risk.HIGH})}, None),
        (
            {"risks": frozenset({Risk.LOW})},
            "it is about low risk; this is high",
        ),
        ({"hosts": ("web-*",)}, None),
        ({"hosts": ("db-*",)}, "it is about hosts db-*"),
        ({"when": NIGHT}, None),
        (
            {"when": replace(NIGHT, start=timedelta(hours=23), end=timedelta(hours=1))},
            "it holds every day 23:00-01:00 Europe/Berlin",
        ),
    ],
)
def test_a_rule_says_why_it_is_not_about_something(
    fields: dict[str, object], passed_over: str | None
) -> None:
    assert rule(**fields).passed_over(ASKED, START) == passed_over


@pytest.mark.parametrize(
    ("targets", "matches"),
    [
        (Targets(), True),
        (Targets(units=("batch.service",)), True),
        (Targets(units=("web.service",)), False),
        (Targets(exes=("/usr/bin/python3*",)), True),
        (Targets(exes=("*/ruby",)), False),
        (Targets(users=("deploy",)), True),
        (Targets(users=("1000",)), True),
        (Targets(users=("root", "0")), False),
        (Targets(cgroups=("/system.slice/*",)), True),
        (Targets(cgroups=("/user.slice/*",)), False),
        (Targets(units=("batch.service",), users=("deploy",)), True),
        (Targets(units=("batch.service",), users=("root",)), False),
    ],
)
def test_targets_are_told_by_the_kernel(targets: Targets, *, matches: bool) -> None:
    assert rule(targets=targets).matches(ASKED, START) is matches


def test_one_process_must_be_all_that_a_rule_names() -> None:
    other = Subject(exe="/usr/bin/ruby", users=("root", "0"))
    asked = replace(ASKED, subjects=(BURN, other))
    split = Targets(exes=("*/python3*",), users=("root",))
    assert not rule(targets=split).matches(asked, START)


def test_one_child_that_is_meant_is_enough() -> None:
    child = Subject(exe="/opt/payments/x", users=("deploy",))
    asked = replace(ASKED, subjects=(BURN, child))
    assert rule(targets=Targets(exes=("/opt/payments/*",))).matches(asked, START)


def test_a_name_that_a_process_gives_itself_means_nothing() -> None:
    liar = process(name="backup", label="backup")
    asked = asked_of(terminate(label="backup"), (liar,))
    for targets in (Targets(exes=("*backup*",)), Targets(units=("*backup*",))):
        assert not rule(targets=targets).matches(asked, START)


def test_what_is_not_known_matches_no_pattern() -> None:
    asked = asked_of(operate(Verb.RESTART), (running(),))
    assert not rule(targets=Targets(exes=("*",))).matches(asked, START)
    assert not rule(targets=Targets(users=("*",))).matches(asked, START)


def operate(verb: Verb, *dependents: str) -> OperateUnit:
    unit = running().identity
    return OperateUnit(host="web-1", unit=unit, verb=verb, dependents=dependents)


@pytest.mark.parametrize(
    ("verb", "matches"),
    [(Verb.STOP, True), (Verb.RESTART, True), (Verb.START, False)],
)
def test_what_goes_down_with_a_service_is_meant_too(
    verb: Verb, *, matches: bool
) -> None:
    asked = asked_of(operate(verb, "shop.service"), (running(),))
    found = rule(targets=Targets(units=("shop.service",)))
    assert found.matches(asked, START) is matches


def test_an_alias_is_the_service() -> None:
    aliased = running(names=("nginx.service", "www.service"))
    asked = asked_of(operate(Verb.RESTART), (aliased,))
    assert rule(targets=Targets(units=("www.service",))).matches(asked, START)


def test_a_deleted_executable_is_the_same_program() -> None:
    gone = process(identity=identity(exe="/opt/x (deleted)"))
    action = terminate(process=gone.identity)
    for members in ((gone,), ()):
        asked = asked_of(action, members)
        assert rule(targets=Targets(exes=("/opt/x",))).matches(asked, START)


def test_a_folder_is_a_target_too() -> None:
    asked = asked_of(CLEAN, ())
    assert rule(targets=Targets(folders=("/srv/*",))).matches(asked, START)
    assert not rule(targets=Targets(folders=("/var/log",))).matches(asked, START)
    assert not rule(targets=Targets(units=("*",))).matches(asked, START)


CLEAN = CleanFiles(
    host="web-1",
    boot_id="",
    area="app",
    folder="/srv/app/log",
    older_than=timedelta(days=7),
    files=(),
)


def test_every_action_has_its_risk() -> None:
    who = {"host": "web-1", "process": identity(), "label": "x"}
    actions = (
        terminate(),
        LowerPriority(**who, nice=10),  # type: ignore[arg-type]
        Pause(**who, duration=timedelta(minutes=1)),  # type: ignore[arg-type]
        Resume(**who),  # type: ignore[arg-type]
        RestorePriority(**who, nice=0),  # type: ignore[arg-type]
        *(operate(verb) for verb in Verb),
        CLEAN,
    )
    assert {kind_of(action) for action in actions} == set(RISKS)


def test_a_kind_nobody_knows_is_of_the_highest_risk() -> None:
    assert replace(ASKED, kind="defragment").risk is Risk.HIGH


def test_what_is_asked_is_kept_as_it_was() -> None:
    asked = asked_of(terminate(), (process(), process(77)))
    assert from_json(to_json(asked)) == asked


@pytest.mark.parametrize(
    ("voter", "inside"),
    [
        (Voter(id="U1"), True),
        (Voter(id="U2"), False),
        (Voter(id="U2", groups=frozenset({"S1", "S9"})), True),
        (Voter(id="U2", groups=frozenset({"S9"})), False),
    ],
)
def test_a_circle_has_its_people_and_members(voter: Voter, *, inside: bool) -> None:
    circle = Circle(users=frozenset({"U1"}), groups=frozenset({"S1"}))
    assert circle.has(voter) is inside


def test_nobody_is_in_an_empty_circle() -> None:
    assert not Circle().has(Voter(id="U1", groups=frozenset({"S1"})))


def test_a_denial_says_why_and_when() -> None:
    assert rule(why="people sleep", when=NIGHT).reason() == (
        "people sleep (every day 22:00-06:00 Europe/Berlin)"
    )
    assert rule().reason() == "the team denies it"
