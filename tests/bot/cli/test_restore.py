"""`countersign restore`: a checked copy takes the place, and no old approval with it."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.cli.restore import _free_name
from bot.host.boots import Boots
from bot.keeping import restored
from bot.keeping.copies import copy, look
from bot.keeping.restored import Replaced, make_safe
from bot.storage import store
from bot.storage.database import Database, connect, url_of
from bot.storage.instance import StateFolder
from remediation.ledger import audit, lock
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import State
from tests.bot.cli.test_backup import fill, quiet
from tests.bot.cli.test_cli import countersign
from tests.fakes.clock import START, FakeClock
from tests.fakes.story import ALICE, BOB, Story
from tests.fakes.things import process
from tests.real.databases import KINDS, empty, fresh
from tests.remediation.acts.litter import mounted, needs_root


@pytest.fixture
def state(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir()
    return made


@pytest.fixture
def story(state: Path) -> Iterator[Story]:
    """Incident 1 is over, incident 2 has a card."""
    with fresh("sqlite", state) as database:
        made = Story(database)
        made.ends()
        made.opens()
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "copy.db"


def copied(story: Story, state: Path, file: Path) -> None:
    copy(state / "countersign.db", file, quiet)
    story.database.close()


def restore(state: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return countersign("restore", *words, folder=state, **more)


def there(state: Path) -> Database:
    return connect(url_of(None, state))


def kept(state: Path) -> list[Path]:
    found = state.glob("countersign.db.before-restore-*")
    return [path for path in found if path.name[-4:] not in ("-wal", "-shm")]


def litter(state: Path) -> set[str]:
    known = {"countersign.db", "lock", "countersign.db-wal", "countersign.db-shm"}
    found = {path.name for path in state.iterdir()} - known
    return {name for name in found if ".before-restore-" not in name}


# --- it takes the place --------------------------------------------------------------


def test_what_the_copy_holds_is_there_again(
    story: Story, state: Path, file: Path
) -> None:
    before = story.incident(1), story.incident(2).findings
    copied(story, state, file)
    with story.database.write() as tx:
        store.bump(tx, 1, title="changed since")
    done = restore(state, str(file))
    assert (done.returncode, done.stderr) == (0, "")
    again = Story(there(state))
    assert (again.incident(1), again.incident(2).findings) == before
    assert litter(state) == set()
    with again.database.read() as tx:
        head = audit.current(tx)
        assert audit.verify(tx).fault is None
    assert f"head     {head.seq}:{head.hash}" in done.stdout


def test_the_database_before_is_kept_and_named(
    story: Story, state: Path, file: Path
) -> None:
    copied(story, state, file)
    with story.database.write() as tx:
        audit.append(tx, audit.Event(kind="x", text="since", at=START))
        head = audit.current(tx)
    # No last words: as if the bot had been killed, its journal lies beside it.
    done = restore(state, str(file))
    (found,) = kept(state)
    assert f"before   {found}" in done.stdout
    assert look(found).head == head


def test_the_copy_stays_as_it_is(story: Story, state: Path, file: Path) -> None:
    copied(story, state, file)
    whole = file.read_bytes()
    for _ in range(2):
        assert restore(state, str(file)).returncode == 0
    assert file.read_bytes() == whole


def test_each_database_before_gets_a_name_of_its_own(state: Path) -> None:
    there = state / "countersign.db"
    now = datetime.now().astimezone()
    for seconds in range(5):
        stamp = f"{now + timedelta(seconds=seconds):%Y%m%d-%H%M%S}"
        (state / f"{there.name}.before-restore-{stamp}").touch()
    found = _free_name(there)
    assert found.name.endswith("-2")
    found.touch()
    assert _free_name(there) != found


def test_an_empty_folder_takes_a_copy(
    story: Story, state: Path, file: Path, tmp_path: Path
) -> None:
    copied(story, state, file)
    new = tmp_path / "another" / "state"
    done = restore(new, str(file))
    assert (done.returncode, "there was no database" in done.stdout) == (0, True)
    assert look(new / "countersign.db").incidents == 2
    assert (new / "countersign.db").stat().st_mode & 0o777 == 0o600


def test_an_unreadable_database_is_replaced_and_kept(
    story: Story, state: Path, file: Path
) -> None:
    copied(story, state, file)
    for part in state.glob("countersign.db*"):
        part.unlink()
    (state / "countersign.db").write_bytes(b"\x00rubbish" * 999)
    done = restore(state, str(file))
    assert (done.returncode, "cannot be read" in done.stdout) == (0, True)
    (found,) = kept(state)
    assert found.read_bytes() == b"\x00rubbish" * 999


def test_a_copy_made_by_hand_comes_with_its_journal(
    story: Story, state: Path, tmp_path: Path
) -> None:
    by_hand = tmp_path / "by-hand"
    by_hand.mkdir()
    with story.database.read() as tx:
        head = audit.current(tx)
    for part in ("countersign.db", "countersign.db-wal"):
        (by_hand / part).write_bytes((state / part).read_bytes())
    story.database.close()
    assert restore(state, str(by_hand / "countersign.db")).returncode == 0
    with there(state).read() as tx:
        assert audit.verify(tx, known=head).fault is None


# --- promise 7: what was approved then does nothing now ------------------------------


def test_what_was_approved_in_the_copy_is_not_carried_out(
    story: Story, state: Path, file: Path
) -> None:
    story.approved(2)
    copied(story, state, file)
    done = restore(state, str(file))
    assert "ended    " in done.stdout
    # The same boot, seconds later: nothing but the restore has ended it.
    again = Story(there(state), clock=story.clock)
    again.carry_out.step()
    assert again.hands.done == []
    states = {p.state for p in again.proposals(2)}
    assert states == {State.EXPIRED, State.SUPERSEDED}
    assert "ended: the database was restored from a copy" in again.texts()


def test_a_card_of_the_copy_decides_nothing(
    story: Story, state: Path, file: Path
) -> None:
    offered = story.incident(2).offered or ""
    copied(story, state, file)
    restore(state, str(file))
    again = Story(there(state), clock=story.clock)
    with pytest.raises(NotDecided, match="expired"):
        again.decide.approve(offered, ALICE, None)
    with pytest.raises(NotDecided):
        again.decide.reject(offered, BOB, None)
    assert again.hands.done == []


def test_the_control_without_a_restore_it_would_have_been_done(
    story: Story, state: Path, file: Path
) -> None:
    story.approved(2)
    copied(story, state, file)
    again = Story(connect(f"sqlite:///{file}"), clock=story.clock)
    again.carry_out.step()
    assert len(again.hands.done) == 1


def test_a_request_ends_with_its_proposal(
    story: Story, state: Path, file: Path
) -> None:
    story.reader.living[999] = process(999)
    asked = story.ask.kill("web-1", 999, BOB)
    assert story.incident(asked.incident).lead.detector == "request"
    copied(story, state, file)
    restore(state, str(file))
    assert Story(there(state)).incident(asked.incident).resolution == "restored"


def test_a_lock_that_was_set_since_stays(story: Story, state: Path, file: Path) -> None:
    copied(story, state, file)
    with story.database.write() as tx:
        lock.set_lock(tx, by=ALICE.id, why="it went wild", at=START)
    restore(state, str(file))
    with there(state).read() as tx:
        found = lock.locked(tx)
    assert found == lock.Locked(by=ALICE.id, at=START, why="it went wild")
    assert "Stays locked" in Story(there(state)).texts()


def test_numbers_that_were_given_since_stay_taken(
    story: Story, state: Path, file: Path
) -> None:
    copied(story, state, file)
    with story.database.write() as tx:
        for _ in range(5):
            body = store.get(tx, 1)
            store.create(tx, lambda n, body=body: body.changed(number=n))
    restore(state, str(file))
    with there(state).read() as tx:
        assert (store.last_number(tx), len(store.since(tx, START))) == (7, 2)


def test_a_restore_looks_like_no_crash_of_the_host(
    story: Story, state: Path, file: Path
) -> None:
    Boots(story.database).end(story.clock.now())
    copied(story, state, file)
    restore(state, str(file))
    assert Boots(there(state)).last() is None


# --- nothing is replaced -------------------------------------------------------------


def untouched(state: Path, file: Path) -> subprocess.CompletedProcess[str]:
    """Try; whatever it says, the database is what it was."""
    before = (state / "countersign.db").read_bytes()
    done = restore(state, str(file))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert (state / "countersign.db").read_bytes() == before
    assert kept(state) == [] and litter(state) == set()
    return done


def test_a_bot_that_runs_is_left_alone(story: Story, state: Path, file: Path) -> None:
    copied(story, state, file)
    folder = StateFolder(state)
    folder.hold()
    assert (
        f"another Countersign (pid {os.getpid()}) runs" in untouched(state, file).stderr
    )
    folder.release()


def test_a_missing_file_is_said(story: Story, state: Path, file: Path) -> None:
    story.database.close()
    assert "there is no file" in untouched(state, file).stderr
    assert "there is no file" in untouched(state, file.parent).stderr


def test_the_database_itself_is_no_copy(story: Story, state: Path) -> None:
    story.database.close()
    assert "is the database itself" in untouched(state, state / "countersign.db").stderr


@pytest.mark.parametrize("content", [b"", b"no database " * 500])
def test_a_file_that_is_no_database_is_said(
    story: Story, state: Path, file: Path, content: bytes
) -> None:
    story.database.close()
    file.write_bytes(content)
    assert "it is no SQLite database" in untouched(state, file).stderr


def test_a_database_of_somebody_else_is_said(
    story: Story, state: Path, file: Path
) -> None:
    story.database.close()
    with closing(sqlite3.connect(file)) as link:
        link.execute("CREATE TABLE mine (a)")
    assert "none of Countersign's" in untouched(state, file).stderr


def test_a_damaged_copy_is_said(story: Story, state: Path, file: Path) -> None:
    copied(story, state, file)
    whole = bytearray(file.read_bytes())
    whole[5 * 4096 :] = b"\xff" * (len(whole) - 5 * 4096)
    file.write_bytes(whole)
    assert "is no use" in untouched(state, file).stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE events SET text = 'x' WHERE seq = 3", "event 3 was changed"),
        ("DELETE FROM events WHERE seq = 1", "event 1 is missing"),
        ("UPDATE alembic_version SET version_num = '0099'", "newer Countersign"),
    ],
)
def test_a_copy_that_was_changed_is_said(
    story: Story, state: Path, file: Path, change: str, said: str
) -> None:
    copied(story, state, file)
    with closing(sqlite3.connect(file)) as link, link:
        link.execute(change)
    assert said in untouched(state, file).stderr


@needs_root
def test_a_full_disk_replaces_nothing(
    story: Story, state: Path, file: Path, tmp_path: Path
) -> None:
    fill(story.database, 5)
    copied(story, state, file)
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=2m", "tmpfs") as small:
        with fresh("sqlite", small) as database:
            Story(database).opens()
        assert "No space left on device" in untouched(small, file).stderr


def test_it_is_a_file_or_by_hand(tmp_path: Path) -> None:
    assert restore(tmp_path).returncode == 2
    assert restore(tmp_path, "a.db", "--by-hand").returncode == 2


@needs_root
def test_root_is_sent_to_the_user_whose_folder_it_is(
    story: Story, state: Path, file: Path
) -> None:
    copied(story, state, file)
    os.chown(state, 65534, 65534)
    said = untouched(state, file).stderr
    assert "runuser -u nobody" in said
    done = countersign("purge", "--older-than", "1d", "--yes", folder=state)
    assert (done.returncode, "runuser -u nobody" in done.stderr) == (2, True)


def test_a_restore_that_is_killed_leaves_a_whole_database(
    story: Story, state: Path, file: Path
) -> None:
    copied(story, state, file)
    before = look(state / "countersign.db").head
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "restore", str(file)],
            env={"PATH": os.defpath, "COUNTERSIGN_STATE_DIR": str(state)},
            stdout=subprocess.DEVNULL,
        )
        until_work_begins(state, process)
        time.sleep(random.uniform(0, 0.3))
        process.kill()
        process.wait()
        with there(state).read() as tx:
            assert audit.verify(tx, known=before).fault is None
    done = restore(state, str(file))
    assert (done.returncode, litter(state)) == (0, set())


def until_work_begins(state: Path, process: subprocess.Popen[bytes]) -> None:
    while not (state / "restoring.db").exists() and process.poll() is None:
        time.sleep(0.001)


# --- by another tool -----------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_another_tool_put_back_is_made_safe(kind: str, state: Path) -> None:
    with empty(kind, state, migrated=True) as url:
        database = connect(url)
        story = Story(database)
        story.opens()
        story.approved()
        database.close()
        more = {} if kind == "sqlite" else {"DATABASE_URL": url}
        done = restore(state, "--by-hand", **more)
        assert (done.returncode, done.stderr) == (0, "")
        again = Story(connect(url), clock=story.clock)
        again.carry_out.step()
        assert again.hands.done == []
        assert restored.KIND in again.events()
        again.database.close()


def test_postgresql_has_its_own_tool(state: Path, file: Path) -> None:
    file.touch()
    url = "postgresql://ada:geheim@127.0.0.1/ops"
    done = restore(state, str(file), DATABASE_URL=url)
    assert (done.returncode, "pg_restore" in done.stderr) == (2, True)
    assert "--by-hand" in done.stderr and "geheim" not in done.stderr


def test_nothing_open_is_nothing_to_end(state: Path) -> None:
    with fresh("sqlite", state) as database, database.write() as tx:
        now = FakeClock().now()
        assert make_safe(tx, Replaced(), why="a test", now=now) == 0
        assert [s.event.kind for s in audit.read(tx)] == [restored.KIND]
        assert tx.execute(text("SELECT count(*) FROM proposals")).scalar() == 0
