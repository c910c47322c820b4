"""The database: SQLite in the state folder, or PostgreSQL by DATABASE_URL."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol
from weakref import WeakSet

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError

_BUSY_MS = 5000
_WRITERS = 0x636F756E
"""The advisory lock that writers take in PostgreSQL, in all processes the same."""
_STOPPED_MS = 10_000
"""After so long PostgreSQL undoes what a bot began that stands still in the middle: it
would keep all other writers out."""
_SESSION: Final = {
    "connect_timeout": 3,
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 3000,
}
"""How soon a server that is gone is noticed (libpq's words)."""


_NO_URL = "DATABASE_URL is no database URL; it needs postgresql://…"


class BadDatabase(Exception):
    """The database cannot be used; the text says why and what to do."""


class NotLeading(Exception):
    """Another bot leads by now, or nobody: what the leader does is not for this one."""


class Database:
    """Transactions. A writer is alone from its first statement on.

    first: asked in each writer's transaction before all else; what it raises ends it.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        first: Callable[[Connection], None] | None = None,
        turn: AbstractContextManager[bool] | None = None,
        links: "_Links | None" = None,
    ) -> None:
        self.engine = engine
        self._links = links or _Links(engine)
        self._reads = engine.execution_options(countersign_read=True)
        self._first = first
        # Writers of this process queue here: SQLite's own waiting is sleeping in
        # growing steps, which makes fifty clicks at once ten times slower.
        self._turn: AbstractContextManager[bool] = turn or threading.Lock()

    def asking(self, first: Callable[[Connection], None]) -> "Database":
        """Return the same database for writers that must ask first."""
        return Database(self.engine, first=first, turn=self._turn, links=self._links)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that may change things; committed at the end, durable."""
        with self._turn, self.engine.begin() as tx:
            if self._first is not None:
                self._first(tx)
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

    def session(self) -> Connection:
        """Open a connection of its own, which commits each statement; close it yourself."""
        engine = create_engine(
            self.engine.url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args=_SESSION,
        )
        self._links.watch(engine)
        return engine.connect()

    def hang_up(self) -> None:
        """End every connection to the server, from any thread.

        Who waits for an answer gets an error, also where the path takes what is sent
        and never answers, which no limit of libpq's notices. What was begun is undone.
        """
        self._links.hang_up(self.engine.dialect.loaded_dbapi.Error)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


class _Link(Protocol):
    """A connection of psycopg's."""

    @property
    def closed(self) -> bool:
        """Whether it is ended."""

    def fileno(self) -> int:
        """Return its socket's number."""


class _Links:
    """The connections to a server; none to a file."""

    def __init__(self, engine: Engine) -> None:
        self._guard = threading.Lock()
        self._known = WeakSet[_Link]()
        self.watch(engine)

    def watch(self, engine: Engine) -> None:
        """Know the connections of an engine too."""
        if engine.dialect.name != "sqlite":
            # First of all: SQLAlchemy's own first questions may hang as well.
            event.listen(engine, "connect", self._opened, insert=True)

    def hang_up(self, lost: type[Exception]) -> None:
        """Shut the socket of each. lost: what the driver raises for one that is gone."""
        with self._guard:
            known = list(self._known)
        for link in known:
            with suppress(OSError, lost):
                _shut(link)

    def _opened(self, link: _Link, _record: object) -> None:
        with self._guard:
            self._known.add(link)


def _shut(link: _Link) -> None:
    number = _number(link)
    if number is None:
        return
    with socket.socket(fileno=os.dup(number)) as same:
        # The number may have passed to another socket before it was copied.
        if _number(link) == number:
            same.shutdown(socket.SHUT_RDWR)


def _number(link: _Link) -> int | None:
    return None if link.closed else link.fileno()


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
    given = make_url(url).query
    limits = {name: value for name, value in _SESSION.items() if name not in given}
    engine = create_engine(url, pool_pre_ping=True, connect_args=limits)

    @event.listens_for(engine, "connect")
    def on_connect(connection: DBAPIConnection, _record: object) -> None:
        setting = f"idle_in_transaction_session_timeout = {_STOPPED_MS}"
        connection.cursor().execute(f"SET {setting}")
        connection.commit()

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
