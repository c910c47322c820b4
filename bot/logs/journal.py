"""What the systemd journal says: its newest lines, redacted, read by journalctl."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.logs.lines import Lines, LogLine, NoLogs, Wanted, cleaned, is_error
from bot.text.redact import redact_lines, visible
from remediation.programs import ProgramFailed, output

JOURNALCTL: Final = Path("/usr/bin/journalctl")
_DEADLINE: Final = timedelta(seconds=3)
_LIMIT_BYTES: Final = 200_000
_LIMIT: Final = 4000
"""Characters that are returned; redacted is more, so that no secret is cut in two."""
_OLDER: Final = "… (older lines cut)"
_AROUND: Final = 300
_LAST: Final = 12
# The name of a unit; never an option, nor a pattern that takes in others.
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9@._:\\-]{0,199}")


class NoJournal(Exception):
    """The journal cannot be read on this host."""


def newest(*wanted: str, lines: int, program: Path = JOURNALCTL) -> Sequence[str]:
    """Return the newest lines that match, the oldest first; raise `NoJournal`.

    wanted: options and matches of journalctl(1), made by us. Takes 3 s at most.
    """
    # Redacted in the order of reading: a secret may stand below what announces it.
    entries = _entries(wanted, lines=lines, program=program)
    shown, _ = redact_lines(visible("\n".join(entries)))
    return _newest_that_fit(shown.split("\n")) if shown.strip() else []


class Journald:
    """Lines of this host's services; of one that wrote nothing lately, its last."""

    name = "Journal"

    def __init__(self, *, program: Path = JOURNALCTL) -> None:
        self._program = program

    def around(self, wanted: Wanted) -> Lines:
        """Return error lines and the last lines; raise `NoLogs`. Takes 6 s at most."""
        if not _NAME.fullmatch(wanted.service):
            raise NoLogs("this is not the name of a unit")
        unit = f"--unit={wanted.service}"
        since = f"--since=@{int(wanted.since.timestamp())}"
        try:
            entries = _entries((unit, since), lines=_AROUND, program=self._program)
            if not entries:
                entries = _entries((unit,), lines=_LAST, program=self._program)
        except NoJournal as missing:
            raise NoLogs(str(missing)) from missing
        lines = cleaned([found for e in entries if (found := _log_line(e))])
        return Lines(errors=[*filter(is_error, lines)], last=lines[-_LAST:])


def _entries(wanted: Sequence[str], *, lines: int, program: Path) -> Sequence[str]:
    """Return the newest entries as journalctl words them, the oldest first."""
    options = (
        "--quiet",
        "--no-pager",
        "--reverse",
        "--utc",
        "--output=short-iso",
        f"--lines={lines}",
        *wanted,
    )
    try:
        text = output(program, *options, timeout=_DEADLINE, limit_bytes=_LIMIT_BYTES)
    except ProgramFailed as error:
        raise NoJournal("the journal cannot be read on this host") from error
    entries = [*_oldest_first(text)] if text.strip() else []
    # The oldest was cut in the middle: half a secret has no shape to be known by.
    return entries[1:] if len(text.encode()) >= _LIMIT_BYTES else entries


def _oldest_first(text: str) -> Iterator[str]:
    """Yield the entries of journalctl's `--reverse`: they turn round, their lines do not.

    The newest come first there, so it is the oldest that a limit cuts off.
    """
    entries: list[list[str]] = []
    for line in text.strip("\n").split("\n"):
        if entries and line[:1].isspace():
            entries[-1].append(line)
        else:
            entries.append([line])
    return ("\n".join(entry) for entry in reversed(entries))


def _log_line(entry: str) -> LogLine | None:
    """Read `2026-11-21T22:01:07+0000 web-1 nginx[812]: words`; the host is known."""
    at, _, rest = entry.partition(" ")
    try:
        instant = datetime.fromisoformat(at).astimezone(UTC)
    except ValueError:
        return None  # where the limit of bytes cut an entry
    return LogLine(at=instant, text=rest.partition(" ")[2])


def _newest_that_fit(lines: Sequence[str]) -> Sequence[str]:
    left, kept = _LIMIT - len(_OLDER) - 1, list[str]()
    for line in reversed(lines):
        if len(line) >= left:
            cut_off = [line[:left]] if not kept else []
            return [_OLDER, *cut_off, *reversed(kept)]
        left -= len(line) + 1
        kept.append(line)
    return list(reversed(kept))
