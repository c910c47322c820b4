"""One instance per state folder: its name, its folder, its lock against a second start."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot import store
from bot.database import Database

_THE_BOT = 0x51676E
"""The advisory lock in PostgreSQL that says that a bot runs on the database."""


class BadState(Exception):
    """The state folder cannot be used; the text says why and what to do."""


class StateFolder:
    """The folder that holds everything the bot writes; exclusively held while open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: int | None = None

    def prepare(self) -> None:
        """Create it, readable for this user only; raise `BadState` if that fails."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self.path / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise BadState(
                f"the state folder {self.path} cannot be written ({error.strerror}). "
                "Set COUNTERSIGN_STATE_DIR to a folder that this user owns"
            ) from error

    def hold(self) -> None:
        """Keep every second instance out until `release` or the process ends."""
        self.prepare()
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            held = os.open(self.path / "lock", flags, 0o600)
        except OSError as error:
            raise BadState(
                f"the lock file in {self.path} cannot be opened ({error.strerror}). "
                "Give the folder and all in it to the user that Countersign runs as"
            ) from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(held)
            raise BadState(
                f"another Countersign runs on the state folder {self.path}. Stop it, "
                "or give this one a COUNTERSIGN_STATE_DIR of its own"
            ) from error
        self._held = held

    def release(self) -> None:
        """Let others in."""
        if self._held is not None:
            os.close(self._held)
            self._held = None


@contextmanager
def alone_in(database: Database) -> Iterator[None]:
    """Keep every second bot off a PostgreSQL database; raise `BadState` for it.

    Two bots on one database would post everything twice. SQLite needs nothing: its
    file lies in the state folder, which is held. The lock ends with the connection,
    so also when the bot is killed.
    """
    if database.engine.dialect.name != "postgresql":
        yield
        return
    options = {"isolation_level": "AUTOCOMMIT", "countersign_read": True}
    with database.engine.connect().execution_options(**options) as link:
        taken = link.exec_driver_sql(f"SELECT pg_try_advisory_lock({_THE_BOT})")
        if not taken.scalar():
            raise BadState(
                "another Countersign runs on this database (DATABASE_URL). Stop it, or "
                "give this one a database of its own"
            )
        yield


def instance_of(database: Database, host: str) -> str:
    """Return HOST~RANDOM of this database, chosen at the first start."""
    with database.write() as tx:
        known = store.recall(tx, "instance")
        if known is None:
            known = f"{host}~{secrets.token_hex(3)}"
            store.remember(tx, "instance", known)
    return known
