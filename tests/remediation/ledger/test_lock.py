"""The one lock that stops the whole bot."""

import pytest
from sqlalchemy import delete, func, select

from bot.storage.database import Database
from remediation.ledger import lock
from remediation.ledger.audit import ChainMissing
from remediation.ledger.tables import head, leases
from tests.fakes.clock import START


def test_a_lock_says_who_when_and_why(database: Database) -> None:
    with database.write() as tx:
        assert lock.set_lock(tx, by="U1", why="something is odd", at=START)
    with database.read() as tx:
        assert lock.locked(tx) == lock.Locked(by="U1", at=START, why="something is odd")


def test_a_second_lock_changes_nothing(database: Database) -> None:
    with database.write() as tx:
        lock.set_lock(tx, by="U1", why="first", at=START)
        assert not lock.set_lock(tx, by="U2", why="second", at=START)
        found = lock.locked(tx)
    assert found is not None
    assert found.why == "first"


def test_a_freed_bot_is_not_locked(database: Database) -> None:
    with database.write() as tx:
        lock.set_lock(tx, by="U1", why="odd", at=START)
        assert lock.free_lock(tx)
        assert lock.locked(tx) is None


def test_nothing_is_there_to_free(database: Database) -> None:
    with database.write() as tx:
        assert not lock.free_lock(tx)


def test_the_condition_matches_only_while_free(database: Database) -> None:
    query = select(func.count()).select_from(leases).where(lock.is_free())
    with database.write() as tx:
        tx.execute(leases.insert().values(key="k", holder="p"))
        free = tx.execute(query).scalar_one()
        lock.set_lock(tx, by="U1", why="odd", at=START)
        stopped = tx.execute(query).scalar_one()
    assert (free, stopped) == (1, 0)


def test_without_the_chains_head_it_is_not_locked_in_silence(
    database: Database,
) -> None:
    with database.write() as tx:
        tx.execute(delete(head))
    with database.write() as tx, pytest.raises(ChainMissing):
        lock.set_lock(tx, by="U1", why="odd", at=START)
