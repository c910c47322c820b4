"""`countersign init`: a first configuration that the bot takes, and nothing overwritten."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.config.settings import load

ROOT = Path(__file__).parents[3]
GIVEN = (
    "--channel=C0123456789",
    "--approvers=U012, S045",
    "--critical=",
    "--host=web-9",
    "--mode=act",
)


def init(folder: Path, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "init", *words],
        env={
            "PATH": os.defpath,
            "HOME": str(folder),
            "COUNTERSIGN_CONFIG": str(folder / "countersign.yaml"),
        },
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_it_writes_is_taken_by_the_bot(tmp_path: Path) -> None:
    done = init(tmp_path, *GIVEN)

    assert done.returncode == 0, done.stderr
    settings = load(tmp_path / "countersign.yaml", {}).settings
    assert (settings.host, settings.mode) == ("web-9", "act")
    assert settings.slack.channel == "C0123456789"
    assert settings.slack.approvers.users == ("U012",)
    assert settings.slack.approvers.groups == ("S045",)
    assert settings.slack.notify.critical == ()
    assert "countersign doctor" in done.stdout


@pytest.mark.parametrize("host", ["123456789012", "no", "0x1f", "null"])
def test_a_host_that_looks_like_something_else_is_a_name(
    tmp_path: Path, host: str
) -> None:
    assert init(tmp_path, *GIVEN, f"--host={host}").returncode == 0
    assert load(tmp_path / "countersign.yaml", {}).settings.host == host


def test_the_manifest_is_the_shipped_one(tmp_path: Path) -> None:
    init(tmp_path, *GIVEN)
    shipped = (ROOT / "deploy/slack-manifest.yaml").read_text()
    assert (tmp_path / "slack-manifest.yaml").read_text() == shipped


def test_what_was_not_given_is_asked_until_it_fits(tmp_path: Path) -> None:
    said = "the channel\nC0123456789\n\nU012\n\n\n\n"
    done = init(tmp_path, said=said)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("does not fit") == 2
    made = yaml.safe_load((tmp_path / "countersign.yaml").read_text())
    assert made["mode"] == "observe"
    assert made["slack"]["approvers"] == {"users": ["U012"], "groups": []}


@pytest.mark.parametrize("name", ["countersign.yaml", "slack-manifest.yaml"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    done = init(tmp_path, *GIVEN)

    assert done.returncode == 2
    assert "there already, and nothing was written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize(
    "wrong", ["--channel=#ops", "--approvers=", "--approvers=alice", "--host=a b"]
)
def test_an_option_that_cannot_be_meant_is_said_so(tmp_path: Path, wrong: str) -> None:
    done = init(tmp_path, *GIVEN, wrong)

    assert done.returncode == 2
    assert "does not fit" in done.stderr
    assert not list(tmp_path.iterdir())


def test_without_anybody_to_ask_it_names_the_options(tmp_path: Path) -> None:
    done = init(tmp_path)

    assert done.returncode == 2
    assert "see --help" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    done = init(tmp_path / "none", *GIVEN)

    assert done.returncode == 2
    assert "No such file or directory" in done.stderr
