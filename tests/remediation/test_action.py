"""The closed set of actions: shown, stored and hashed without loss."""

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.action import (
    IRREVERSIBLE,
    Action,
    CleanFiles,
    LowerPriority,
    OperateUnit,
    Pause,
    RestorePriority,
    Resume,
    Terminate,
    consequence,
    digest,
    from_json,
    in_words,
    is_reversible,
    kind_of,
    target_key,
    to_json,
)
from remediation.rules.asked import RISKS
from remediation.target.area import FileIdentity
from remediation.target.unit import Verb
from tests.fakes.services import service
from tests.fakes.things import identity, terminate

WHO = {"host": "web-1", "process": identity(), "label": "burn"}
TREE = Terminate(**WHO, scope="tree", members=(identity(7), identity(8)))  # type: ignore[arg-type]
LOWER = LowerPriority(**WHO, nice=10)  # type: ignore[arg-type]
PAUSE = Pause(**WHO, duration=timedelta(minutes=10))  # type: ignore[arg-type]
RESUME = Resume(**WHO)  # type: ignore[arg-type]
RESTORE = RestorePriority(**WHO, nice=0)  # type: ignore[arg-type]
CLEAN = CleanFiles(
    host="web-1",
    boot_id="b",
    area="rotated_logs",
    folder="/var/log",
    older_than=timedelta(days=7),
    files=(
        FileIdentity(
            path="app.1.gz", device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5
        ),
    ),
)
UNITS = tuple(
    OperateUnit(host="web-1", unit=service().identity, verb=verb) for verb in Verb
)
EVERY = (terminate(), TREE, LOWER, PAUSE, RESUME, RESTORE, CLEAN, *UNITS)
"""Of every kind at least one."""


@pytest.mark.parametrize("action", EVERY, ids=in_words)
def test_an_action_comes_back_from_its_text(action: Action) -> None:
    assert from_json(to_json(action)) == action


@pytest.mark.parametrize("action", EVERY, ids=in_words)
def test_every_action_says_what_it_costs(action: Action) -> None:
    assert consequence(action).endswith(".")


def test_all_actions_have_different_hashes() -> None:
    assert len({digest(action) for action in EVERY}) == len(EVERY)


@pytest.mark.parametrize(
    "field", [f.name for f in dataclasses.fields(identity()) if f.name != "boot_id"]
)
def test_the_hash_covers_the_whole_identity(field: str) -> None:
    value = getattr(identity(), field)
    other = identity(**{field: value + 1 if isinstance(value, int) else f"{value}x"})
    assert digest(terminate(process=other)) != digest(terminate())


@given(st.text(max_size=30), st.text(max_size=30))
def test_equal_actions_have_equal_hashes(one: str, other: str) -> None:
    same = digest(terminate(label=one)) == digest(terminate(label=other))
    assert same is (one == other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"kind": "reboot", "host": "web-1"}',
        to_json(LOWER).replace("lower_priority", "terminate_all"),
        to_json(TREE).replace('"tree"', '"everything"'),
    ],
)
def test_nothing_outside_the_set_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        from_json(text)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (terminate(), "Terminate python3.11 burn.py (pid 4242) on web-1"),
        (TREE, "Terminate burn (pid 4242) on web-1 and its tree: pids 7, 8"),
        (LOWER, "Lower the priority of burn (pid 4242) on web-1 to nice 10"),
        (PAUSE, "Pause burn (pid 4242) on web-1 for 600 s"),
        (RESUME, "Resume burn (pid 4242) on web-1"),
        (RESTORE, "Give burn (pid 4242) on web-1 its priority back (nice 0)"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_an_action_says_exactly_what_it_does(action: Action, words: str) -> None:
    assert in_words(action) == words


def test_a_large_tree_is_counted() -> None:
    many = tuple(identity(pid) for pid in range(10, 22))
    assert in_words(dataclasses.replace(TREE, members=many)).endswith("and 4 more")


def test_what_ends_or_deletes_something_cannot_be_undone() -> None:
    final = {kind_of(action) for action in EVERY if not is_reversible(action)}
    assert final == {"terminate", "clean", "restart"} == IRREVERSIBLE


def test_every_kind_of_action_has_a_class_of_risk() -> None:
    assert {kind_of(action) for action in EVERY} == set(RISKS)


def test_a_restarted_program_is_the_same_target() -> None:
    assert target_key(terminate(77)) == target_key(terminate(78))


def test_another_users_program_is_another_target() -> None:
    other = terminate(process=identity(uid=1001))
    assert target_key(other) != target_key(terminate())
