"""What the commands beside a running bot share: the database, and how they end.

A command that cannot do its work says so in a sentence on the error stream and ends with
2; nobody sees a traceback.
"""

import getpass
import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from bot.config.environment import Environment
from bot.config.yamlfile import BadConfiguration
from bot.storage.database import BadDatabase, Database, file_of, url_of
from bot.storage.instance import BadState, StateFolder
from bot.wiring.parts import database_of

_BY_SIGINT = 130
_BY_SIGPIPE = 141


class BadRequest(Exception):
    """Nothing was done; the text says why and what to do."""


class Told:
    """The exit code: 0 unless something was refused."""

    code = 0

    def __init__(self, verb: str) -> None:
        self._verb = verb

    def bad(self, words: str, code: int = 2) -> None:
        """Say on the error stream what is wrong, and end with this code."""
        sys.stderr.write(f"countersign {self._verb}: {words}\n")
        self.code = code


@contextmanager
def telling(verb: str) -> Iterator[Told]:
    """Turn what can go wrong within into a sentence and an exit code."""
    told = Told(verb)
    try:
        yield told
        sys.stdout.flush()
    except (BadRequest, BadConfiguration, BadDatabase, BadState) as error:
        told.bad(str(error))
    except SQLAlchemyError as error:
        told.bad(f"the database cannot be used: {str(error).splitlines()[0]}")
    except BrokenPipeError:
        # Whoever read has gone, which is no fault: `| head`. Nothing is flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        told.code = _BY_SIGPIPE
    except KeyboardInterrupt:
        told.bad("stopped. What was under way was undone", _BY_SIGINT)


@contextmanager
def opened(environment: Environment) -> Iterator[Database]:
    """Open the database of this installation; raise `BadRequest` where there is none."""
    sqlite_file(environment)
    database = database_of(environment)
    try:
        yield database
    finally:
        database.close()


def sqlite_file(environment: Environment) -> Path | None:
    """Return the database's file; None for PostgreSQL. Raise `BadRequest` without one."""
    file = file_of(url_of(environment.database_url, environment.state_dir))
    if file is not None and not file.is_file():
        raise BadRequest(f"there is no database {file}; set COUNTERSIGN_STATE_DIR")
    return file


def check_user(environment: Environment) -> None:
    """Raise `BadRequest` for root where the state folder is another user's.

    What root leaves there the bot could not open any more.
    """
    folder = environment.state_dir
    owner = folder.stat().st_uid if folder.exists() else 0
    if os.geteuid() == 0 and owner != 0:
        raise BadRequest(
            f"{folder} belongs to {_user(owner)}, who could not open what root leaves "
            f"there. Run this as that user: runuser -u {_user(owner)} -- …"
        )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def who() -> str:
    """Return whose command this is, for the ledger."""
    return f"{getpass.getuser()} on this host"[:40]


def bot_runs(environment: Environment) -> bool:
    """Say whether a bot runs on the state folder."""
    folder = StateFolder(environment.state_dir)
    try:
        folder.hold()
    except BadState:
        return True
    folder.release()
    return False
