"""Missing vectors are made beside all else, a few at a time, and never mixed."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.storage.database import Database
from memory import cases as rows
from memory.case import Case
from memory.embed import EmbedderUnavailable
from memory.recollect import Memory
from memory.rest import Rest
from memory.vectors import OtherEmbedder, Vectors
from tests.fakes.letters import Letters
from tests.fakes.patience import until
from tests.memory.pieces import DISK, case, symptoms

BATCH = 32
OLD = "letters"
PATIENCE = 20.0
"""Seconds after which a gate that nobody opened gives up."""


class Gated:
    """Another embedder, which makes as many batches as it is let; it answers always."""

    name = "others"
    dim = 32

    def __init__(self) -> None:
        self.letters = Letters(name=self.name, dim=self.dim)
        self.entered = threading.Event()
        self._gate = threading.Semaphore(0)

    def let(self, batches: int) -> None:
        self._gate.release(batches)

    def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.entered.set()
        if not self._gate.acquire(timeout=PATIENCE):
            raise EmbedderUnavailable("nobody opened the gate")
        return self.letters.documents(texts)

    def query(self, text: str) -> NDArray[np.float32]:
        return self.letters.query(text)


def soon() -> Rest:
    return Rest(timedelta(milliseconds=5), timedelta(milliseconds=20))


def late() -> Rest:
    return Rest(timedelta(hours=1), timedelta(hours=1))


def many() -> list[Case]:
    """Return a batch and a bit, of which the disk's is the oldest."""
    return [case(0, **DISK), *(case(n) for n in range(1, BATCH + 8))]


@pytest.fixture
def filled(database: Database) -> Database:
    """A database whose vectors are another embedder's."""
    Memory(database, Letters(), None).remember_all(many())
    return database


@pytest.fixture
def gated() -> Gated:
    return Gated()


@pytest.fixture
def memory(filled: Database, gated: Gated) -> Iterator[Memory]:
    with closing(Memory(filled, gated, None)) as made:
        yield made


def held(database: Database) -> tuple[str, int]:
    """Return whose vectors the database holds, and of how many cases."""
    with database.read() as tx:
        return rows.meta(tx, "embedder"), len(rows.vectors(tx))


class AtWork:
    """The threads that make vectors, but for those of other tests."""

    def __init__(self) -> None:
        self._others = set(threading.enumerate())

    def any(self) -> bool:
        ours = set(threading.enumerate()) - self._others
        return any(thread.name == "vectors" for thread in ours)


@pytest.fixture(autouse=True)
def at_work() -> AtWork:
    return AtWork()


def test_recalling_does_not_wait_for_missing_vectors(
    memory: Memory, gated: Gated
) -> None:
    asked = symptoms("no space left", condition="", service="")
    assert memory.recall(asked)[0].case.incident == 0
    assert memory.health().startswith("40 cases have no vectors yet")
    gated.let(2)
    until(lambda: memory.health() == "")
    assert memory.recall(asked)[0].case.incident == 0


def test_remembering_does_not_wait_either(memory: Memory, filled: Database) -> None:
    memory.remember(case(100, symptoms="zebra crossing"))
    asked = symptoms("zebra", condition="", service="")
    assert memory.recall(asked)[0].case.incident == 100
    assert held(filled) == (OLD, 40)


def test_each_batch_serves_as_soon_as_it_is_made(
    memory: Memory, gated: Gated, filled: Database
) -> None:
    memory.open()
    gated.let(1)
    until(lambda: held(filled) == (gated.name, BATCH))
    # Three letters of one word: no word of the question is in any case.
    asked = symptoms("procesing", condition="", service="")
    found = memory.recall(asked, limit=5)
    assert found
    assert 0 not in {one.case.incident for one in found}


def test_a_second_start_continues_where_the_first_stopped(
    memory: Memory, gated: Gated, filled: Database
) -> None:
    memory.open()
    gated.let(1)
    until(lambda: held(filled) == (gated.name, BATCH))
    memory.close()
    gated.let(1)
    again = Letters(name=gated.name, dim=gated.dim)
    with closing(Memory(filled, again, None)) as second:
        second.open()
        until(lambda: held(filled) == (gated.name, 40))
    assert again.asked == 8 * len(rows.PARTS)


def test_old_vectors_stay_until_there_are_new_ones(filled: Database) -> None:
    broken = Letters(name="others", broken=True)
    with closing(Memory(filled, broken, None, rest=late())) as memory:
        memory.open()
        until(lambda: "letters are gone" in memory.health())
    assert held(filled) == (OLD, 40)


def test_a_failure_in_the_middle_is_told_once_and_tried_again(
    filled: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="memory")
    tries: list[int] = []

    class Failing(Letters):
        def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
            tries.append(len(texts))
            self.broken = 2 <= len(tries) <= 4
            return Letters.documents(self, texts)

    with closing(Memory(filled, Failing(name="others"), None, rest=soon())) as memory:
        memory.open()
        until(lambda: held(filled) == ("others", 40))
        until(lambda: memory.health() == "")
    assert tries == [128, 32, 32, 32, 32]
    assert len(caplog.records) == 1


