"""The doctor and the gate: whether it answers, and what to do when it does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.gate import GateSection
from bot.config.settings import Settings
from bot.doctor import gate
from bot.runtime.checkup import Grade
from tests.remediation.gate.gates import PEER_UID, Stage, as_user, needs_root, serving


@pytest.fixture
def stage() -> Iterator[Stage]:
    with serving() as running:
        yield running


def found(path: Path) -> tuple[Grade, str]:
    settings = Settings(gate=GateSection(socket=str(path)))
    (only,) = gate.checks(settings)
    return only.grade, only.text


def test_without_a_gate_nothing_is_said() -> None:
    assert list(gate.checks(Settings())) == []


@needs_root
def test_a_gate_that_answers_is_fine(stage: Stage) -> None:
    with as_user(PEER_UID):
        grade, _ = found(stage.path)
    assert grade is Grade.FINE


@needs_root
def test_a_gate_that_does_not_hear_this_user_says_whom_it_hears(stage: Stage) -> None:
    grade, text = found(stage.path)
    assert grade is Grade.WARN
    assert "uid 0 is not the user that the list names" in text


def test_a_gate_that_is_down_is_a_warning(tmp_path: Path) -> None:
    grade, text = found(tmp_path / "gate.sock")
    assert grade is Grade.WARN
    assert "cannot be reached" in text and "systemctl status" in text
