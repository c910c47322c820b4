"""One command as it was given, and how its words are read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.config.durations import parse_duration
from bot.person import Person
from bot.text.redact import fit_to_keep
from remediation.ledger.decision import NotDecided
from remediation.printable import printable

PROPOSAL = re.compile(r"(\d{1,9})([a-z]{0,3})")
"""`12` or `12b`."""
TARGET = re.compile(r"([A-Za-z0-9][A-Za-z0-9.-]{0,62}):(\d{1,7})")
"""`HOST:PID`."""
MENTIONED = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
"""A person, as Slack writes them into a command."""
_LINK = re.compile(r"<(https?://[^|>\s]+)(?:\|[^>]*)?>")
_CODE = re.compile("^`([^`]*)`")
_MEANT = (
    *(
        ("\N{LEFT DOUBLE QUOTATION MARK}", '"'),
        ("\N{RIGHT DOUBLE QUOTATION MARK}", '"'),
    ),
    *(
        ("\N{LEFT SINGLE QUOTATION MARK}", "'"),
        ("\N{RIGHT SINGLE QUOTATION MARK}", "'"),
    ),
    *(("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")),
)
_SPAN = re.compile(r"\d+(\.\d+)?[smhd]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command: its words, who says it, and how a dialog can be opened for them."""

    verb: str
    words: tuple[str, ...]
    who: Person
    channel: str
    team_id: str
    open_dialog: Callable[[dict[str, object]], None] | None

    @property
    def rest(self) -> str:
        """Everything behind the first argument, fit to be kept."""
        return fit_to_keep(" ".join(self.words[1:]), limit=300)

    @property
    def said(self) -> str:
        """Everything behind the verb, harmless and short."""
        return printable(" ".join(self.words), limit=300)

    @property
    def typed(self) -> tuple[str, ...]:
        """Everything behind the verb as the person typed it, for what reads code.

        Slack makes links of addresses, telephones make quotes round, people mark code.
        """
        text = _LINK.sub(r"\1", " ".join(self.words))
        for written, meant in _MEANT:
            text = text.replace(written, meant)
        return tuple(_CODE.sub(r"\1", text).split())


def first(request: Request, otherwise: str) -> str:
    """Return the first argument; raise `NotDecided` with `otherwise` without one."""
    if not request.words:
        raise NotDecided(otherwise)
    return printable(request.words[0], limit=200)


def number(request: Request) -> int:
    """Return the incident that is named; raise `NotDecided`."""
    found = PROPOSAL.fullmatch(first(request, "say which incident: 12"))
    if found is None:
        raise NotDecided("an incident is named by its number, like 12")
    return int(found[1])


def lettered(request: Request) -> tuple[int, str]:
    """Return incident and letter of the proposal that is named; raise `NotDecided`."""
    found = PROPOSAL.fullmatch(first(request, "say which: 12b").lower())
    if found is None:
        raise NotDecided("a proposal is named like 12b")
    return int(found[1]), found[2]


def is_span(word: str) -> bool:
    """Say whether the word is a duration."""
    return _SPAN.fullmatch(word) is not None


def span(words: tuple[str, ...], default: str) -> timedelta:
    """Return the first word as a duration; raise `NotDecided`."""
    try:
        return parse_duration(words[0] if words else default)
    except ValueError as error:
        raise NotDecided(str(error)) from error
