"""The database: SQLite in the state folder, or PostgreSQL by DATABASE_URL."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_BUSY_MS = 5000
_WRITERS = 0x636F756E
"""The advisory lock that writers take in PostgreSQL, in all processes the same."""


_NO_URL = "DATABASE_URL is no database URL; it needs postgresql://…"


class BadDatabase(Exception):
    """The database cannot be used; the text says why and what to do."""


class Database:
    """Transactions. A writer is alone from its first statement on."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reads = engine.execution_options(countersign_read=True)
        # Writers of this process queue here: SQLite's own waiting is sleeping in
        # growing steps, which makes fifty clicks at once ten times slower.
        self._turn = threading.Lock()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that may change things; committed at the end, durable."""
        with self._turn, self.engine.begin() as tx:
            yield tx

    @contextmanager
    def erase(self) -> Iterator[Connection]:
        """Open a transaction as `write` does, in which what is deleted is overwritten.

        PostgreSQL's own vacuum does as much, in its time.
        """
        with self.write() as tx:
            if self.is_sqlite:
                tx.exec_driver_sql("PRAGMA secure_delete=ON")
            yield tx

    def empty_journal(self) -> None:
        """Let nothing that was deleted stand in SQLite's journal any more.

        Where somebody reads at length, that is put off to the next time.
        """
        if self.is_sqlite:
            with closing(self.engine.raw_connection()) as link:
                link.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file in the state folder."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a snapshot for reading; it blocks nobody."""
        with self._reads.begin() as tx:
            yield tx

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def url_of(database_url: str | None, state_dir: Path) -> str:
    """Return the SQLAlchemy URL for what was configured."""
    if database_url is None:
        return f"sqlite:///{state_dir / 'countersign.db'}"
    scheme, _, rest = database_url.partition("://")
    if scheme in ("postgres", "postgresql"):
        return f"postgresql+psycopg://{rest}"
    return database_url


def file_of(url: str) -> Path | None:
    """Return SQLite's file, None for a server; raise `BadDatabase` as `connect` does."""
    try:
        found = make_url(url)
    except ArgumentError as error:
        raise BadDatabase(_NO_URL) from error
    is_file = found.get_backend_name() == "sqlite"
    return Path(found.database or "") if is_file else None


def connect(url: str) -> Database:
    """Open the database; raise `BadDatabase` for a URL that cannot be meant."""
    try:
        return Database(_postgresql(url) if file_of(url) is None else _sqlite(url))
    except (ArgumentError, ModuleNotFoundError) as error:
        raise BadDatabase(_NO_URL) from error


def _postgresql(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=True)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # What BEGIN IMMEDIATE is to SQLite: writers that lock rows in different
        # orders would end in deadlocks, and read what another is changing.
        if not connection.get_execution_options().get("countersign_read", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")

    return engine


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's type
        # The driver must not begin transactions of its own (see on_begin).
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # IMMEDIATE: a writer waits for its turn at the start, where waiting is
        # possible, instead of failing in the middle where it is not.
        reads = connection.get_execution_options().get("countersign_read", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine
