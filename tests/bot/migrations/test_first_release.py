"""A database of the first release comes through every migration with nothing lost.

`first_release.sql` has the rows that the code of 0.1.0 wrote, and nothing else: an
incident that recovered after an approval, a rejection with its reason, a false alarm, one
that was being measured, one that waits for a click, one that was escalated.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from bot import migrations
from bot.learning.remember import Remember
from bot.model import Phase
from bot.storage import store
from bot.storage.database import Database, connect
from memory.recollect import Memory
from remediation.ledger import audit, docket
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import State
from remediation.verify import Verdict
from tests.bot.cli.test_cli import countersign
from tests.fakes.clock import FakeClock
from tests.fakes.story import ALICE, Story
from tests.real.databases import KINDS, empty

ROWS = (Path(__file__).parent / "first_release.sql").read_text().splitlines()
MEASURED = {"detector": "runaway_process", "subject": "process:4194308:4"}
"""The condition of incident 4."""
LAST_DAY = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


def first_release(url: str) -> None:
    """Make the database as 0.1.0 left it."""
    database = connect(url)
    with database.write() as tx:
        config = Config()
        folder = Path(migrations.__file__).parent
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        with closing(tx.connection.cursor()) as cursor:
            for row in ROWS:
                cursor.execute(row)
    database.close()


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with empty(request.param, tmp_path) as url:
        first_release(url)
        made = connect(url)
        migrations.migrate(made)
        yield made
        made.close()


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database, clock=FakeClock(wall=LAST_DAY))


def columns(row: str) -> list[str]:
    """The values of an INSERT's row, as text."""
    inside = row.partition("VALUES(")[2].removesuffix(");")
    values = re.findall(r"'(?:[^']|'')*'|[^,]+", inside)
    return [value.strip("'").replace("''", "'") for value in values]


def written(table: str) -> list[list[str]]:
    return [columns(row) for row in ROWS if f'INTO "{table}"' in row]


def test_no_row_is_lost(database: Database) -> None:
    before = Counter(re.findall(r'^INSERT INTO "(\w+)"', "\n".join(ROWS), re.MULTILINE))
    with database.read() as tx:
        after = {
            table: tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in before
        }
    assert after == before and before["events"] == 52


def test_the_ledger_says_what_it_said_and_is_whole(database: Database) -> None:
    with database.read() as tx:
        report = audit.verify(tx)
        told = [[str(s.seq), s.event.kind, s.event.text] for s in audit.read(tx)]
    assert report.fault is None
    assert told == [[row[0], row[2], row[7]] for row in written("events")]
    assert any("it's \\ done soon" in text for _, _, text in told)


def test_every_incident_is_what_it_was(database: Database) -> None:
    for row in written("incidents"):
        before = json.loads(row[6])
        with database.read() as tx:
            incident = store.get(tx, int(row[0]))
        assert (incident.phase, incident.title) == (before["phase"], before["title"])
        assert incident.resolution == before["resolution"]
        assert incident.owner == before["owner"]
        assert [f.value for f in incident.findings] == [
            f["value"] for f in before["findings"]
        ]
        assert len(incident.evidence) == len(before["evidence"]) == 1


def test_every_proposal_is_what_it_was(database: Database) -> None:
    with database.read() as tx:
        found = {p.id: p for number in range(1, 7) for p in docket.of(tx, number)}
    assert len(found) == len(written("proposals")) == 12
    for row in written("proposals"):
        proposal = found[row[0]]
        assert (proposal.letter, proposal.digest) == (row[2], row[6])
        assert (proposal.state, proposal.note) == (row[14], row[19])
    voted = {row[0]: row[1] for row in written("votes")}
    assert {p.id: p.voters[0] for p in found.values() if p.votes} == voted


def test_what_was_being_measured_is_judged(story: Story) -> None:
    check = story.incident(4).check
    assert check is not None and check.window == timedelta(seconds=30)
    for _ in range(3):
        story.sees(story.well(**MEASURED))
        story.clock.go(20)
    found = story.incident(4).verification
    assert found is not None and found.verdict is Verdict.RECOVERED
    assert (found.proposal, found.took) == (check.proposal, timedelta(seconds=6))


def test_the_bot_goes_on_where_the_first_release_stopped(story: Story) -> None:
    assert [incident.number for incident in story.open()] == [4, 5, 6]
    story.decide.expire()
    for _ in range(4):
        story.sees(story.well(**MEASURED))
        story.clock.go(20)
    assert story.incident(4).phase is Phase.RESOLVED
    story.sees(story.found(subject="anew", culprits=()))
    assert [incident.number for incident in story.open()] == [5, 6, 7]


def test_no_card_of_then_decides_anything_now(story: Story) -> None:
    offered = story.incident(5).offered or ""
    story.clock.go(3600)
    with pytest.raises(NotDecided):
        story.decide.approve(offered, ALICE, None)
    story.decide.expire()
    assert {p.state for p in story.proposals(5)} == {State.EXPIRED}
    story.carry_out.step()
    assert story.hands.done == []


def test_memory_learns_from_what_it_was_not_there_for(story: Story) -> None:
    memory = Memory(story.database, None, None)
    Remember(record=story.record, memory=memory, failed=print).step()
    said = {case.key: case.outcome.value for case in memory.cases()}
    assert said == {"1": "fixed", "2": "rejected", "3": "false_alarm"}


def test_a_copy_of_the_first_release_can_be_restored(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    first_release(f"sqlite:///{old / 'countersign.db'}")
    done = countersign(
        "restore", str(old / "countersign.db"), folder=tmp_path / "state"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "restored 6 incidents (3 open)" in done.stdout
    verified = countersign("audit", "verify", folder=tmp_path / "state")
    assert verified.returncode == 0


def test_a_first_release_can_be_backed_up_as_it_is(tmp_path: Path) -> None:
    first_release(f"sqlite:///{tmp_path / 'countersign.db'}")
    done = countersign("backup", str(tmp_path / "copy.db"), folder=tmp_path)
    assert (done.returncode, "52 events" in done.stdout) == (0, True)
