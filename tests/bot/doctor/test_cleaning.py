"""The doctor says of each area whether it can be seen, and who would delete there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.cleaning import CleaningSection
from bot.config.gate import GateSection
from bot.config.policy import Policy
from bot.config.settings import Settings
from bot.doctor import cleaning
from bot.runtime.checkup import Grade
from tests.remediation.acts.litter import old
from tests.remediation.gate.gates import PEER_UID, as_user, needs_root, open_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        old(made / "a.gz", 1_500_000)
        yield made


def found(folder: Path, socket: str | None = None) -> tuple[Grade, str]:
    area = {
        "name": "app",
        "folder": str(folder),
        "files": ["*.gz"],
        "older_than": "7d",
        "depth": 1,
    }
    section = CleaningSection.model_validate({"folders": [area], "untouched": "0s"})
    settings = Settings(
        policy=Policy(cleaning=section), gate=GateSection(socket=socket)
    )
    (only,) = cleaning.checks(settings)
    assert only.subject == "cleaning app"
    return only.grade, only.text


def test_nothing_listed_is_nothing_said() -> None:
    assert list(cleaning.checks(Settings())) == []


def test_ones_own_folder_is_fine(folder: Path) -> None:
    text = f"{folder}: 1 file (1.5 MB) could go now; this user would delete them"
    assert found(folder) == (Grade.FINE, text)


@needs_root
def test_another_users_folder_needs_the_gate(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o700)
    with as_user(PEER_UID):
        assert found(folder, "/run/gate.sock")[0] is Grade.FINE
        grade, text = found(folder)
    assert grade is Grade.WARN
    assert "1 folders in it cannot be read" in text
    assert "this user may not delete there and no gate is set" in text


def test_a_folder_that_is_not_there_is_a_warning(folder: Path) -> None:
    grade, text = found(folder / "gone")
    assert grade is Grade.WARN and "No such file or directory" in text
