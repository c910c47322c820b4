"""The command: help is light, proofs run beside a bot, bad input is said so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.storage.database import Database
from remediation.ledger import audit
from tests.fakes.clock import START
from tests.real.databases import fresh

HEAVY = (
    *("slack_bolt", "sqlalchemy", "matplotlib", "fastapi", "apscheduler", "pydantic"),
    "numpy",
)
LATER = (
    *("numpy", "chromadb", "google.genai", "matplotlib", "tokenizers", "openai"),
    "prometheus_api_client",
)
"""What nothing needs before the first figure, incident or question."""


def countersign(
    *words: str, folder: Path, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        env={
            "PATH": os.defpath,
            "HOME": str(folder),
            "COUNTERSIGN_STATE_DIR": str(folder),
            "COUNTERSIGN_CONFIG": str(folder / "countersign.yaml"),
            **more,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        "",
        "run",
        "demo",
        "doctor",
        "once",
        "audit",
        "audit verify",
        "audit export",
        "backup",
        "restore",
        "purge",
        "export",
        "export incidents",
        "export audit",
    ],
)
def test_help_is_given_without_anything_heavy(words: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom bot.cli.commands import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    status = end.code\n"
        f"print([n for n in {HEAVY!r} if n in sys.modules], status, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words.split(), "--help"],
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.strip() == "[] 0"
    assert done.stdout.startswith("usage: countersign")


def test_the_whole_bot_is_imported_without_what_it_needs_later() -> None:
    code = (
        "import sys\nimport bot.wiring.running\n"
        f"print([n for n in {LATER!r} if n in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("words", ["", "fly", "audit", "audit burn"])
def test_what_is_no_command_is_bad_input(words: str, tmp_path: Path) -> None:
    assert countersign(*words.split(), folder=tmp_path).returncode == 2


# --- proofs --------------------------------------------------------------------------


def chain(folder: Path) -> list[audit.Sealed]:
    with fresh("sqlite", folder) as database, database.write() as tx:
        return [
            audit.append(tx, audit.Event(kind="x", text=f"event {n}", at=START))
            for n in range(3)
        ]


def damage(folder: Path, statement: str) -> None:
    with fresh_file(folder).write() as tx:
        tx.execute(text(statement))


def fresh_file(folder: Path) -> Database:
    from bot.storage.database import connect, url_of

    return connect(url_of(None, folder))


def test_a_whole_chain_is_proved_with_a_posted_head(tmp_path: Path) -> None:
    second = chain(tmp_path)[1]
    head = f"2:{second.hash}"
    done = countersign("audit", "verify", "--head", head, folder=tmp_path)
    assert done.returncode == 0
    assert "events  3" in done.stdout and "chain   whole" in done.stdout


def test_a_changed_chain_is_broken(tmp_path: Path) -> None:
    chain(tmp_path)
    damage(tmp_path, "UPDATE events SET text = 'other' WHERE seq = 2")
    done = countersign("audit", "verify", folder=tmp_path)
    assert done.returncode == 1
    assert "BROKEN: event 2 was changed" in done.stdout


def test_a_head_that_is_none_is_bad_input(tmp_path: Path) -> None:
    chain(tmp_path)
    done = countersign("audit", "verify", "--head", "tail", folder=tmp_path)
    assert (done.returncode, "SEQ:HASH" in done.stderr) == (2, True)


def test_every_event_is_exported_as_a_line(tmp_path: Path) -> None:
    written = chain(tmp_path)
    done = countersign("audit", "export", folder=tmp_path)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["hash"] for row in rows] == [sealed.hash for sealed in written]
    assert rows[0]["text"] == "event 0"


def test_a_chain_from_before_there_were_purges_is_proved(tmp_path: Path) -> None:
    chain(tmp_path)
    damage(tmp_path, "DROP TABLE audit_anchors")
    assert countersign("audit", "verify", folder=tmp_path).returncode == 0


def test_without_a_database_nothing_is_proved(tmp_path: Path) -> None:
    done = countersign("audit", "verify", folder=tmp_path)
    assert (done.returncode, "there is no database" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "countersign.db").write_text("no database " * 500)
    done = countersign("audit", "verify", folder=tmp_path)
    assert (done.returncode, "cannot be read" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


# --- one look ------------------------------------------------------------------------


def test_one_look_prints_a_table(tmp_path: Path) -> None:
    done = countersign("once", folder=tmp_path)
    assert done.returncode in (0, 1)
    assert done.stdout.startswith("LEVEL")
    assert "memory" in done.stdout
    assert "reboot is not measured: nothing keeps" in done.stderr


def test_one_look_at_a_bad_file_names_it(tmp_path: Path) -> None:
    (tmp_path / "countersign.yaml").write_text("hos: a")
    done = countersign("once", folder=tmp_path)
    assert (done.returncode, "did you mean host?" in done.stderr) == (2, True)
