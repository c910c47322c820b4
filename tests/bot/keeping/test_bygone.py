"""What is over for long goes with all that belongs to it; what is open stays."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update

from bot.inbound.inbox import inbox
from bot.keeping.bygone import AT_ONCE, Bygone, Counts
from bot.learning.postmortems import document
from bot.learning.retell import case_of
from bot.llm.costs import model_calls
from bot.model import Phase
from bot.runtime.tracing import trace_steps
from bot.storage import store
from bot.storage.database import Database
from memory import tables as memory_tables
from memory.recollect import Memory
from remediation.ledger import audit
from remediation.ledger.purge import ChainBroken
from remediation.ledger.tables import events, proposals, votes
from tests.fakes.clock import START
from tests.fakes.letters import Letters
from tests.fakes.story import Story
from tests.real.databases import KINDS, fresh, on

YEAR = timedelta(days=365)
SECRET = "the-word-that-must-go"

database = on(*KINDS)


@pytest.fixture
def bygone(database: Database, tmp_path: Path) -> Bygone:
    return Bygone(database, tmp_path)


@pytest.fixture
def lived(story: Story, tmp_path: Path) -> Story:
    """Incident 1 was acted on and is over; incident 2 began a year later, and is open."""
    story.ends()
    story.posted()
    memory = Memory(story.database, Letters(), None)
    memory.remember(case_of(story.incident(), story.proposals()))
    memory.close()
    document(tmp_path, 1).parent.mkdir()
    document(tmp_path, 1).write_text("It was the batch.")
    with story.database.write() as tx:
        store.remember(tx, "page:PagerDuty:1", "told")
        tx.execute(insert(trace_steps).values(**STEP))
        tx.execute(insert(model_calls).values(**CALL))
        for name, firing in (("old", False), ("fires", True)):
            tx.execute(
                insert(inbox).values(**ALERT, fingerprint=name, is_firing=firing)
            )
    story.clock.go(YEAR.total_seconds())
    story.opens()
    story.posted(2)
    return story


STEP = {"incident": 1, "name": "explain", "at": START, "seconds": 1, "tokens": 7}
CALL = {
    "incident": 1, "at": START, "purpose": "diagnosis", "model": "m", "calls": 1,
    "tokens_in": 1, "tokens_out": 1, "tokens_thinking": 0, "dollars": 0.25,
    "price_known": True, "seconds": 1, "outcome": "answered",
}  # fmt: skip
ALERT = {
    "source": "json", "starts_at": START, "is_seen": True, "heard_at": START,
    "grouped": "", "left_out": 0, "polled": "", "change": 1, "body": "[{}, {}]",
}  # fmt: skip
TABLES = (
    store.incidents, store.postings, events, proposals, votes, trace_steps,
    memory_tables.cases, memory_tables.case_vectors,
)  # fmt: skip


def purged(
    story: Story, bygone: Bygone, after: timedelta = timedelta(days=90)
) -> Counts:
    now, gone = story.clock.wall, Counts()
    while (some := bygone.take(now - after, why="a test", now=now)).incidents:
        gone += some
    bygone.finish()
    return gone


def rows(database: Database, number: int) -> dict[str, int]:
    """How many rows of each table belong to an incident."""
    found = {}
    with database.read() as tx:
        for table in TABLES:
            count = select(func.count()).select_from(table)
            match table.name:
                case "incidents":
                    count = count.where(table.c.number == number)
                case "votes":
                    count = count.join(proposals).where(proposals.c.incident == number)
                case "case_vectors":
                    count = count.where(table.c.key == str(number))
                case _:
                    count = count.where(table.c.incident == number)
            found[table.name] = tx.execute(count).scalar_one()
    return found


def test_everything_of_it_goes(lived: Story, bygone: Bygone, tmp_path: Path) -> None:
    assert min(rows(lived.database, 1).values()) > 0
    purged(lived, bygone)
    assert set(rows(lived.database, 1).values()) == {0}
    assert not document(tmp_path, 1).exists()
    with lived.database.read() as tx:
        assert store.notes(tx, "page:") == {}


def test_what_is_open_is_not_touched(lived: Story, bygone: Bygone) -> None:
    before = rows(lived.database, 2), lived.incident(2), lived.proposals(2)
    purged(lived, bygone, timedelta(days=1))
    assert (rows(lived.database, 2), lived.incident(2), lived.proposals(2)) == before


def test_an_old_incident_that_is_still_open_stays(story: Story, bygone: Bygone) -> None:
    story.opens()
    story.decide.expire()
    story.clock.go(YEAR.total_seconds())
    story.decide.expire()
    assert purged(story, bygone) == Counts()


def test_its_age_is_counted_from_its_end(story: Story, bygone: Bygone) -> None:
    story.opens()
    story.clock.go(YEAR.total_seconds())
    story.decide.expire()
    story.sees(story.well())
    story.clock.go(60)
    story.sees(story.well())
    assert not story.incident().is_open
    assert purged(story, bygone).incidents == 0
    story.clock.go(YEAR.total_seconds())
    assert purged(story, bygone).incidents == 1


def test_what_may_still_be_carried_out_stays(lived: Story, bygone: Bygone) -> None:
    with lived.database.write() as tx:
        mine = proposals.c.incident == 1
        tx.execute(update(proposals).where(mine).values(state="executing"))
    assert purged(lived, bygone).incidents == 0


def test_what_is_counted_first_is_what_goes(lived: Story, bygone: Bygone) -> None:
    expected = bygone.count(lived.clock.wall - timedelta(days=90))
    assert expected.alerts == expected.incidents == expected.documents == 1
    assert expected.cases == 1 and expected.events > 5 and expected.proposals > 1
    assert bygone.count(lived.clock.wall - timedelta(days=90)) == expected
    assert purged(lived, bygone) == expected


def test_the_chain_is_whole_and_says_who_purged(lived: Story, bygone: Bygone) -> None:
    purged(lived, bygone)
    with lived.database.read() as tx:
        report = audit.verify(tx)
        last = audit.read(tx)[-1].event
    assert (report.fault, report.purged > 5) == (None, True)
    assert last.kind == "records.purged"
    assert last.text == "Purged incident 1, closed before 2026-12-01: a test"


def test_a_purged_number_is_never_given_again(lived: Story, bygone: Bygone) -> None:
    with lived.database.write() as tx:
        over = {"phase": Phase.RESOLVED, "resolved_at": START}
        store.bump(tx, 2, **over)
        tx.execute(update(proposals).values(state="expired"))
    lived.clock.go(2 * YEAR.total_seconds())
    assert purged(lived, bygone).incidents == 2
    anew = Story(lived.database, clock=lived.clock)
    anew.sees(anew.found())
    assert [incident.number for incident in anew.open()] == [3]


def test_what_models_cost_is_kept_as_a_figure(lived: Story, bygone: Bygone) -> None:
    purged(lived, bygone)
    with lived.database.read() as tx:
        left = tx.execute(select(model_calls.c.incident, model_calls.c.dollars)).all()
    assert left == [(None, 0.25)]


def test_alerts_that_fire_stay(lived: Story, bygone: Bygone) -> None:
    purged(lived, bygone)
    with lived.database.read() as tx:
        assert tx.execute(select(inbox.c.fingerprint)).scalars().all() == ["fires"]


def test_a_chain_that_was_changed_is_not_purged(lived: Story, bygone: Bygone) -> None:
    with lived.database.write() as tx:
        tx.execute(update(events).where(events.c.seq == 2).values(text="other"))
    before = rows(lived.database, 1)
    with pytest.raises(ChainBroken, match="event 2 was changed"):
        purged(lived, bygone)
    assert rows(lived.database, 1) == before


def test_a_document_that_cannot_go_keeps_its_incident(
    lived: Story, bygone: Bygone, tmp_path: Path
) -> None:
    document(tmp_path, 1).unlink()
    document(tmp_path, 1).mkdir()
    before = rows(lived.database, 1)
    with pytest.raises(OSError, match="postmortem-1"):
        purged(lived, bygone)
    assert rows(lived.database, 1) == before


def test_many_go_a_few_at_a_time(story: Story, bygone: Bygone) -> None:
    story.ends()
    with story.database.write() as tx:
        body = store.get(tx, 1)
        for _ in range(AT_ONCE * 2):
            store.create(tx, lambda n: body.changed(number=n))
    story.clock.go(YEAR.total_seconds())
    now = story.clock.wall
    taken = [bygone.take(now, why="a test", now=now).incidents for _ in range(4)]
    assert taken == [AT_ONCE, AT_ONCE, 1, 0]


def test_no_byte_of_it_is_left_in_the_file(tmp_path: Path) -> None:
    with fresh("sqlite", tmp_path) as database:
        story = Story(database)
        story.ends()
        with database.write() as tx:
            store.bump(tx, 1, title=f"CPU {SECRET}", evidence=())
            event = audit.Event(kind="x", text=SECRET * 900, at=START, incident=1)
            audit.append(tx, event)
        memory = Memory(database, None, None)
        memory.remember(case_of(story.incident(), story.proposals()))
        story.clock.go(YEAR.total_seconds())
        assert bytes_of(tmp_path).count(SECRET.encode()) > 800
        purged(story, Bygone(database, tmp_path))
        assert bytes_of(tmp_path).count(SECRET.encode()) == 0


def bytes_of(folder: Path) -> bytes:
    return b"".join(f.read_bytes() for f in folder.glob("countersign.db*"))


# --- memory --------------------------------------------------------------------------


def test_a_pattern_counts_it_no_more(lived: Story, bygone: Bygone) -> None:
    memory = Memory(lived.database, None, None)
    first = memory.cases()[0]
    young = {"closed_at": lived.clock.wall - timedelta(days=2)}
    memory.remember(replace(first, key="9", incident=9, **young))
    memory.compact(lived.clock.wall)
    assert [case.weight for case in memory.cases()] == [2]
    purged(lived, bygone)
    assert [(c.key, c.weight, c.incident) for c in memory.cases()] == [
        ("pattern:9", 1, 9)
    ]


def test_a_pattern_in_its_words_goes_with_it(lived: Story, bygone: Bygone) -> None:
    memory = Memory(lived.database, None, None)
    first = memory.cases()[0]
    older = {"closed_at": first.closed_at - timedelta(days=2)}
    memory.remember(replace(first, key="0", incident=0, **older))
    memory.compact(lived.clock.wall)
    purged(lived, bygone)
    assert memory.cases() == []
    with lived.database.read() as tx:
        assert tx.execute(select(memory_tables.case_traces)).all() == []


def test_a_memory_that_is_open_follows(lived: Story, bygone: Bygone) -> None:
    memory = Memory(lived.database, None, None)
    memory.open()
    purged(lived, bygone)
    memory.follow()
    assert not memory.knows("1")
