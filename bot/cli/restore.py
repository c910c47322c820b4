"""`countersign restore`: put a checked copy in the database's place, while no bot runs.

The copy is made ready beside the database: nothing is replaced before every page, the
schema and the chain were checked and its open proposals have ended. Then one rename does
it, and the database before is kept.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from bot import migrations
from bot.cli.command import BadRequest, check_user, opened, telling, who
from bot.config.environment import Environment
from bot.keeping.copies import BadCopy, Contents, look, sync
from bot.keeping.restored import Replaced, make_safe, replaced
from bot.runtime.clock import SystemClock
from bot.storage.database import BadDatabase, connect, file_of, url_of
from bot.storage.instance import StateFolder, alone_in
from bot.wiring.knowledge import index_folder
from memory.index import discard

_POSTGRESQL = (
    "the database is PostgreSQL (DATABASE_URL), whose own tool puts a copy back: "
    "pg_restore --clean --if-exists --single-transaction "
    '--dbname="$DATABASE_URL" {file} while no bot runs, and then `countersign restore '
    "--by-hand`, which ends the approvals in it"
)
_BESIDE = ("-wal", "-shm")


def run(target: str) -> int:
    """Check the copy, make it safe, replace the database; 0 well, 2 nothing replaced."""
    environment = Environment.read(os.environ)
    with telling("restore") as told:
        there = _place(environment, target)
        with _alone(environment), _ready(Path(target), there) as work:
            before = _replaced(there)
            ended, found = _make_safe(work, before, target)
            kept = _swap(work, there)
            discard(index_folder(environment))
            _say(found, ended)
            print(f"before   {kept or 'there was no database'}")
    return told.code


def by_hand() -> int:
    """End what is open in a database that another tool put back."""
    environment = Environment.read(os.environ)
    with (
        telling("restore") as told,
        _alone(environment),
        opened(environment) as database,
        alone_in(database),
        database.write() as tx,
    ):
        why = f"by another tool, as {who()} says"
        ended = make_safe(tx, Replaced(), why=why, now=SystemClock().now())
        print(f"open proposals that ended: {ended}")
    return told.code


def _place(environment: Environment, target: str) -> Path:
    """Return where the database lies, or is to lie."""
    there = file_of(url_of(environment.database_url, environment.state_dir))
    if there is None:
        raise BadRequest(_POSTGRESQL.format(file=target))
    file = Path(target)
    if not file.is_file():
        raise BadRequest(f"there is no file {file}. Name one that `backup` made")
    if there.exists() and there.samefile(file):
        raise BadRequest(f"{file} is the database itself, so there is nothing to do")
    return there


@contextmanager
def _alone(environment: Environment) -> Iterator[None]:
    check_user(environment)
    folder = StateFolder(environment.state_dir)
    folder.hold()
    try:
        yield
    finally:
        folder.release()


@contextmanager
def _ready(file: Path, there: Path) -> Iterator[Path]:
    """Yield a checked copy beside the database; it never stays under this name."""
    work = there.with_name("restoring.db")
    parts = [work.with_name(work.name + end) for end in ("", *_BESIDE)]
    try:
        for part in parts:
            part.unlink(missing_ok=True)
        shutil.copyfile(file, work)
        work.chmod(0o600)
        journal = file.with_name(f"{file.name}-wal")
        if journal.is_file():
            # A file that was copied by hand may need it.
            shutil.copyfile(journal, parts[1])
        look(work)
        yield work
    except BadCopy as why:
        raise BadRequest(f"nothing was replaced: {file} is no use, {why}") from why
    except OSError as error:
        name = error.filename or there.parent
        raise BadRequest(f"nothing was replaced: {name}: {error.strerror}") from error
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _replaced(there: Path) -> Replaced:
    """Read what stays true of the database that is replaced, as far as it can be read."""
    if not there.exists():
        return Replaced()
    try:
        with closing(connect(f"sqlite:///{there}")) as old, old.read() as tx:
            return replaced(tx)
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        print(f"the database before cannot be read ({reason}): if the bot was locked,")
        print("lock it again; numbers of incidents since the copy may be given again")
        return Replaced()


def _make_safe(work: Path, before: Replaced, target: str) -> tuple[int, Contents]:
    """Bring the copy up to date, end what is open in it, and look at it once more."""
    found = look(work)
    why = (
        f"from {Path(target).name}, whose last event is of {found.last_at}, by {who()}"
    )
    with closing(connect(f"sqlite:///{work}")) as database:
        try:
            migrations.migrate(database)
            with database.write() as tx:
                ended = make_safe(tx, before, why=why, now=SystemClock().now())
        except SQLAlchemyError as error:
            reason = str(error).splitlines()[0]
            raise BadDatabase(f"nothing was replaced: {reason}") from error
    sync(work)
    return ended, look(work)


def _swap(work: Path, there: Path) -> Path | None:
    """Give the copy the database's name; return the name that the one before has now."""
    kept = None
    if there.exists():
        # Its second name first: at every instant there is a whole database.
        kept = _free_name(there)
        kept.hardlink_to(there)
        for end in _BESIDE:
            part = there.with_name(there.name + end)
            if part.exists():
                # What could not be read keeps its journal, to be looked into later.
                part.rename(f"{kept}{end}")
    work.replace(there)
    sync(there.parent)
    return kept


def _free_name(there: Path) -> Path:
    """Return a name of this second that nothing has yet: two restores fit into one."""
    stamp = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    first = there.with_name(f"{there.name}.before-restore-{stamp}")
    more = (first.with_name(f"{first.name}-{number}") for number in count(2))
    return next(name for name in chain([first], more) if not name.exists())


def _say(found: Contents, ended: int) -> None:
    print(f"restored {found.told}")
    print(f"checked  every page, and {found.events} events of the ledger")
    print(f"ended    {ended} open proposals: what was approved then is not done now")
    print(f"head     {found.head.seq}:{found.head.hash}")