def test_a_case_without_vectors_gets_them_when_the_embedder_is_back(
    database: Database,
) -> None:
    embedder = Letters()
    with closing(Memory(database, embedder, None, rest=soon())) as memory:
        memory.open()
        embedder.broken = True
        memory.remember(case(1))
        assert "by words alone" in memory.health()
        embedder.broken = False
        until(lambda: memory.health() == "")
    assert held(database) == (OLD, 1)


def test_closing_stores_nothing_more(
    memory: Memory, gated: Gated, filled: Database, at_work: AtWork
) -> None:
    memory.open()
    assert gated.entered.wait(PATIENCE)
    memory.close()
    gated.let(2)
    until(lambda: not at_work.any())
    assert held(filled) == (OLD, 40)


def test_closing_ends_a_pause(filled: Database, at_work: AtWork) -> None:
    broken = Letters(name="others", broken=True)
    memory = Memory(filled, broken, None, rest=late())
    memory.open()
    until(lambda: "letters are gone" in memory.health())
    memory.close()
    assert not at_work.any()


def test_a_case_that_changed_meanwhile_keeps_what_was_made_later(
    database: Database,
) -> None:
    vectors = Vectors(Letters(), soon())
    before, after = case(1), case(1, symptoms="zebra crossing")
    made = vectors.make([before, case(2)])
    with database.write() as tx:
        rows.save(tx, [after])
        assert set(vectors.fill(tx, [before, case(2)], made).by_key) == set()
        assert vectors.look(tx) == 1


def test_an_embedder_that_came_back_is_left_its_vectors(filled: Database) -> None:
    ours, theirs = Vectors(Letters(name="others"), soon()), Vectors(Letters(), soon())
    for vectors in (ours, theirs):
        with filled.write() as tx:
            vectors.fill(tx, many()[:1], vectors.make(many()[:1]))
        vectors.confirm()
    with filled.write() as tx, pytest.raises(OtherEmbedder, match=OLD):
        ours.fill(tx, many()[1:2], ours.make(many()[1:2]))
    assert held(filled) == (OLD, 1)


def test_the_index_holds_what_was_made_late(
    filled: Database, gated: Gated, tmp_path: Path
) -> None:
    folder = tmp_path / "index"
    gated.let(2)
    asked = symptoms("no space left", condition="", service="")
    with closing(Memory(filled, gated, folder)) as memory:
        memory.open()
        until(lambda: memory.health() == "")
        answer = memory.recall(asked)
    builds = sorted(folder.glob("index-*"))
    with closing(Memory(filled, gated, folder)) as again:
        assert again.recall(asked) == answer
        assert again.health() == ""
    assert sorted(folder.glob("index-*")) == builds


class Full:
    """A database that can be read and takes nothing more."""

    def __init__(self, database: Database) -> None:
        self.read = database.read

    @contextmanager
    def write(self) -> Iterator[Connection]:
        raise SQLAlchemyError("the disk is full")
        yield


def test_a_database_that_takes_nothing_is_left_alone(
    filled: Database, caplog: pytest.LogCaptureFixture, at_work: AtWork
) -> None:
    with closing(Memory(Full(filled), Letters(name="others"), None)) as memory:
        memory.open()
        until(lambda: "memory.vectors_not_stored" in caplog.text)
        assert memory.recall(symptoms("no space left"))
        assert memory.health().startswith("40 cases have no vectors yet")
    assert not at_work.any()
    assert held(filled) == (OLD, 40)


def test_by_words_alone_there_is_nothing_to_make(filled: Database) -> None:
    with closing(Memory(filled, None, None)) as memory:
        memory.rebuild()
        assert memory.health() == ""
    assert held(filled) == (OLD, 40)


def test_other_processes_are_told_when_all_is_made(filled: Database) -> None:
    asked = symptoms("procesing", condition="", service="")
    with (
        closing(Memory(filled, Letters(name="others"), None)) as ours,
        closing(Memory(filled, Letters(name="others"), None)) as theirs,
    ):
        theirs.remember(case(50))
        ours.rebuild()
        found = ours.recall(asked, limit=5)
        assert found == theirs.recall(asked, limit=5) != []


def test_two_bots_with_an_embedder_each_replace_no_vectors_for_ever(
    filled: Database,
) -> None:
    first = Memory(filled, Letters(name="first"), None, rest=soon())
    second = Memory(filled, Letters(name="second"), None, rest=soon())
    with closing(first), closing(second):
        first.open()
        until(lambda: held(filled) == ("first", 40))
        second.open()
        until(lambda: held(filled) == ("second", 40))
        with filled.read() as tx:
            before = rows.revision(tx)
        for _ in range(20):
            first.follow()
            second.follow()
        assert "another embedder" in first.health()
        assert second.health() == ""
        assert first.recall(symptoms("no space left", condition="", service=""))
        with filled.read() as tx:
            assert rows.revision(tx) == before
    assert held(filled) == ("second", 40)
