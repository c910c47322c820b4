"""`countersign runbooks check` names file, line and mend."""

from pathlib import Path

import pytest

from bot.cli.commands import main
from tests.bot.runbooks.pages import GOOD, write


def test_good_runbooks_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a.md", GOOD)
    assert main(["runbooks", "check", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"1 runbooks in {tmp_path}: no problem\n"


def test_problems_are_named_with_file_line_and_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "a.md", "---\ntitle: x\nactions: [shell]\n---\n1. a\n")
    write(tmp_path, "b.md", "---\ntitle: x\nconditions: [cpu]\n---\n")
    assert main(["runbooks", "check", str(tmp_path)]) == 1
    first, second, total = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{tmp_path}/a.md:3: the action 'shell' does not exist; ")
    assert first.endswith(" (skipped)")
    assert second.startswith(f"{tmp_path}/b.md:5: no numbered steps; add ")
    assert total == f"1 runbooks in {tmp_path}: 2 problems"


def test_a_secret_is_named_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "a.md", GOOD.replace("Look at it", "Use password=Summer2026!"))
    assert main(["runbooks", "check", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert f"{tmp_path}/a.md:22: what looks like a secret" in printed
    assert "Summer" not in printed


def test_a_missing_folder_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runbooks", "check", str(tmp_path / "none")]) == 2
    assert "the folder cannot be read" in capsys.readouterr().err


def test_help_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["runbooks", "check", "--help"])
    assert end.value.code == 0
    assert "FOLDER" in capsys.readouterr().out
