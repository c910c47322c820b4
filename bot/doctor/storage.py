"""The ledger: can it be written, and is there room for it."""

import os
from collections.abc import Iterator
from contextlib import closing

from sqlalchemy.exc import SQLAlchemyError

from bot.config.environment import Environment
from bot.runtime.checkup import Finding, fail, fine, warn
from bot.storage.database import BadDatabase
from bot.storage.instance import BadState, StateFolder
from bot.storage.lead import require_new_enough
from bot.wiring import parts
from remediation.ledger import audit

_LOW_BYTES = 500_000_000


def checks(environment: Environment) -> Iterator[Finding]:
    """Look at the state folder, the disk and the database."""
    try:
        StateFolder(environment.state_dir).prepare()
    except BadState as error:
        yield fail("state folder", str(error))
        return
    yield _room(environment)
    yield _database(environment)


def _room(environment: Environment) -> Finding:
    disk = os.statvfs(environment.state_dir)
    free = disk.f_bavail * disk.f_frsize
    text = f"{environment.state_dir} has {free / 1e9:.1f} GB free"
    if free < _LOW_BYTES:
        return warn(
            "disk", f"{text}. When it is full no action can be approved; make room"
        )
    return fine("disk", text)


def _database(environment: Environment) -> Finding:
    try:
        with closing(parts.database_of(environment)) as database:
            with database.write() as tx:
                head = audit.serialize(tx)
            try:
                require_new_enough(database)
            except BadDatabase as error:
                return fail("database", str(error))
    except (BadDatabase, audit.ChainMissing, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        return fail(
            "database",
            f"it cannot be written ({reason}). Nothing is acted on without it; check "
            "DATABASE_URL or the state folder",
        )
    return fine("database", f"writable, {head.seq} events")
