"""`countersign purge`: counts, asks, deletes; what is open or young is not touched."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.model import Phase
from bot.storage import store
from bot.storage.instance import StateFolder
from remediation.ledger import audit
from remediation.ledger.tables import events
from tests.bot.cli.stopping import stopped_after
from tests.bot.cli.test_cli import countersign
from tests.fakes.story import Story
from tests.real.databases import fresh

NOW = datetime.now(UTC)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Incident 1 ended a year ago, 2 a day ago, and 3 is open since two years."""
    with fresh("sqlite", tmp_path) as database:
        made = Story(database)
        made.clock.wall = NOW - timedelta(days=365)
        made.ends()
        with database.write() as tx:
            body = store.get(tx, 1)
            for days, phase in ((1, Phase.RESOLVED), (730, Phase.OPEN)):
                at = NOW - timedelta(days=days)
                ended = at if phase is Phase.RESOLVED else None
                store.create(
                    tx,
                    lambda n, at=at, ended=ended, phase=phase: body.changed(
                        number=n, opened_at=at, resolved_at=ended, phase=phase
                    ),
                )
        yield made


def purge(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return countersign("purge", *words, folder=folder)


def numbers(story: Story) -> list[int]:
    with story.database.read() as tx:
        since = NOW - timedelta(days=9999)
        return sorted(incident.number for incident in store.since(tx, since))


def test_what_ended_long_ago_goes(story: Story, tmp_path: Path) -> None:
    done = purge(tmp_path, "--older-than", "90d", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    said = re.findall(r"(?:ago|Deleted): (.*)\.", done.stdout)
    assert len(said) == 2 and said[0] == said[1]
    assert said[0].startswith("1 incident, ") and "3 proposals" in said[0]
    assert numbers(story) == [2, 3]
    verified = countersign("audit", "verify", folder=tmp_path)
    assert verified.returncode == 0
    assert re.search(r"events  \d+, \d+ more were purged", verified.stdout)


def test_the_ledger_says_whose_command_it_was(story: Story, tmp_path: Path) -> None:
    purge(tmp_path, "--older-than", "90d", "--yes")
    with story.database.read() as tx:
        last = audit.read(tx)[-1].event
    assert last.text.startswith("Purged incident 1, closed before ")
    assert last.text.endswith(" on this host")


def test_a_dry_run_counts_only(story: Story, tmp_path: Path) -> None:
    done = purge(tmp_path, "--older-than", "90d", "--dry-run")
    assert done.returncode == 0
    assert "ago: 1 incident, " in done.stdout and "Nothing was deleted" in done.stdout
    assert numbers(story) == [1, 2, 3]


def test_nothing_that_old_is_nothing_to_do(story: Story, tmp_path: Path) -> None:
    done = purge(tmp_path, "--older-than", "3000d", "--yes")
    assert (done.returncode, "0 incidents, " in done.stdout) == (0, True)
    assert numbers(story) == [1, 2, 3]


def test_where_nobody_can_be_asked_nothing_goes(story: Story, tmp_path: Path) -> None:
    done = purge(tmp_path, "--older-than", "90d")
    assert (done.returncode, "Add --yes" in done.stderr) == (2, True)
    assert numbers(story) == [1, 2, 3]


@pytest.mark.parametrize(("answer", "left"), [("y", [2, 3]), ("", [1, 2, 3])])
def test_a_person_is_asked(
    story: Story, tmp_path: Path, answer: str, left: list[int]
) -> None:
    person, terminal = pty.openpty()
    os.write(person, f"{answer}\n".encode())
    done = subprocess.run(
        [sys.executable, "-m", "bot", "purge", "--older-than", "90d"],
        env={"PATH": os.defpath, "COUNTERSIGN_STATE_DIR": str(tmp_path)},
        stdin=terminal,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(person)
    os.close(terminal)
    assert "It cannot be brought back" in done.stdout
    assert (numbers(story), done.returncode) == (left, 0 if answer else 1)


@pytest.mark.parametrize("span", ["", "soon", "90", "-3d", "1h", "99999d"])
def test_a_span_that_is_none_is_said(story: Story, tmp_path: Path, span: str) -> None:
    done = purge(tmp_path, f"--older-than={span}", "--yes")
    assert (done.returncode, "--older-than" in done.stderr) == (2, True)
    assert numbers(story) == [1, 2, 3]


def test_without_a_database_there_is_nothing_to_purge(tmp_path: Path) -> None:
    done = purge(tmp_path, "--older-than", "90d", "--yes")
    assert (done.returncode, "there is no database" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_was_changed_is_not_purged(story: Story, tmp_path: Path) -> None:
    with story.database.write() as tx:
        tx.execute(update(events).where(events.c.seq == 2).values(text="other"))
    done = purge(tmp_path, "--older-than", "90d", "--yes")
    assert (done.returncode, "event 2 was changed" in done.stderr) == (2, True)
    assert numbers(story) == [1, 2, 3]


def test_a_document_that_cannot_go_is_said(story: Story, tmp_path: Path) -> None:
    (tmp_path / "postmortems" / "postmortem-1.md").mkdir(parents=True)
    done = purge(tmp_path, "--older-than", "90d", "--yes")
    assert (done.returncode, "postmortem-1.md cannot be" in done.stderr) == (2, True)
    assert numbers(story) == [1, 2, 3]


def test_the_index_goes_where_no_bot_owns_it(story: Story, tmp_path: Path) -> None:
    index = tmp_path / "chroma"
    for is_running in (True, False):
        index.mkdir(exist_ok=True)
        folder = StateFolder(tmp_path)
        if is_running:
            folder.hold()
        with story.database.write() as tx:
            at = NOW - timedelta(days=400)
            over = {"resolved_at": at, "opened_at": at, "phase": Phase.RESOLVED}
            store.create(tx, lambda n, over=over: story_body(story, n, **over))
        done = purge(tmp_path, "--older-than", "90d", "--yes")
        folder.release()
        assert index.exists() is is_running
        assert ("follows" in done.stdout) is is_running


def story_body(story: Story, number: int, **fields: object) -> object:
    return story.incident(2).changed(number=number, **fields)


def test_whoever_stops_it_keeps_the_rest_whole(story: Story, tmp_path: Path) -> None:
    with story.database.write() as tx:
        body = story.incident(1)
        for _ in range(3000):
            store.create(tx, lambda n: body.changed(number=n))
    env = {"PATH": os.defpath, "COUNTERSIGN_STATE_DIR": str(tmp_path)}
    words = ("purge", "--older-than", "90d", "--yes")
    code, told, said = stopped_after("40 of 3001", words, env)
    assert (code, "stopped" in said) == (130, True)
    gone = int(re.findall(r"Deleted: (\d+) incidents", told)[0])
    left = len(numbers_of_all(story))
    assert 40 <= gone < 3001 and gone % 20 == 0
    # What was under way when it was stopped went as a whole, or not at all.
    assert 3003 - left in (gone, gone + 20)
    with story.database.read() as tx:
        assert audit.verify(tx).fault is None


def numbers_of_all(story: Story) -> list[int]:
    with story.database.read() as tx:
        since = NOW - timedelta(days=9999)
        return [i.number for i in store.since(tx, since, limit=9999)]
