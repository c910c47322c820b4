"""A migrated database of its own for each test, on SQLite and on PostgreSQL."""

import atexit
import contextlib
import functools
import itertools
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Dialect, event
from sqlalchemy.engine.interfaces import CompiledCacheType

from bot import migrations
from bot.inbound import inbox
from bot.llm import costs
from bot.measuring import habits
from bot.quiet import unpaged
from bot.runtime import tracing
from bot.storage import marks, quiet, store
from bot.storage.database import Database, connect, url_of
from memory import tables as memory_tables
from remediation.ledger import tables
from tests.real.postgres import server

KINDS = ("sqlite", "postgresql")
_SHARED = "countersign_shared"
DECLARED = (
    tables.metadata,
    memory_tables.metadata,
    store.metadata,
    costs.metadata,
    tracing.metadata,
)
"""Every package's tables, as the code declares them."""
DECLARING = (habits, inbox, marks, quiet, unpaged)
"""Modules whose tables stand in `store.metadata`, once they are imported."""
_TABLES = [table.name for declared in DECLARED for table in declared.sorted_tables]
_NUMBERS = itertools.count(1)
_COMPILED: dict[str, tuple[Dialect, CompiledCacheType]] = {}


def on(*kinds: str) -> Callable[..., Iterator[Database]]:
    """Make a fixture: a fresh database of each kind, one test on each."""

    @pytest.fixture(params=kinds)
    def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
        with fresh(request.param, tmp_path) as made:
            yield made

    return database


@contextlib.contextmanager
def fresh(kind: str, folder: Path) -> Iterator[Database]:
    """Open a database that holds the schema and nothing else."""
    with empty(kind, folder, migrated=True) as url:
        database = connect(url)
        if kind == "sqlite":
            event.listen(database.engine, "connect", _trust_the_machine)
        _share_compiled(kind, database)
        try:
            yield database
        finally:
            database.close()


def _share_compiled(kind: str, database: Database) -> None:
    """Let all tests use what SQLAlchemy has compiled, which it keeps per engine."""
    if kind not in _COMPILED:
        with database.read():  # its dialect asks the server what it can, once
            _COMPILED[kind] = (database.engine.dialect, {})
    dialect, compiled = _COMPILED[kind]
    for engine in (database.engine, database._reads):
        engine.dialect = dialect
        engine.update_execution_options(compiled_cache=compiled)


def _trust_the_machine(connection: sqlite3.Connection, _record: object) -> None:
    # A test survives no power cut, so its commits need not either.
    connection.execute("PRAGMA synchronous=OFF")


@contextlib.contextmanager
def empty(kind: str, folder: Path, *, migrated: bool = False) -> Iterator[str]:
    """Yield the URL of a database without tables, or with all of them empty."""
    if kind == "sqlite":
        if migrated:
            shutil.copy(_sqlite_template(), folder / "countersign.db")
        yield url_of(None, folder)
        return
    if migrated:
        _empty_tables()
        yield url_of(_at(_SHARED), folder)
        return
    name = f"test_{next(_NUMBERS)}"
    _administer(f"CREATE DATABASE {name}")
    try:
        yield url_of(_at(name), folder)
    finally:
        _administer(f"DROP DATABASE {name} WITH (FORCE)")


def _empty_tables() -> None:
    """Take everything out: a tenth of the time that a new database needs."""
    with psycopg.connect(_at(_SHARED)) as link:
        for name in reversed(_TABLES):
            link.execute(f"DELETE FROM {name}".encode())
        link.execute("INSERT INTO audit_head VALUES (1, 0, repeat('0', 64))")


@functools.cache
def _server() -> str:
    """Start the one server of this test run, with a migrated database."""
    stack = contextlib.ExitStack()
    url = stack.enter_context(server())
    atexit.register(stack.close)
    with psycopg.connect(url, autocommit=True) as link:
        link.execute(f"CREATE DATABASE {_SHARED}")
    database = connect(url_of(url.rpartition("/")[0] + f"/{_SHARED}", Path()))
    migrations.migrate(database)
    database.close()
    return url


@functools.cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="countersign-db-"))
    atexit.register(shutil.rmtree, folder)
    database = connect(url_of(None, folder))
    migrations.migrate(database)
    database.close()
    return folder / "countersign.db"


def _at(name: str) -> str:
    return f"{_server().rpartition('/')[0]}/{name}"


def _administer(statement: str) -> None:
    with psycopg.connect(_server(), autocommit=True) as link:
        link.execute(statement.encode())
