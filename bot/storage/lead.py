"""Who of several bots on one database leads: detects, sweeps and posts. All of them decide.

On SQLite there is one bot, and nothing here runs (`Alone`). On PostgreSQL (`Shared`) whoever
holds an advisory lock leads. The lock belongs to a session of its own, which PostgreSQL ends
with its bot, and also when the bot was silent for four seconds, because it is stopped or
cut off. Whoever takes the lock writes a row with the number of its term; every transaction
of a leader reads that row first, so a leader that wakes up later writes nothing more.
"""

import logging
import os
import secrets
import socket
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from pydantic import TypeAdapter
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bot.ports import Clock
from bot.storage import store
from bot.storage.database import BadDatabase, Database, NotLeading

log = logging.getLogger(__name__)

EVERY: Final = 1.0
"""Seconds between two beats: the leader gives a sign of life, the others try the lock."""
_TRUSTED: Final = 3.0
"""Seconds after the database's last answer for which a leader takes itself for one."""
_SILENT_MS: Final = 4000
"""After so much silence PostgreSQL ends the session, and with it the lead."""
_OLDEST: Final = (14,)
"""The first PostgreSQL that ends silent sessions."""
_HANGS: Final = 12.0
"""Seconds after which a beat has no answer to wait for: a writer that stands still holds
the others up for ten."""
LEADS: Final = 0x51676E
"""The advisory lock of the leader; earlier releases held it to be the only bot."""
_PRESENT: Final = 0x51676F
"""The first half of the advisory lock that each bot holds while it is there."""
_KEY: Final = "leader"
_IS_HELD: Final = text(
    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
    "WHERE locktype = 'advisory' AND datname = current_database() AND granted "
    "AND classid = :first AND objid = :second"
)


class _StillThere(Exception):
    """The server has not yet ended this bot's session before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """Who leads, and since when. term: counts the leaders of this database.

    token: the leader's own, as two bots in containers may have one name.
    """

    name: str
    since: datetime
    term: int
    token: str = ""


_LEADERS: TypeAdapter[Leader] = TypeAdapter(Leader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How this bot stands among several. leader: the last that took the lead.

    was_me: whether that was this bot.
    """

    me: str
    leads: bool
    leader: Leader | None
    was_me: bool = False


class Leads(Protocol):
    """Whether this bot leads. database: for writers that must lead, else `NotLeading`.

    is_present: says whether the bot that the ledger names so is there; None where there
    is no other.
    """

    database: Database
    is_present: Callable[[str], bool] | None

    def leads(self) -> bool:
        """Say whether it leads, as far as it knows now; asks nobody."""

    def confirm(self) -> None:
        """Ask the database; raise `NotLeading`. Before whatever cannot be taken back."""

    def standing(self) -> Standing | None:
        """Return how it stands; None where there is no other."""

    def beat(self, take_up: Callable[[], None]) -> None:
        """Give a sign of life, or try to lead; `take_up` is called when it begins to."""

    def hangs(self) -> bool:
        """Say whether a beat waits in vain for the database."""

    def unhang(self) -> None:
        """End the connections for which such a beat waits; called by another thread."""

    def close(self) -> None:
        """Let go of the lead."""


