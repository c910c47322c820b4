"""One instance per state folder: its name, its folder, its lock against a second start."""

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.storage import store
from bot.storage.database import Database
from bot.storage.lead import LEADS

_SOMEBODY = "another Countersign"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


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
            mends = (
                "Its disk is full: make room there"
                if error.errno in _NO_ROOM
                else "Set COUNTERSIGN_STATE_DIR to a folder that this user owns"
            )
            raise BadState(
                f"the state folder {self.path} cannot be written ({error.strerror}). "
                f"{mends}"
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
            holder = os.read(held, 20).decode(errors="replace").strip()
            os.close(held)
            who = (
                f"another Countersign (pid {holder})" if holder.isdigit() else _SOMEBODY
            )
            raise BadState(
                f"{who} runs on the state folder {self.path}. Stop it, "
                "or give this one a COUNTERSIGN_STATE_DIR of its own"
            ) from error
        # For people only: the lock is the kernel's, and ends with its holder.
        with suppress(OSError):
            os.ftruncate(held, 0)
            os.write(held, f"{os.getpid()}\n".encode())
        self._held = held

    def release(self) -> None:
        """Let others in."""
        if self._held is not None:
            os.close(self._held)
            self._held = None


@contextmanager
def alone_in(database: Database) -> Iterator[None]:
    """Keep bots from leading on a PostgreSQL database; raise `BadState` where one does.

    For whoever changes it as a whole. SQLite needs nothing: its file lies in the state
    folder, which is held. The lock ends with the connection, so also with the process.
    """
    if database.engine.dialect.name != "postgresql":
        yield
        return
    with database.session() as link:
        taken = link.exec_driver_sql(f"SELECT pg_try_advisory_lock({LEADS})")
        if not taken.scalar():
            raise BadState(
                "a Countersign runs on this database (DATABASE_URL). Stop it, and any "
                "other that shares the database, then try again"
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
