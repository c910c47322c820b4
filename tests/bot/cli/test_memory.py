"""`countersign memory`: what it says, what it deletes, and that a running bot follows."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import text

from bot.storage.database import Database
from bot.storage.instance import StateFolder
from memory import cases as rows
from memory.case import Outcome
from memory.embed import MiniLm
from memory.recollect import Memory
from tests.bot.cli.test_cli import countersign
from tests.memory.pieces import DISK, case, symptoms

BOTH = (
    case(1, key="1", confirmed=True),
    case(2, key="2", took=None, **DISK | {"outcome": Outcome.REJECTED}),
)


@pytest.fixture
def memory(database: Database) -> Memory:
    made = Memory(database, None, None)
    made.remember_all(BOTH)
    return made


@pytest.fixture(scope="module")
def minilm() -> MiniLm:
    return MiniLm()


def remembering(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return countersign("memory", *words, folder=folder)


def configure(folder: Path, **content: object) -> None:
    (folder / "countersign.yaml").write_text(yaml.safe_dump({"host": "x", **content}))


def vectors(database: Database) -> dict[str, set[str]]:
    with database.read() as tx:
        return {key: set(parts) for key, parts in rows.vectors(tx).items()}


@pytest.mark.parametrize("words", ["", "list", "show", "forget", "rebuild", "export"])
def test_every_command_has_its_help(tmp_path: Path, words: str) -> None:
    done = remembering(tmp_path, *words.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: countersign memory")


# --- looking -------------------------------------------------------------------------


@pytest.mark.usefixtures("memory")
def test_the_list_is_a_table_the_latest_first(tmp_path: Path) -> None:
    done = remembering(tmp_path, "list")
    head, *lines = [line.split() for line in done.stdout.splitlines()]
    assert head == [
        "KEY",
        "DATE",
        "HOST",
        "CONDITION",
        "SERVICE",
        "ACTION",
        "OUTCOME",
        "CONFIRMED",
        "WEIGHT",
    ]
    assert lines[0][:5] == ["2", "2026-03-03", "web-1", "filesystem", "search"]
    assert lines[0][-3:] == ["rejected", "-", "1"]
    assert lines[1][-3:] == ["fixed", "yes", "1"]
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("memory")
def test_the_list_is_as_long_as_wanted(tmp_path: Path) -> None:
    assert len(remembering(tmp_path, "list", "--limit", "1").stdout.splitlines()) == 2


@pytest.mark.parametrize("limit", ["0", "-1", "many", "9999999", "²"])
def test_a_limit_that_is_none_is_bad_input(tmp_path: Path, limit: str) -> None:
    done = remembering(tmp_path, "list", f"--limit={limit}")
    assert (done.returncode, "a number from 1 to" in done.stderr) == (2, True)


@pytest.mark.usefixtures("database")
def test_an_empty_memory_says_when_it_fills(tmp_path: Path) -> None:
    done = remembering(tmp_path, "list")
    assert (done.returncode, "Nothing is remembered yet" in done.stdout) == (0, True)
    assert remembering(tmp_path, "export").stdout == ""


@pytest.mark.usefixtures("memory")
def test_one_case_is_shown_with_everything(tmp_path: Path) -> None:
    shown = remembering(tmp_path, "show", "1").stdout
    said = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert said["cause"] == "A loop in the price parser"
    assert said["closed"] == "2026-03-02 00:00:00 UTC"
    assert (said["took"], said["confirmed"], said["kind"]) == ("40 s", "yes", "restart")


def test_what_a_terminal_would_obey_is_shown_by_its_number(
    tmp_path: Path, memory: Memory
) -> None:
    memory.remember(case(3, key="3", service="\x1b[2Jx\u202e", cause="\u202egpj"))
    shown = (
        remembering(tmp_path, "list").stdout + remembering(tmp_path, "show", "3").stdout
    )
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    assert "\\u202egpj" in shown


@pytest.mark.usefixtures("memory")
def test_the_export_is_one_object_a_line(tmp_path: Path) -> None:
    lines = map(json.loads, remembering(tmp_path, "export").stdout.splitlines())
    told = {line["key"]: line for line in lines}
    assert told["1"]["took_seconds"] == 40
    assert told["2"]["outcome"] == "rejected"


# --- forgetting ----------------------------------------------------------------------


def test_a_forgotten_case_is_named_and_gone(tmp_path: Path, memory: Memory) -> None:
    done = remembering(tmp_path, "forget", "1")
    assert done.stdout.startswith("Forgotten: 1, cpu checkout on web-1, 2026-03-02")
    assert "running bot" not in done.stdout
    assert [one.key for one in memory.cases()] == ["2"]


def test_its_vectors_go_with_it(
    tmp_path: Path, database: Database, minilm: MiniLm
) -> None:
    Memory(database, minilm, None).remember_all(BOTH)
    remembering(tmp_path, "forget", "1")
    assert set(vectors(database)) == {"2"}


def test_a_running_bot_recalls_it_no_more(
    tmp_path: Path, database: Database, minilm: MiniLm
) -> None:
    folder = StateFolder(tmp_path)
    folder.hold()
    bots = Memory(database, minilm, tmp_path / "chroma")
    try:
        bots.remember_all(BOTH)
        assert {one.case.key for one in bots.recall(symptoms())} >= {"1"}
        done = remembering(tmp_path, "forget", "1")
        assert "The bot that runs here follows" in done.stdout
        assert "1" not in {one.case.key for one in bots.recall(symptoms())}
        assert bots.health() == ""
    finally:
        bots.close()
        folder.release()


def test_a_folded_case_is_shown_by_its_pattern_and_taken_out_of_it(
    tmp_path: Path, memory: Memory
) -> None:
    memory.remember_all([case(3, key="3"), case(4, key="4")])
    memory.compact(BOTH[0].closed_at + timedelta(days=60))
    assert "pattern:4" in remembering(tmp_path, "show", "3").stdout
    done = remembering(tmp_path, "forget", "3")
    assert "Forgotten: 3, which pattern:4 counted; it counts 1 now" in done.stdout
    assert "forget pattern:4 to delete them too" in done.stdout
    assert remembering(tmp_path, "forget", "3").returncode == 2
    assert "which went with it" in remembering(tmp_path, "forget", "4").stdout
    assert {one.key for one in memory.cases()} == {"1", "2"}


@pytest.mark.parametrize("deed", ["show", "forget"])
@pytest.mark.usefixtures("memory")
def test_an_unknown_key_is_bad_input(tmp_path: Path, deed: str) -> None:
    done = remembering(tmp_path, deed, "9\x1b")
    assert done.returncode == 2
    assert "no case has the key 9\\x1b; `countersign memory list`" in done.stderr


# --- rebuilding ----------------------------------------------------------------------


def test_all_vectors_and_the_index_are_made_anew(
    tmp_path: Path, database: Database, memory: Memory
) -> None:
    del memory
    configure(tmp_path)
    done = remembering(tmp_path, "rebuild")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].startswith("2 cases; vectors by all-MiniLM")
    assert "8 texts" in done.stdout
    assert vectors(database) == {
        key: {"whole", "symptoms", "cause", "action"} for key in ("1", "2")
    }
    assert list((tmp_path / "chroma").glob("index-*"))


def test_beside_a_bot_its_index_is_left_to_it(
    tmp_path: Path, database: Database, minilm: MiniLm
) -> None:
    configure(tmp_path)
    folder = StateFolder(tmp_path)
    folder.hold()
    bots = Memory(database, minilm, tmp_path / "chroma")
    try:
        bots.remember_all(BOTH)
        spoil(database)
        done = remembering(tmp_path, "rebuild")
        assert (done.returncode, "follows" in done.stdout) == (0, True)
        assert bots.recall(symptoms())[0].case.key == "1"
        assert bots.health() == ""
    finally:
        bots.close()
        folder.release()


def spoil(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("UPDATE case_vectors SET vector = zeroblob(8)"))


def test_without_an_embedder_nothing_is_lost(
    tmp_path: Path, database: Database, minilm: MiniLm
) -> None:
    Memory(database, minilm, None).remember_all(BOTH)
    configure(tmp_path, memory={"embedder": "none"})
    done = remembering(tmp_path, "rebuild")
    assert (done.returncode, "words alone" in done.stderr) == (2, True)
    assert set(vectors(database)) == {"1", "2"}


@pytest.mark.usefixtures("database")
def test_a_bad_file_is_named_before_anything_is_done(tmp_path: Path) -> None:
    configure(tmp_path, memory={"embedder": "best"})
    done = remembering(tmp_path, "rebuild")
    assert (done.returncode, "memory.embedder" in done.stderr) == (2, True)


# --- bad places ----------------------------------------------------------------------


@pytest.mark.parametrize("deed", ["list", "export", "rebuild"])
def test_without_a_database_it_says_where_it_looked(tmp_path: Path, deed: str) -> None:
    configure(tmp_path)
    done = remembering(tmp_path, deed)
    assert done.returncode == 2
    assert f"there is no database {tmp_path}/countersign.db" in done.stderr
    assert not (tmp_path / "countersign.db").exists()


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "countersign.db").write_text("no database " * 500)
    done = remembering(tmp_path, "list")
    assert (done.returncode, "cannot be used" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_a_pattern_says_how_many_it_stands_for(tmp_path: Path, memory: Memory) -> None:
    memory.remember(case(3, key="3", closed_at=BOTH[0].closed_at + timedelta(days=5)))
    assert memory.compact(BOTH[0].closed_at + timedelta(days=30)) == 0
    memory.remember(case(4, key="4", confirmed=None))
    memory.compact(BOTH[0].closed_at + timedelta(days=60))
    lines = remembering(tmp_path, "list").stdout.splitlines()
    assert [line.split()[-1] for line in lines if "pattern:" in line] == ["2"]
