"""Who leads: real sessions on a real PostgreSQL, two bots' worth of them in one process."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from prometheus_client import generate_latest
from sqlalchemy.exc import DBAPIError

from bot.runtime.telemetry import Telemetry
from bot.storage import store
from bot.storage.database import BadDatabase, Database, NotLeading, connect
from bot.storage.instance import BadState, alone_in
from bot.storage.lead import Alone, Shared
from tests.fakes.clock import FakeClock
from tests.fakes.path import path
from tests.real.databases import fresh, on

SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks "
    "WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()"
)

database = on("postgresql")


def bot(database: Database, name: str, clock: FakeClock | None = None) -> Shared:
    return Shared(database, clock or FakeClock(), host=name, claimant=f"boot/1/{name}")


@pytest.fixture
def first(database: Database) -> Iterator[Shared]:
    with closing(bot(database, "first")) as made:
        yield made


@pytest.fixture
def second(database: Database) -> Iterator[Shared]:
    # A process of its own has connections of its own.
    other = connect(database.engine.url.render_as_string(hide_password=False))
    with closing(bot(other, "second")) as made:
        yield made
    other.close()


def nothing() -> None:
    pass


def leads_soon(bot: Shared, seconds: float = 30) -> bool:
    """Try until it leads: the server may take a moment to see that a session ended."""
    began = time.monotonic()
    while not bot.leads() and time.monotonic() - began < seconds:
        bot.beat(nothing)
        time.sleep(0.05)
    return bot.leads()


def end_all_sessions(database: Database) -> None:
    url = database.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as link:
        link.execute(SESSIONS)


def test_sqlite_leads_without_asking(tmp_path: Path) -> None:
    with fresh("sqlite", tmp_path) as database:
        alone = Alone(database)
        alone.beat(nothing)
        assert alone.leads()
        assert alone.database is database
        assert alone.standing() is None


def test_one_of_two_leads_and_the_other_knows_whom(
    first: Shared, second: Shared
) -> None:
    taken: list[str] = []
    first.beat(lambda: taken.append("first"))
    second.beat(lambda: taken.append("second"))
    assert (first.leads(), second.leads()) == (True, False)
    assert taken == ["first"]
    leader = second.standing().leader
    assert leader is not None
    assert leader.name.startswith("first (")
    assert leader.term == 1


def test_who_leads_writes_and_who_follows_is_refused(
    first: Shared, second: Shared
) -> None:
    first.beat(nothing)
    second.beat(nothing)
    with first.database.write() as tx:
        store.remember(tx, "k", "first")
    with pytest.raises(NotLeading), second.database.write() as tx:
        store.remember(tx, "k", "second")
    with second.database.read() as tx:
        assert store.recall(tx, "k") == "first"


def test_when_one_ends_the_other_leads(first: Shared, second: Shared) -> None:
    first.beat(nothing)
    second.beat(nothing)
    first.close()
    assert leads_soon(second)
    leader = second.standing().leader
    assert leader is not None
    assert leader.term == 2


def test_a_session_that_was_cut_ends_the_lead_at_the_next_beat(
    database: Database, first: Shared
) -> None:
    first.beat(nothing)
    end_all_sessions(database)
    first.beat(nothing)
    assert not first.leads()
    assert leads_soon(first)


def test_without_an_answer_a_leader_takes_itself_for_none(database: Database) -> None:
    clock = FakeClock()
    with closing(bot(database, "first", clock)) as first:
        first.beat(nothing)
        clock.go(3.5)
        assert not first.leads()


def test_a_leader_that_was_silent_loses_the_lead_and_writes_no_more(
    first: Shared, second: Shared
) -> None:
    first.beat(nothing)
    began = time.monotonic()
    assert leads_soon(second)
    print(f"a silent leader was followed after {time.monotonic() - began:.1f} s")
    # It slept, its clock too: what it believes is not what holds.
    assert first.leads()
    with pytest.raises(NotLeading):
        first.confirm()
    with pytest.raises(NotLeading), first.database.write():
        pass
    first.beat(nothing)
    assert not first.leads()


def test_who_stands_still_in_the_middle_of_writing_holds_nobody_up(
    first: Shared, second: Shared
) -> None:
    first.beat(nothing)
    second.beat(nothing)
    began = time.monotonic()

    def stand_still() -> None:
        with first.database.write() as tx:
            store.remember(tx, "k", "first")
            assert leads_soon(second, 60)

    with pytest.raises(DBAPIError):
        stand_still()
    print(f"a writer that stood still was followed: {time.monotonic() - began:.1f} s")
    assert second.leads()
    with second.database.read() as tx:
        assert store.recall(tx, "k") is None


def test_what_cannot_be_taken_up_is_not_led(first: Shared, second: Shared) -> None:
    def broken() -> None:
        raise NotLeading

    first.beat(broken)
    assert not first.leads()
    assert leads_soon(second)


def test_who_changes_the_whole_database_is_let_in_when_nobody_leads(
    database: Database, first: Shared
) -> None:
    with alone_in(database):
        first.beat(nothing)
        assert not first.leads()
    assert leads_soon(first)
    with pytest.raises(BadState, match="Stop it"), alone_in(database):
        pass


def test_a_server_that_ends_no_silent_session_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.engine.dialect, "server_version_info", (13, 4))
    with pytest.raises(BadDatabase, match="Use 14 or newer"):
        bot(database, "first")


def test_who_follows_has_no_figures_of_a_leader_for_an_alarm_to_go_by() -> None:
    telemetry = Telemetry()
    with telemetry.detector_round("cpu"):
        telemetry.unposted.set(3)
    telemetry.following()
    told = generate_latest(telemetry.registry).decode()
    assert "countersign_unposted_incidents 0.0" in told
    assert "countersign_last_round_timestamp_seconds 0.0" in told
    assert 'detector="cpu"' not in told


def test_a_bot_is_present_as_long_as_its_session(first: Shared, second: Shared) -> None:
    assert first.is_present is not None
    first.beat(nothing)
    second.beat(nothing)
    assert first.is_present("boot/1/second")
    assert not first.is_present("boot/1/third")
    second.close()
    end = time.monotonic() + 10
    while first.is_present("boot/1/second") and time.monotonic() < end:
        time.sleep(0.05)
    assert not first.is_present("boot/1/second")


def test_a_bot_whose_old_session_still_lives_tries_again_until_it_is_present(
    first: Shared, database: Database
) -> None:
    with closing(bot(database, "first")) as before:
        before.beat(nothing)
        first.beat(nothing)
        assert not first.leads()
    assert leads_soon(first)
    assert first.is_present is not None
    assert first.is_present("boot/1/first")


def test_two_bots_of_one_name_are_told_apart(database: Database) -> None:
    again = Shared(database, FakeClock(), host="one", claimant="boot/1/other")
    with closing(bot(database, "one")) as first, closing(again) as other:
        first.beat(nothing)
        with database.read() as tx:
            assert socket.gethostname() in (store.recall(tx, "leader") or "")
        other.beat(nothing)
        assert first.standing().was_me
        standing = other.standing()
        assert standing.leader is not None
        assert standing.leader.name == standing.me
        assert not standing.was_me


def test_a_beat_that_hangs_is_told_and_ended_with_all_that_hangs_beside_it(
    database: Database,
) -> None:
    url, clock, ended = database.engine.url, FakeClock(), list[str]()
    with path(url.host or "", url.port or 0) as to:
        here = url.set(host="127.0.0.1", port=to.port)
        through = connect(here.render_as_string(hide_password=False))
        with closing(through), closing(bot(through, "first", clock)) as first:
            first.beat(nothing)
            assert first.leads()

            def beats() -> None:
                first.beat(nothing)
                ended.append("beat")

            def reads() -> None:
                with suppress(DBAPIError):
                    first.confirm()
                ended.append("read")

            to.is_dead = True
            hanging = [threading.Thread(target=one) for one in (beats, reads)]
            for one in hanging:
                one.start()
            hanging[0].join(2)
            clock.go(13)
            assert first.hangs()
            assert ended == []
            first.unhang()
            for one in hanging:
                one.join(30)
            assert sorted(ended) == ["beat", "read"]
            assert not first.hangs()
            to.is_dead = False
            assert leads_soon(first)
