from datetime import timedelta
from pathlib import Path

import pytest

from remediation.programs import (
    ProgramFailed,
    RestartSetting,
    output,
    restart_setting,
    systemd_runs,
)


def _program(folder: Path, text: str) -> Path:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_what_a_program_prints_is_returned_up_to_a_limit(tmp_path: Path) -> None:
    program = _program(tmp_path, "yes | head -c 100000; printf '\\377'")

    assert output(program, limit_bytes=4) == "y\ny\n"
    assert output(program).endswith("\ufffd")


def test_a_program_gets_no_secret_from_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")

    assert "xoxb" not in output(_program(tmp_path, "env"))


def test_arguments_are_not_read_by_a_shell(tmp_path: Path) -> None:
    program = _program(tmp_path, 'printf %s "$1"')

    assert output(program, "a; echo $HOME") == "a; echo $HOME"


@pytest.mark.parametrize(
    ("text", "words"), [("sleep 600", "no answer within 0.1 s"), ("exit 3", "status 3")]
)
def test_a_program_that_fails_or_hangs_says_so(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ProgramFailed, match=words):
        output(_program(tmp_path, text), timeout=timedelta(seconds=0.1))


def test_a_missing_program_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="could not be started"):
        output(tmp_path / "missing")


def test_a_program_is_named_by_its_absolute_path() -> None:
    with pytest.raises(ValueError, match="not an absolute path"):
        output(Path("ls"))


@pytest.mark.parametrize(
    ("printed", "setting"),
    [
        ("Restart=always\nMainPID=812", RestartSetting(main_pid=812, restart="always")),
        ("Restart=no\nMainPID=0", RestartSetting(main_pid=0, restart="no")),
        ("MainPID=x\nnonsense", RestartSetting(main_pid=0, restart="no")),
    ],
)
def test_the_restart_setting_of_a_unit_is_read(
    tmp_path: Path, printed: str, setting: RestartSetting
) -> None:
    systemctl = _program(tmp_path, f"printf '{printed}'")

    assert restart_setting("nginx.service", systemctl=systemctl) == setting


def test_systemd_runs_where_its_directory_is() -> None:
    assert systemd_runs() is Path("/run/systemd/system").is_dir()
