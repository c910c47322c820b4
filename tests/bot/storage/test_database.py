"""Transactions: one writer at a time, readers beside it, what failed is undone."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.storage import store
from bot.storage.database import BadDatabase, Database, connect, url_of


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (None, "sqlite:////state/countersign.db"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgres://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_the_driver_is_named_for_people(given: str | None, url: str) -> None:
    assert url_of(given, Path("/state")) == url


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "gopher://h/d"])
def test_a_url_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(BadDatabase, match="DATABASE_URL"):
        connect(url)


def test_what_failed_is_undone(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as tx:  # noqa: PT012
        store.remember(tx, "k", "v")
        raise RuntimeError
    with database.read() as tx:
        assert store.recall(tx, "k") is None


def test_a_reader_sees_its_snapshot_while_somebody_writes(database: Database) -> None:
    with database.read() as reader:
        before = store.recall(reader, "k")
        with database.write() as writer:
            store.remember(writer, "k", "v")
        during = store.recall(reader, "k")
    with database.read() as reader:
        after = store.recall(reader, "k")
    assert (before, during, after) == (None, None, "v")


def test_a_second_writer_waits_for_its_turn(database: Database) -> None:
    order: list[str] = []

    def second() -> None:
        with database.write():
            order.append("second")

    thread = threading.Thread(target=second)
    with database.write() as tx:
        thread.start()
        thread.join(0.2)
        store.remember(tx, "k", "v")
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_every_commit_is_durable(tmp_path: Path) -> None:
    database = connect(url_of(None, tmp_path))
    with database.read() as tx:
        found = [
            tx.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    database.close()
    assert found == ["wal", 2, 1]