class Alone:
    """The only bot on its database leads."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.is_present: Callable[[str], bool] | None = None

    def leads(self) -> bool:
        """Say yes."""
        return True

    def confirm(self) -> None:
        """Nobody else could lead."""

    def standing(self) -> None:
        """There is no other."""

    def beat(self, take_up: Callable[[], None]) -> None:
        """Nothing is to be won; the start took up what there is."""

    def hangs(self) -> bool:
        """Nothing is waited for."""
        return False

    def unhang(self) -> None:
        """Nothing is waited for."""

    def close(self) -> None:
        """Nothing is held."""


class Shared:
    """One of several bots. claimant: how the ledger names this process.

    `beat` is called by one thread, all else by any. Raises `BadDatabase` for a PostgreSQL
    that is too old.
    """

    def __init__(
        self, database: Database, clock: Clock, *, host: str, claimant: str
    ) -> None:
        self._shared = database
        self._clock = clock
        self._me = f"{host} ({socket.gethostname()}, pid {os.getpid()})"
        self._token = secrets.token_hex(8)
        self._claimant = claimant
        self._link: Connection | None = None
        self._row: str | None = None
        self._answered = 0.0
        self._began: float | None = None
        self._leader: Leader | None = None
        self.database = database.asking(self._check)
        self.is_present: Callable[[str], bool] | None = self._is_present
        require_new_enough(database)

    def leads(self) -> bool:
        """Say whether it leads: the session's end must not be passed unnoticed."""
        silent = self._clock.now().boot - self._answered
        return self._row is not None and silent < _TRUSTED

    def confirm(self) -> None:
        """Read the row of the term."""
        with self._shared.read() as tx:
            self._check(tx)

    def standing(self) -> Standing:
        """Return what was read last."""
        leader = self._leader
        return Standing(
            me=self._me,
            leads=self.leads(),
            leader=leader,
            was_me=leader is not None and leader.token == self._token,
        )

    def _is_present(self, claimant: str) -> bool:
        """Say whether a bot's session lives; one that is stopped has none any more."""
        with self._shared.read() as tx:
            asked = {"first": _PRESENT, "second": _half(claimant)}
            return bool(tx.execute(_IS_HELD, asked).scalar_one())

    def beat(self, take_up: Callable[[], None]) -> None:
        """Keep the session, and try to lead; a session that is lost ends the lead."""
        self._began = began = self._clock.now().boot
        try:
            link = self._link or self._connect()
            if self._row is None:
                self._try(link, take_up)
            else:
                self._check(link)
            self._answered = began
        except (DBAPIError, NotLeading, _StillThere) as error:
            self._lose(error)
        finally:
            self._began = None

    def hangs(self) -> bool:
        """Say whether a beat waits in vain for the database."""
        began = self._began
        return began is not None and self._clock.now().boot - began > _HANGS

    def unhang(self) -> None:
        """End all connections: whoever waits on another one waits in vain too."""
        if self.hangs():
            log.warning("lead.hangs: the database gives no answer; hanging up")
            self._shared.hang_up()

    def close(self) -> None:
        """Let another bot lead, and be absent."""
        link, self._link, self._row = self._link, None, None
        if link is not None:
            link.close()

    def _connect(self) -> Connection:
        self._link = link = self._shared.session()
        link.exec_driver_sql(f"SET idle_session_timeout = {_SILENT_MS}")
        half = _half(self._claimant)
        present = f"SELECT pg_try_advisory_lock({_PRESENT}, {half})"
        # Without its own lock it would be absent for the others while this session lives.
        if not link.exec_driver_sql(present).scalar():
            raise _StillThere("this bot's session before has not ended yet")
        return link

    def _try(self, link: Connection, take_up: Callable[[], None]) -> None:
        taken = link.exec_driver_sql(f"SELECT pg_try_advisory_lock({LEADS})").scalar()
        if not taken:
            self._follow()
            return
        now = self._clock.now()
        with self._shared.write() as tx:
            before = _read(tx)
            term = before.term + 1 if before else 1
            self._leader = Leader(
                name=self._me, since=now.wall, term=term, token=self._token
            )
            row = _LEADERS.dump_json(self._leader).decode()
            store.remember(tx, _KEY, row)
        # After the row: what the leader before was writing is written, or never will be.
        take_up()
        self._row, self._answered = row, now.boot
        log.warning("lead.taken term=%d before=%r", term, before and before.name)

    def _follow(self) -> None:
        with self._shared.read() as tx:
            found = _read(tx)
        if found != self._leader and found is not None:
            log.info("lead.follows leader=%r since=%s", found.name, found.since)
        self._leader = found

    def _lose(self, error: Exception) -> None:
        why = str(getattr(error, "orig", error)).partition("\n")[0]
        was = self._row is not None
        level = logging.WARNING if was else logging.INFO
        why = why or type(error).__name__
        log.log(level, "lead.lost leads=%s why=%r", was, why)
        link, self._link, self._row = self._link, None, None
        if link is not None:
            link.invalidate()
            link.close()

    def _check(self, tx: Connection) -> None:
        if self._row is None or store.recall(tx, _KEY) != self._row:
            raise NotLeading("another bot leads")


def require_new_enough(database: Database) -> None:
    """Raise `BadDatabase` for a PostgreSQL on which two bots could both lead.

    It has been asked something before: only then its version is known.
    """
    dialect = database.engine.dialect
    version = dialect.server_version_info or _OLDEST
    if dialect.name == "postgresql" and version < _OLDEST:
        raise BadDatabase(
            f"DATABASE_URL leads to PostgreSQL {version[0]}; two bots could not be "
            f"told apart there. Use {_OLDEST[0]} or newer"
        )


def _read(tx: Connection) -> Leader | None:
    row = store.recall(tx, _KEY)
    return None if row is None else _LEADERS.validate_json(row)


def _half(claimant: str) -> int:
    """Return the second half of a bot's own lock: 31 bits of its name."""
    return zlib.crc32(claimant.encode()) & 0x7FFFFFFF
