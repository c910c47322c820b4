"""The gate's list counts only where nobody but root can have written it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remediation.gate.request import LookAtUnit, encode_request
from tests.remediation.gate.gates import (
    PEER_UID,
    Stage,
    identity_of,
    needs_root,
    refused,
    serving,
    term,
    victim_of,
)

pytestmark = needs_root

Spoil = Callable[[Path], object]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with serving() as running:
        yield running


def linked(path: Path) -> None:
    path.rename(path.with_name("real"))
    path.symlink_to(path.with_name("real"))


def linked_folder(path: Path) -> None:
    moved = path.parent.with_name("moved")
    path.parent.rename(moved)
    path.parent.symlink_to(moved)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


SPOILED: dict[str, tuple[Spoil, str]] = {
    "world-writable": (lambda path: path.chmod(0o666), "others may write to"),
    "group-writable": (lambda path: path.chmod(0o664), "others may write to"),
    "another's": (lambda path: os.chown(path, PEER_UID, 0), "must belong to root"),
    "open folder": (lambda path: path.parent.chmod(0o777), "others may write to"),
    "another's folder": (
        lambda path: os.chown(path.parent, PEER_UID, 0),
        "must belong to root",
    ),
    "missing": (lambda path: path.unlink(), "cannot be read"),
    "a link": (linked, "cannot be read"),
    "a linked folder": (linked_folder, "is a link"),
    "a pipe": (piped, "no file of the right kind"),
}


def left_alone(stage: Stage, spoil: Spoil) -> str:
    """Spoil the list; return why the gate then leaves a listed user's process alone."""
    with victim_of() as victim:
        request = term(identity_of(victim.pid))
        spoil(stage.list_path)
        reason = refused(stage.say(request))
        assert victim.poll() is None
    assert stage.told[-1]["reason"] in reason
    return reason


@pytest.mark.parametrize("how", SPOILED)
def test_a_list_that_is_not_roots_alone_allows_nothing(stage: Stage, how: str) -> None:
    spoil, words = SPOILED[how]
    assert words in left_alone(stage, spoil)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        pytest.param("[" * 100_000, "is not JSON", id="deep"),
        ("[]", "one object"),
        ('{"more": 1}', "one object"),
        pytest.param(" " * 300_000, "one object", id="long"),
        ('{"version": 2}', "version 1"),
        ('{"version":1,"peer":"x-y-z"}', "no such user"),
        ('{"version":1,"peer":"root"}', "needs no gate"),
        ('{"version":1,"peer":"nobody","users":"x"}', "users: a list"),
        ('{"version":1,"peer":"nobody","units":[]}', "units: canonical names"),
        (
            '{"version":1,"peer":"nobody","units":{"a@.service":["stop"]}}',
            "units: canonical names",
        ),
        (
            '{"version":1,"peer":"nobody","units":{"a.service":["kill"]}}',
            "the verbs are",
        ),
    ],
)
def test_a_list_that_says_something_else_allows_nothing(
    stage: Stage, text: str, words: str
) -> None:
    assert words in left_alone(stage, lambda path: path.write_text(text))


def test_a_list_without_a_peer_hears_nobody_on_the_socket(stage: Stage) -> None:
    words = left_alone(stage, lambda path: path.write_text('{"version": 1}'))
    assert "is not the user that the list names" in words


def test_a_service_that_is_not_listed_is_told_nothing_of(stage: Stage) -> None:
    raw = encode_request(LookAtUnit(name="dbus.service"))
    reason = refused(stage.say(raw))
    assert reason == "gate.units: the gate's list does not name dbus.service"
