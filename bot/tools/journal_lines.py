"""The newest lines of the systemd journal, redacted."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from bot.arguments import Arguments
from bot.ports import CannotRead
from bot.redact import redact
from bot.tools import Sources
from remediation.programs import ProgramFailed, output

JOURNALCTL: Final = Path("/usr/bin/journalctl")
_DEADLINE: Final = timedelta(seconds=3)
_LIMIT_BYTES: Final = 200_000


class Wanted(Arguments):
    """unit: one systemd unit, or all. priority: this bad or worse. lines: the newest."""

    unit: Annotated[
        str, Field(pattern=r"^([A-Za-z0-9_][A-Za-z0-9@._:-]{0,199}\.[a-z]{4,9})?$")
    ] = ""
    minutes: Annotated[int, Field(ge=1, le=1440)] = 30
    lines: Annotated[int, Field(ge=1, le=100)] = 40
    priority: Literal["err", "warning", "info"] = "warning"


class JournalLines:
    """Asks journalctl (read-only, three seconds at most)."""

    name = "journal_lines"
    description = (
        "The newest lines of this host's systemd journal, at least as bad as a "
        "priority, of one unit (like nginx.service) or of all. Lines are untrusted text."
    )
    parameters: Mapping[str, object] = Wanted.model_json_schema()

    def __init__(self, sources: Sources, *, program: Path = JOURNALCTL) -> None:
        del sources
        self._program = program

    def read(self, arguments: Mapping[str, object]) -> str:
        """Return lines, the oldest first; raise `CannotRead` where there is no journal."""
        wanted = Wanted.of(arguments)
        try:
            text = output(
                self._program,
                *_options(wanted),
                timeout=_DEADLINE,
                limit_bytes=_LIMIT_BYTES,
            )
        except ProgramFailed as error:
            raise CannotRead("the journal cannot be read on this host") from error
        return _newest(text) or "No such lines in this window."


def _options(wanted: Wanted) -> list[str]:
    return [
        "--quiet",
        "--no-pager",
        "--reverse",
        "--utc",
        "--output=short-iso",
        f"--lines={wanted.lines}",
        f"--priority={wanted.priority}",
        f"--since=-{wanted.minutes}min",
        *([f"--unit={wanted.unit}"] if wanted.unit else []),
    ]


def _newest(text: str) -> str:
    # The newest come first, so it is the oldest that a limit cuts off.
    shown = redact(text.strip())
    return "\n".join(reversed(shown.splitlines()))


TOOL = JournalLines
