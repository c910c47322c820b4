"""What the systemd journal says: its newest lines, redacted, read by journalctl."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from bot.redact import redact
from remediation.programs import ProgramFailed, output

JOURNALCTL: Final = Path("/usr/bin/journalctl")
_DEADLINE: Final = timedelta(seconds=3)
_LIMIT_BYTES: Final = 200_000


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
    # The newest come first, so it is the oldest that a limit cuts off.
    return list(reversed(redact(text.strip()).splitlines()))


def of_invocation(invocation: str, *, lines: int) -> Sequence[str]:
    """Return what one start of a service wrote, and what systemd wrote about it."""
    own = f"_SYSTEMD_INVOCATION_ID={invocation}"
    return newest(own, "+", f"INVOCATION_ID={invocation}", lines=lines)
