"""`countersign backup`: a checked copy of the database, made while the bot runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.cli.command import BadRequest, sqlite_file, telling
from bot.config.environment import Environment
from bot.keeping.copies import BadCopy, copy, look, sync
from bot.text.words import amount

_POSTGRESQL = (
    "the database is PostgreSQL (DATABASE_URL), whose own tool makes the copy: "
    'pg_dump --format=custom --file={file} "$DATABASE_URL"'
)


def run(target: str) -> int:
    """Copy, check, and only then give the file its name; 0 well, 2 not made."""
    environment = Environment.read(os.environ)
    with telling("backup") as told:
        source = sqlite_file(environment)
        if source is None:
            raise BadRequest(_POSTGRESQL.format(file=target))
        file = Path(target)
        with _unnamed(file) as work:
            try:
                copy(source, work, _Progress())
                found = look(work)
            except BadCopy as why:
                raise BadRequest(f"no backup was made: {why}") from why
            _name(work, file)
        size = amount(file.stat().st_size, "B")
        print(f"{file}: {size}, {found.told}")
        print(f"checked: every page, and {found.events} events of the ledger")
        print(f"head     {found.head.seq}:{found.head.hash}")
    return told.code


@contextmanager
def _unnamed(file: Path) -> Iterator[Path]:
    """Yield a file near the one that is wanted, for its owner only; it never stays."""
    if os.path.lexists(file):
        raise _taken(file)
    try:
        # A folder of its own, for what SQLite puts beside a file too.
        with TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
            work = Path(folder) / "copy.db"
            work.touch(mode=0o600)
            yield work
    except OSError as error:
        raise BadRequest(
            f"no backup was made: {file.parent} cannot be written ({error.strerror}). "
            "Give a file in another folder"
        ) from error


def _name(work: Path, file: Path) -> None:
    try:
        # Unlike a rename it takes nobody's place.
        file.hardlink_to(work)
    except FileExistsError as error:
        raise _taken(file) from error
    sync(file.parent)


def _taken(file: Path) -> BadRequest:
    return BadRequest(
        f"{file} is there already, and a backup overwrites nothing. Give another name"
    )


class _Progress:
    """Says each tenth of a copy."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth > self._said:
            self._said = tenth
            print(f"copied {10 * tenth} %", flush=True)
