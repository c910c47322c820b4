"""A SQLite database as a file: copied while it is used, looked at before it is trusted."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, NullPool, create_engine, func, select
from sqlalchemy.exc import DBAPIError

from bot import migrations
from bot.model import Phase
from bot.storage import store
from remediation.ledger import audit
from remediation.ledger.audit import Head
from remediation.ledger.tables import events

Progress = Callable[[int, int], None]
"""Is called with how many pages were copied, and of how many."""

_MAGIC: Final = b"SQLite format 3\x00"
_PAGES: Final = 256
"""Pages in one step, a megabyte: between two of them an interruption is noticed."""


class BadCopy(Exception):
    """The file cannot be trusted, or not be made; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a database holds, all of it checked. last_at: of the newest event, as text."""

    incidents: int
    open: int
    events: int
    head: Head
    last_at: str

    @property
    def told(self) -> str:
        """How many incidents it has, in words."""
        s = "" if self.incidents == 1 else "s"
        return f"{self.incidents} incident{s} ({self.open} open)"


def copy(source: Path, target: Path, progress: Progress) -> None:
    """Write a copy of one instant while others write; durable at the return.

    Raises `BadCopy`; then what is in `target` is worth nothing.
    """
    uri = f"{source.absolute().as_uri()}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as there,
            closing(sqlite3.connect(target)) as here,
        ):
            # One snapshot for all steps: without it every write would begin them anew.
            there.execute("BEGIN")
            there.execute("SELECT 1 FROM sqlite_master").fetchone()
            there.backup(
                here,
                pages=_PAGES,
                progress=lambda _, left, total: progress(total - left, total),
            )
            # A copy is one file, with no journal beside it.
            here.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise BadCopy(_reason(error)) from error
    sync(target)


def look(file: Path) -> Contents:
    """Check all pages, the schema and the chain; raise `BadCopy` or `BadDatabase`.

    The file is only read, whatever its schema.
    """
    with file.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise BadCopy("it is no SQLite database")
    engine = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(file), poolclass=NullPool
    )
    try:
        with engine.connect() as tx:
            return _contents(tx)
    except DBAPIError as error:
        raise BadCopy(_reason(error.orig)) from error
    finally:
        engine.dispose()


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    held = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def _contents(tx: Connection) -> Contents:
    found = tx.exec_driver_sql("PRAGMA integrity_check").scalar()
    if found != "ok":
        raise BadCopy(f"it is damaged: {found}")
    if migrations.revision(tx) is None:
        raise BadCopy("it is a SQLite database, but none of Countersign's")
    report = audit.verify(tx)
    if report.fault is not None:
        raise BadCopy(f"its ledger is broken: {report.fault}")
    rows = store.incidents.c
    unresolved = select(func.count()).where(rows.phase != Phase.RESOLVED)
    newest = select(events.c.at).where(events.c.seq == report.head.seq)
    return Contents(
        incidents=tx.execute(select(func.count(rows.number))).scalar_one(),
        open=tx.execute(unresolved).scalar_one(),
        events=report.rows,
        head=report.head,
        last_at=(tx.execute(newest).scalar() or "")[:19],
    )


def _reason(error: BaseException | None) -> str:
    # The driver's own errors have no name.
    if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
        return "the disk is full"
    return str(error).partition("\n")[0]
