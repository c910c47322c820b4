"""The files of a runbook folder, opened so that no file can hang or lead elsewhere."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.runbooks.page import MAX_BYTES, Parsed, parse, unusable
from bot.runbooks.problem import Problem, Unusable
from remediation.printable import printable

NOT_PAGES = frozenset({"readme.md", "policy.md"})
"""Files of the folder that are no runbooks: how to write one, and the written policy."""

MAX_ENTRIES = 20_000
_READS = 3

Look = tuple[int, ...]
"""What changes when a file does: device, inode, size, both times in nanoseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file that wants to be a runbook: where it really is, and how it looked.

    why_not: the reason it is not read, where there is one.
    """

    path: Path
    real: Path
    look: Look
    why_not: Unusable | None = None

    @property
    def shown(self) -> str:
        """Its path for a log line or a person: one line of printable ASCII."""
        return printable(str(self.path), limit=300)

    @property
    def size(self) -> int:
        """How many bytes it had."""
        return self.look[2] if self.look else 0


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the folder's `*.md`, by name; a folder that is missing has none.

    Hidden files and editors' copies (`.x.md.swp`, `x.md~`, `.#x.md`) are no runbooks.
    """
    try:
        home = folder.resolve(strict=True)
        names = sorted(path.name for path in home.iterdir())
    except (OSError, RuntimeError):
        return
    wanted = [name for name in names if _is_page(name)]
    for name in wanted[:MAX_ENTRIES]:
        yield _entry(folder / name, home)
    if wanted[MAX_ENTRIES:]:
        path = folder / wanted[MAX_ENTRIES]
        what = f"it and {len(wanted) - MAX_ENTRIES - 1} after it are not looked at"
        mend = f"keep at most {MAX_ENTRIES} files in a folder"
        yield Entry(path=path, real=path, look=(), why_not=Unusable(what, mend))


def missing(folder: Path) -> Problem | None:
    """Return the problem of a folder that cannot be listed, None for a sound one."""
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        return Problem(
            file=printable(str(folder), limit=300),
            line=1,
            what=f"the folder cannot be read ({error.strerror})",
            mend="create it, or correct the name in the configuration",
        )
    return None


def load(entry: Entry) -> Parsed:
    """Read and parse one file; what is wrong stands in the answer. Never raises."""
    try:
        if entry.why_not is not None:
            raise entry.why_not
        return parse(_whole(entry), path=entry.path, shown=entry.shown)
    except Unusable as why:
        return Parsed(page=None, problems=(unusable(entry.shown, why),))


def _is_page(name: str) -> bool:
    lower = name.lower()
    return lower.endswith(".md") and name[0] not in ".#~" and lower not in NOT_PAGES


def _entry(path: Path, home: Path) -> Entry:
    try:
        real = path.resolve(strict=True)
        found = real.lstat()
    except (OSError, RuntimeError):
        why = Unusable("it leads nowhere", "delete the link, or correct it")
        return Entry(path=path, real=path, look=(), why_not=why)
    return Entry(
        path=path, real=real, look=_look(found), why_not=_why_not(real, home, found)
    )


def _why_not(real: Path, home: Path, found: os.stat_result) -> Unusable | None:
    if not real.is_relative_to(home):
        return Unusable("a link out of the folder", "copy the file into the folder")
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        return Unusable(f"it is {kind}", "rename or remove it")
    if found.st_size > MAX_BYTES:
        return Unusable("the file is over 256 KB", "split it; a page is read at 3 a.m.")
    return None


def _look(found: os.stat_result) -> Look:
    times = found.st_mtime_ns, found.st_ctime_ns
    return (found.st_dev, found.st_ino, found.st_size, *times)


def _whole(entry: Entry) -> bytes:
    """Return the bytes of one state of the file: it did not change while it was read."""
    for _ in range(_READS):
        try:
            raw, steady = _once(entry.real)
        except OSError as error:
            reason = error.strerror or "unreadable"
            raise Unusable(
                f"it cannot be read ({reason})", "let the bot's user read it"
            ) from error
        if steady:
            return raw
    raise Unusable("it changed while it was read", "nothing; it is read again")


def _once(real: Path) -> tuple[bytes, bool]:
    # Non-blocking, so that a pipe that took the file's place cannot hold us.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    descriptor = os.open(real, flags)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise Unusable("it is no regular file", "rename or remove it")
        raw = file.read(MAX_BYTES + 1) or b""
        return raw, _look(before) == _look(os.fstat(descriptor))


def written(folder: Path, name: str) -> str:
    """Return a file's text, read as carefully as a runbook; "" where it cannot be."""
    try:
        entry = _entry(folder / name, folder.resolve(strict=True))
        raw = b"" if entry.why_not else _whole(entry)
    except (OSError, RuntimeError, Unusable):
        return ""
    return raw.decode(errors="replace")
