"""What the systemd journal says: its newest lines, redacted, read by journalctl."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from bot.redact import redact_lines, visible
from remediation.programs import ProgramFailed, output

JOURNALCTL: Final = Path("/usr/bin/journalctl")
_DEADLINE: Final = timedelta(seconds=3)
_LIMIT_BYTES: Final = 200_000
_LIMIT: Final = 4000
"""Characters that are returned; redacted is more, so that no secret is cut in two."""
_OLDER: Final = "… (older lines cut)"


class NoJournal(Exception):
    """The journal cannot be read on this host."""


def newest(*wanted: str, lines: int, program: Path = JOURNALCTL) -> Sequence[str]:
    """Return the newest lines that match, the oldest first; raise `NoJournal`.

    wanted: options and matches of journalctl(1), made by us. Takes 3 s at most.
    """
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
    # Redacted in the order of reading: a secret may stand below what announces it.
    shown, _ = redact_lines(visible("\n".join(_oldest_first(text))))
    return _newest_that_fit(shown.split("\n")) if shown.strip() else []


def _oldest_first(text: str) -> Iterator[str]:
    """Yield the lines of journalctl's `--reverse`: entries turn round, their lines do not.

    The newest come first there, so it is the oldest that a limit cuts off.
    """
    entries: list[list[str]] = []
    for line in text.strip("\n").split("\n"):
        if entries and line[:1].isspace():
            entries[-1].append(line)
        else:
            entries.append([line])
    for entry in reversed(entries):
        yield from entry


def _newest_that_fit(lines: Sequence[str]) -> Sequence[str]:
    left, kept = _LIMIT - len(_OLDER) - 1, list[str]()
    for line in reversed(lines):
        if len(line) >= left:
            cut_off = [line[:left]] if not kept else []
            return [_OLDER, *cut_off, *reversed(kept)]
        left -= len(line) + 1
        kept.append(line)
    return list(reversed(kept))


def of_invocation(invocation: str, *, lines: int) -> Sequence[str]:
    """Return what one start of a service wrote, and what systemd wrote about it."""
    own = f"_SYSTEMD_INVOCATION_ID={invocation}"
    return newest(own, "+", f"INVOCATION_ID={invocation}", lines=lines)
