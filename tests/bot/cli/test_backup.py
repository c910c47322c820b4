"""`countersign backup`: a whole copy of a database in use, or none under that name."""

import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.keeping.copies import BadCopy, copy, look
from bot.storage.database import Database, connect, url_of
from remediation.ledger import audit
from tests.bot.cli.stopping import stopped_after
from tests.bot.cli.test_cli import countersign
from tests.fakes.clock import START
from tests.fakes.story import Story
from tests.real.databases import fresh
from tests.remediation.acts.litter import mounted, needs_root

MEGABYTE = 1_000_000


@pytest.fixture
def state(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir()
    return made


@pytest.fixture
def database(state: Path) -> Iterator[Database]:
    with fresh("sqlite", state) as made:
        yield made


@pytest.fixture
def story(database: Database) -> Story:
    made = Story(database)
    made.ends()
    made.opens()
    return made


def backup(state: Path, file: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return countersign("backup", str(file), folder=state, **more)


def fill(database: Database, megabytes: int) -> None:
    """Make it large: a table of zeros that nobody reads."""
    with database.write() as tx:
        tx.execute(text("CREATE TABLE IF NOT EXISTS zeros (z BLOB)"))
        for _ in range(megabytes):
            tx.execute(text(f"INSERT INTO zeros VALUES (zeroblob({MEGABYTE}))"))


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


def append(database: Database, number: int) -> None:
    with database.write() as tx:
        event = audit.Event(kind="x", text=f"event {number}", at=START)
        audit.append(tx, event)


# --- a good copy ---------------------------------------------------------------------


def test_the_copy_holds_what_the_database_holds(
    story: Story, state: Path, tmp_path: Path
) -> None:
    file = tmp_path / "copy.db"
    done = backup(state, file)
    assert (done.returncode, done.stderr) == (0, "")
    with story.database.read() as tx:
        head = audit.current(tx)
    assert f"head     {head.seq}:{head.hash}" in done.stdout
    assert "2 incidents (1 open)" in done.stdout
    found = look(file)
    assert (found.head, found.incidents, found.open) == (head, 2, 1)


@pytest.mark.usefixtures("story")
def test_the_copy_is_one_file_for_its_owner_only(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "folder" / "copy.db"
    file.parent.mkdir()
    backup(state, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["copy.db"]


def test_what_is_written_meanwhile_neither_stops_nor_breaks_it(
    story: Story, state: Path, tmp_path: Path
) -> None:
    fill(story.database, 40)
    steps, stopped = [], threading.Event()

    def write() -> None:
        number = 0
        while not stopped.is_set():
            append(story.database, number := number + 1)

    writer = threading.Thread(target=write)
    writer.start()
    with story.database.read() as tx:
        before = audit.current(tx).seq
    copy(state / "countersign.db", tmp_path / "copy.db", lambda d, _: steps.append(d))
    stopped.set()
    writer.join()
    found = look(tmp_path / "copy.db")
    with story.database.read() as tx:
        after = audit.current(tx).seq
    assert before <= found.head.seq < after
    assert steps == sorted(set(steps)) and len(steps) > 20


def test_a_long_copy_says_how_far_it_is(
    story: Story, state: Path, tmp_path: Path
) -> None:
    fill(story.database, 20)
    told = backup(state, tmp_path / "copy.db").stdout
    assert "copied 20 %" in told and "copied 100 %" in told


def test_odd_names_are_names(story: Story, state: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a copy?mode=x#1 %41.db"
    assert backup(state, odd).returncode == 0
    assert look(odd).incidents == len(story.open()) + 1


def test_a_copy_of_a_changed_schema_is_not_upgraded(
    story: Story, state: Path, tmp_path: Path
) -> None:
    with story.database.write() as tx:
        tx.execute(text("DROP TABLE audit_anchors"))
        tx.execute(text("UPDATE alembic_version SET version_num = '0009'"))
    assert backup(state, tmp_path / "copy.db").returncode == 0
    with closing(sqlite3.connect(tmp_path / "copy.db")) as link:
        names = {row[0] for row in link.execute("SELECT name FROM sqlite_master")}
    assert "audit_anchors" not in names


# --- no copy -------------------------------------------------------------------------


def nothing_left(folder: Path) -> bool:
    return [path.name for path in folder.iterdir() if path.name != "state"] == []


@pytest.mark.usefixtures("story")
def test_nothing_is_overwritten(state: Path, tmp_path: Path) -> None:
    for kind in ("file", "folder", "link"):
        taken = tmp_path / kind
        match kind:
            case "file":
                taken.write_text("mine")
            case "folder":
                taken.mkdir()
            case _:
                taken.symlink_to("/nonexistent")
        done = backup(state, taken)
        assert (done.returncode, "overwrites nothing" in done.stderr) == (2, True)
    assert (tmp_path / "file").read_text() == "mine"


def test_without_a_database_there_is_no_copy(tmp_path: Path, state: Path) -> None:
    done = backup(state, tmp_path / "copy.db")
    assert (done.returncode, "there is no database" in done.stderr) == (2, True)
    assert list(state.iterdir()) == [] and nothing_left(tmp_path)


def test_a_file_that_is_no_database_is_not_copied(tmp_path: Path, state: Path) -> None:
    (state / "countersign.db").write_text("no database " * 500)
    done = backup(state, tmp_path / "copy.db")
    assert (done.returncode, "not a database" in done.stderr) == (2, True)
    assert nothing_left(tmp_path)


def test_a_ledger_that_was_changed_is_no_backup(
    story: Story, state: Path, tmp_path: Path
) -> None:
    with story.database.write() as tx:
        tx.execute(text("UPDATE events SET text = 'other' WHERE seq = 2"))
    done = backup(state, tmp_path / "copy.db")
    assert done.returncode == 2
    assert "its ledger is broken: event 2 was changed" in done.stderr
    assert nothing_left(tmp_path)


def test_a_schema_of_a_newer_release_is_said(
    story: Story, state: Path, tmp_path: Path
) -> None:
    with story.database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    done = backup(state, tmp_path / "copy.db")
    assert (done.returncode, "newer Countersign" in done.stderr) == (2, True)
    assert nothing_left(tmp_path)


@pytest.mark.usefixtures("story")
def test_a_folder_that_is_not_there_is_said(state: Path, tmp_path: Path) -> None:
    done = backup(state, tmp_path / "none" / "copy.db")
    assert done.returncode == 2
    assert "No such file or directory" in done.stderr


@needs_root
def test_a_full_disk_leaves_nothing(story: Story, state: Path, tmp_path: Path) -> None:
    fill(story.database, 5)
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=2m", "tmpfs") as small:
        done = backup(state, small / "copy.db")
        left = list(small.iterdir())
    assert (done.returncode, "the disk is full" in done.stderr) == (2, True)
    assert left == []


def test_whoever_stops_it_has_no_copy(
    story: Story, state: Path, tmp_path: Path
) -> None:
    fill(story.database, 150)
    env = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "COUNTERSIGN_STATE_DIR": str(state),
    }
    words = ("backup", str(tmp_path / "copy.db"))
    code, _, said = stopped_after("copied 10 %", words, env)
    assert (code, "stopped" in said) == (130, True)
    assert "Traceback" not in said
    assert nothing_left(tmp_path)


def test_postgresql_has_its_own_tool(state: Path, tmp_path: Path) -> None:
    url = "postgresql://ada:geheim@127.0.0.1/ops"
    done = backup(state, tmp_path / "copy.dump", DATABASE_URL=url)
    assert done.returncode == 2
    assert f'--file={tmp_path / "copy.dump"} "$DATABASE_URL"' in done.stderr
    assert "geheim" not in done.stderr and nothing_left(tmp_path)


# --- what is looked at ---------------------------------------------------------------


def test_a_database_of_somebody_else_is_none_of_ours(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as link:
        link.execute("CREATE TABLE mine (a)")
    with pytest.raises(BadCopy, match="none of Countersign's"):
        look(tmp_path / "other.db")


def test_damaged_pages_are_found(story: Story, state: Path, tmp_path: Path) -> None:
    for number in range(200):
        append(story.database, number)
    file = tmp_path / "copy.db"
    copy(state / "countersign.db", file, quiet)
    whole = file.read_bytes()
    found = 0
    for page in range(1, len(whole) // 4096):
        damaged = bytearray(whole)
        damaged[page * 4096 : page * 4096 + 64] = b"\xff" * 64
        file.write_bytes(damaged)
        with pytest.raises(BadCopy):
            look(file)
        found += 1
    assert found > 20


def test_looking_changes_nothing(story: Story, state: Path, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    copy(state / "countersign.db", file, quiet)
    before = file.read_bytes()
    look(file)
    assert (file.read_bytes(), len(list(tmp_path.iterdir()))) == (before, 2)
    assert connect(url_of(None, tmp_path)).is_sqlite
    assert story.open()
