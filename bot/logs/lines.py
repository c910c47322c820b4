"""What logs tell around an onset: the words that sources of logs share, and folding. Pure.

A log repeats itself. Lines that differ only in numbers, times, addresses and ids are one
kind of line here, with a count and its newest example.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from bot.text.redact import redact_lines, visible

ERRORS: Final = (
    r"(?i)(error|exception|traceback|fatal|panic|fail(s|ed|ure)\b|\bcrit(ical)?\b"
    r"|\bemerg|refused|denied|timed out|timeout|unable to|cannot|segfault|\bkilled\b"
    r"|abort|out of memory|no space left|too many)"
)
"""What an error line says, as Python and RE2 (Loki's language) both understand it."""
LONGEST_LINE: Final = 500
"""Characters of one entry that are looked at."""

_ERROR: Final = re.compile(ERRORS)
_CHANGING: Final = re.compile(
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])"
    r"|\b[0-9a-fA-F]{8,}\b"
    r"|\b\w*\d\w*"
)
# What a date, an address or a version is made of is one thing.
_RUN: Final = re.compile(r"#(?:[-.:,/+ ]?#)+")


class NoLogs(Exception):
    """The source has no answer; the text says why, fit for a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose lines, of which time. service: as the source names it."""

    host: str
    service: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One entry of a log; it may have several lines until it is cleaned."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What a source has, redacted, the oldest first. last: whatever they say."""

    errors: Sequence[LogLine]
    last: Sequence[LogLine]


class LogSource(Protocol):
    """Where the lines of services are kept."""

    @property
    def name(self) -> str:
        """What stands in a title."""

    def around(self, wanted: Wanted) -> Lines:
        """Return what was written then; raise `NoLogs`. It has a deadline of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Lines that say the same. count: of them. newest: the last of them."""

    count: int
    newest: LogLine


def is_error(line: LogLine) -> bool:
    """Say whether the line speaks of something that went wrong."""
    return _ERROR.search(line.text) is not None


def cleaned(entries: Sequence[LogLine]) -> list[LogLine]:
    """Return the entries as single lines without secrets and invisible characters.

    They are read in their order: a secret may stand below what announces it.
    """
    texts = [visible(_whole_words(entry.text)) for entry in entries]
    shown = iter(redact_lines("\n".join(texts))[0].split("\n"))
    parts = [[next(shown) for _ in text.split("\n")] for text in texts]
    return [
        replace(entry, text=" ".join(" ".join(part).split()))
        for entry, part in zip(entries, parts, strict=True)
    ]


def _whole_words(text: str) -> str:
    """Cut before a word: half a secret is recognised by nothing."""
    if len(text) <= LONGEST_LINE:
        return text
    return f"{text[:LONGEST_LINE].rpartition(' ')[0]} …"


def template(text: str) -> str:
    """Return what stays the same when a program says the same again.

    >>> template("worker 7 at 10.0.0.3:8080 died after 3.2s")
    'worker # at # died after #'
    """
    return _RUN.sub("#", _CHANGING.sub("#", text))


def folded(lines: Iterable[LogLine]) -> list[Kind]:
    """Return the kinds of lines, the one that was seen last at the end."""
    kinds: dict[str, Kind] = {}
    for line in sorted(lines, key=lambda line: line.at):
        key = template(line.text)
        before = kinds.pop(key, None)
        kinds[key] = Kind(count=before.count + 1 if before else 1, newest=line)
    return list(kinds.values())
