"""The newest lines of the systemd journal, redacted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bot.llm.arguments import Arguments
from bot.logs.journal import JOURNALCTL, NoJournal, newest
from bot.ports import CannotRead
from bot.tools import Sources


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
            found = newest(*_options(wanted), lines=wanted.lines, program=self._program)
        except NoJournal as missing:
            raise CannotRead(str(missing)) from missing
        return "\n".join(found) or "No such lines in this window."


def _options(wanted: Wanted) -> list[str]:
    return [
        f"--priority={wanted.priority}",
        f"--since=-{wanted.minutes}min",
        *([f"--unit={wanted.unit}"] if wanted.unit else []),
    ]


TOOL = JournalLines
