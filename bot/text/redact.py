"""Free text made fit for a prompt: secrets taken out, what is invisible taken away.

Typed fields need none of this; it is for log lines, runbooks, notes and whatever else
people and programs write. It errs on the side of hiding. Pure, and linear in the
length that it looks at: every pattern is bounded or consumes what it scanned.
"""

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from bot.text.secret_shapes import shapes
from remediation.printable import printable

HIDDEN: Final = "[redacted]"
LONGEST: Final = 200_000
"""Characters that are looked at, at most; what lies beyond is never shown."""

_FOREIGN: Final = re.compile(r"[^\x00-\xff]")
_RUN: Final = re.compile(r"[A-Za-z0-9+/_=-]{16,}")
_PIECES: Final = re.compile(r"[/=-]+")
_LONG_HEX: Final = re.compile(r"[0-9a-fA-F]{20,}")
_KEPT_CONTROLS: Final = "\n"


def redact(text: str, *, limit: int = 4000) -> str:
    """Return the text without secrets and invisible characters, at most `limit` long.

    Line breaks stay; every other control, bidirectional, zero-width or unassigned
    character goes. What was cut off is said. Never raises.

    >>> redact("PGPASSWORD=hunter22 psql postgres://u:p@db/x")
    'PGPASSWORD=[redacted] psql postgres://[redacted]@db/x'
    """
    seen = min(LONGEST, 4 * limit)
    shown = _without_secrets(_folded(visible(_whole_words(text, seen))))
    if len(shown) <= limit and len(text) <= seen:
        return shown
    mark = "… (cut)"
    return shown[: max(limit - len(mark), 0)] + mark


def fit_to_keep(text: str, *, limit: int) -> str:
    """Return what a person wrote as it may be kept: one line, harmless, without secrets.

    The ledger and the thread forget nothing, so a password that somebody pastes into a
    reason must not arrive there.
    """
    one_line = " ".join(redact(text).split())
    return printable(one_line, limit=limit)


def redact_lines(text: str) -> tuple[str, tuple[int, ...]]:
    """Return a document without secrets, and on which lines (from 0) they began.

    It keeps its lines and is never cut; without a secret it stays as it is.
    """
    plain = _folded(visible(text))
    shown = _without_secrets(plain)
    pairs = zip(plain.split("\n"), shown.split("\n"), strict=True)
    begun = tuple(n for n, (a, b) in enumerate(pairs) if a != b and HIDDEN in b)
    return (shown, begun) if begun else (text, ())


def visible(text: str) -> str:
    """Return the text without what is invisible, reorders it or cannot be encoded."""
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category.startswith("M") else 0
        if character in _KEPT_CONTROLS or (category[0] not in "CZM"):
            kept.append(character)
        elif category in ("Zs", "Zl", "Zp", "Cc"):
            kept.append(" ")
        elif category.startswith("M") and marks <= 2:
            kept.append(character)
    return "".join(kept)


def _folded(text: str) -> str:
    """Return the text with letters and signs of double width in their plain form."""
    return _FOREIGN.sub(_plain, text)


def _plain(match: re.Match[str]) -> str:
    sign = unicodedata.normalize("NFKC", match[0])
    is_figure = unicodedata.category(match[0]) == "No"
    return sign if len(sign) == 1 and sign.isascii() and not is_figure else match[0]


def _without_secrets(text: str) -> str:
    """Hide what has the shape of a secret; the text has as many lines as before."""
    shown, lower = text, text.lower()
    for shape in shapes():
        if any(map(lower.__contains__, shape.needs)):
            shown = shape.pattern.sub(_hide, shown)
    return _RUN.sub(_hide_if_random, shown)


def _hide(match: re.Match[str]) -> str:
    kept: str = match[1] if match.re.groups else ""
    lines = match[0].count("\n", len(kept))
    return f"{kept}{HIDDEN}" + "\n" * lines


def _whole_words(text: str, limit: int) -> str:
    """Cut before a word: half a secret is recognised by nothing."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    last = max(head.rfind(" "), head.rfind("\n"))
    return head[: max(last, 0)]


def _hide_if_random(match: re.Match[str]) -> str:
    run = match[0]
    pieces = (piece for piece in _PIECES.split(run) if len(piece) >= 16)
    if any(map(_is_random, pieces)):
        return HIDDEN
    # Base64 with slashes: no piece of it may be long, the whole of it is.
    return HIDDEN if len(run) >= 32 and _is_dense(run) else run


def _is_random(piece: str) -> bool:
    """Say whether letters and digits alternate as in keys, and not as in words.

    Of hexadecimal digits most are figures, so by chance they may hardly alternate.
    """
    if _LONG_HEX.fullmatch(piece) and not piece.isdecimal() and not piece.isalpha():
        return True
    letters = sum(map(str.isalpha, piece))
    digits = sum(map(str.isdigit, piece))
    return letters >= 2 and digits >= 2 and _turns(piece, _kind) >= 4


def _is_dense(run: str) -> bool:
    has_all = (
        any(map(str.isdigit, run))
        and any(map(str.isupper, run))
        and any(map(str.islower, run))
    )
    return has_all and _turns(run, _kind) * 4 >= len(run)


def _turns(text: str, kind: Callable[[str], int]) -> int:
    kinds = [kind(character) for character in text]
    return sum(one != two for one, two in pairwise(kinds))


def _kind(character: str) -> int:
    if character.isdigit():
        return 0
    return 1 if character.isupper() else 2
