"""The chain: whatever is changed, removed, moved or cut off is found."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, update

from bot.storage.database import Database
from remediation.ledger import audit
from remediation.ledger.audit import ChainMissing, Event, Head, Sealed
from remediation.ledger.tables import as_text, events, head
from tests.fakes.clock import START

Damage = Callable[[Connection], object]


def event(number: int = 1, **changes: object) -> Event:
    made = Event(
        kind="proposal.approved",
        text=f"approved {number}",
        at=START + timedelta(seconds=number),
        incident=12,
        proposal="web-1~abc123~0123456789abcdef",
        actor="U1",
        action_hash="f" * 64,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def chain(database: Database, length: int = 5) -> list[Sealed]:
    with database.write() as tx:
        return [audit.append(tx, event(n)) for n in range(1, length + 1)]


def fault(database: Database, known: Head | None = None) -> str | None:
    with database.read() as tx:
        return audit.verify(tx, known=known).fault


def test_an_empty_chain_is_whole(database: Database) -> None:
    with database.read() as tx:
        report = audit.verify(tx)
    assert (report.rows, report.fault) == (0, None)
    assert report.head == Head(seq=0, hash="0" * 64)


def test_events_are_numbered_without_gaps(database: Database) -> None:
    assert [sealed.seq for sealed in chain(database)] == [1, 2, 3, 4, 5]


def test_events_come_back_as_they_were_written(database: Database) -> None:
    written = chain(database)
    with database.read() as tx:
        assert audit.read(tx) == written


def test_times_are_kept_in_utc(database: Database) -> None:
    there = START.astimezone(timezone(timedelta(hours=5)))
    with database.write() as tx:
        audit.append(tx, event(at=there))
        assert audit.read(tx)[0].event.at == START
    assert as_text(there).endswith("+00:00")


def test_a_long_chain_is_whole(database: Database) -> None:
    last = chain(database, 40)[-1]
    with database.read() as tx:
        report = audit.verify(tx)
    assert (report.rows, report.fault) == (40, None)
    assert report.head == Head(seq=40, hash=last.hash)


def test_the_head_is_the_newest_event(database: Database) -> None:
    last = chain(database)[-1]
    with database.read() as tx:
        assert audit.current(tx) == Head(seq=last.seq, hash=last.hash)


def test_a_rolled_back_event_was_never_there(database: Database) -> None:
    chain(database, 2)
    with pytest.raises(RuntimeError), database.write() as tx:  # noqa: PT012
        audit.append(tx, event(3))
        raise RuntimeError
    with database.read() as tx:
        assert audit.verify(tx).rows == 2
        assert audit.current(tx).seq == 2


def test_writers_at_once_make_one_chain(database: Database) -> None:
    def write() -> None:
        for number in range(5):
            with database.write() as tx:
                audit.append(tx, event(number))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        report = audit.verify(tx)
    assert (report.rows, report.fault) == (20, None)


# --- what breaks it ------------------------------------------------------------------


@pytest.mark.parametrize("column", ["at", "kind", "proposal", "actor", "text"])
def test_a_changed_column_is_found(database: Database, column: str) -> None:
    chain(database)
    with database.write() as tx:
        tx.execute(update(events).where(events.c.seq == 3).values({column: "other"}))
    assert fault(database) == "event 3 was changed"


@pytest.mark.parametrize("column", ["actor", "proposal", "incident"])
def test_an_emptied_column_is_found(database: Database, column: str) -> None:
    chain(database)
    with database.write() as tx:
        tx.execute(update(events).where(events.c.seq == 3).values({column: None}))
    assert fault(database) == "event 3 was changed"


def test_a_removed_event_is_found(database: Database) -> None:
    chain(database)
    with database.write() as tx:
        tx.execute(delete(events).where(events.c.seq == 3))
    assert fault(database) == "event 3 is missing (found 4 in its place)"


def test_an_event_with_a_hash_of_its_own_does_not_follow(database: Database) -> None:
    chain(database)
    with database.write() as tx:
        third = events.c.seq == 3
        tx.execute(update(events).where(third).values(prev="0" * 64))
    assert fault(database) == "event 3 does not follow the event before it"


def test_a_cut_end_is_found(database: Database) -> None:
    chain(database)
    with database.write() as tx:
        tx.execute(delete(events).where(events.c.seq > 3))
    assert "cut off" in (fault(database) or "")


def test_a_missing_head_is_found(database: Database) -> None:
    chain(database)
    with database.write() as tx:
        tx.execute(delete(head))
    assert "stored head" in (fault(database) or "")


def test_a_cut_end_with_a_mended_head_disagrees_with_a_posted_one(
    database: Database,
) -> None:
    written = chain(database)
    posted = Head(seq=5, hash=written[-1].hash)
    with database.write() as tx:
        tx.execute(delete(events).where(events.c.seq > 3))
        tx.execute(update(head).values(seq=3, hash=written[2].hash))
    assert fault(database) is None
    assert fault(database, posted) == (
        "event 5 with the given hash is not in the chain"
    )


def test_the_first_fault_is_told(database: Database) -> None:
    chain(database)
    with database.write() as tx:
        tx.execute(update(events).where(events.c.seq > 1).values(text="other"))
    assert fault(database) == "event 2 was changed"


def test_a_posted_head_of_the_past_is_in_the_chain(database: Database) -> None:
    third = chain(database)[2]
    assert fault(database, Head(seq=3, hash=third.hash)) is None


def test_the_head_of_nothing_is_in_every_chain(database: Database) -> None:
    chain(database)
    assert fault(database, Head(seq=0, hash="0" * 64)) is None


@pytest.mark.parametrize("look", [audit.serialize, audit.current])
def test_a_chain_without_head_takes_nothing(
    database: Database, look: Callable[[Connection], Head]
) -> None:
    with database.write() as tx:
        tx.execute(delete(head))
    with database.write() as tx, pytest.raises(ChainMissing):
        look(tx)


def test_start_writes_the_head_of_an_empty_chain(database: Database) -> None:
    with database.write() as tx:
        tx.execute(delete(head))
        audit.start(tx)
        audit.append(tx, event())
        assert audit.verify(tx).fault is None


# --- reading -------------------------------------------------------------------------


def test_one_incidents_events_after_a_number(database: Database) -> None:
    with database.write() as tx:
        for number in range(1, 7):
            audit.append(tx, event(number, incident=12 + number % 2))
        found = audit.read(tx, incident=12, after=2, limit=2)
    assert [sealed.seq for sealed in found] == [4, 6]


def test_export_yields_everything_in_order(database: Database) -> None:
    written = chain(database, 12)
    with database.read() as tx:
        assert list(audit.export(tx)) == written


def test_an_event_of_the_bot_itself_has_no_actor(database: Database) -> None:
    with database.write() as tx:
        plain = Event(kind="muted", text="", at=datetime(2026, 1, 1, tzinfo=UTC))
        audit.append(tx, plain)
        assert audit.read(tx)[0].event == plain


_FIELDS = st.tuples(*[st.none() | st.text(alphabet="-|:1ab", max_size=4)] * 3)


@given(_FIELDS, _FIELDS)
def test_no_two_rows_have_the_same_bytes(
    one: tuple[object, ...], other: tuple[object, ...]
) -> None:
    assert (audit.seal(one) == audit.seal(other)) is (one == other)
