"""Text from outside on its way into a Markdown document: shown as it is, never at work."""

import re
import unicodedata
from collections.abc import Sequence

_MEANINGFUL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&=$^-])")
_INERT = re.compile(
    r"[^\n\t -~\u00a1-\u00ac\u00ae-\u024f\u2010-\u2015\u2018-\u2026\u2190-\u21ff]"
)
# Renderers make links and mentions of bare words; a backslash does not stop them.
_BARE = re.compile(
    r"://|@(?=\w)|\bwww\.|#(?=\w)|\b(?:mailto|xmpp|javascript|data):", re.IGNORECASE
)
# Words with dots between them, as names of servers have; clients make links of those.
_DOTTED = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_NAMED_FILE = re.compile(
    r"[A-Za-z0-9_-]+\.(?:service|socket|slice|scope|timer|mount|log|conf|json|yaml)",
    re.IGNORECASE,
)
"""Units and files, which are no addresses: there is no top level of these names."""
_FIGURE = re.compile(r"[A-Za-z_-]*\d+(?:\.\d+){0,2}[A-Za-z]?|[A-Za-z]\.[A-Za-z]")
"""A value, a version or an abbreviation: `98.5`, `3.11.2`, `python3.11`, `e.g`."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def cleaned(text: str) -> str:
    r"""Return text without what is invisible, moves the cursor or reorders letters.

    New lines and tabs stay, `\r\n` becomes a new line. Linear in the text.
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _INERT.sub(_unhidden, plain)


def first_hidden(text: str) -> tuple[int, str] | None:
    """Return where `cleaned` first takes something out: the line, and `U+202E`."""
    plain = text.replace("\r\n", "\n")
    for found in _INERT.finditer(plain):
        if not _unhidden(found):
            line = plain.count("\n", 0, found.start()) + 1
            return line, f"U+{ord(found[0]):04X}"
    return None


def inert(text: str, *, limit: int = 500) -> str:
    """Return one line that Markdown shows as it is: no mention, link, HTML or mark-up.

    Addresses and mentions are broken visibly (`[:]//`, `[.]`, `[at]`), since renderers
    make them of bare words; every character with a meaning is escaped. At most `limit`
    characters are kept and what was cut off is said.
    """
    line = " ".join(cleaned(text[: limit + 1]).split())
    kept = line if len(text) <= limit else f"{line[:limit]}… (cut)"
    return _MEANINGFUL.sub(r"\\\1", unlinked(_BARE.sub(_broken, kept)))


def unlinked(text: str) -> str:
    """Return text in which no client finds an address: they are broken visibly.

    >>> unlinked("python3.11 asks evil.example/x for nginx.service")
    'python3.11 asks evil[.]example/x for nginx.service'
    """
    return _DOTTED.sub(_without_dots, text)


def code(text: str, *, limit: int = 200) -> str:
    """Return the text as inline code: one line, and nothing in it can end it."""
    line = " ".join(cleaned(text[:limit]).split()).replace("`", "'")
    # A bar would end the cell of a table, in code too.
    return f"`{line.replace('|', '¦') or ' '}`"


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table; the cells must be inert already."""
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _unhidden(found: re.Match[str]) -> str:
    return "" if unicodedata.category(found[0]) in _HIDDEN else found[0]


def _without_dots(dotted: re.Match[str]) -> str:
    name = dotted[0]
    is_no_address = _NAMED_FILE.fullmatch(name) or _FIGURE.fullmatch(name)
    return name if is_no_address else name.replace(".", "[.]")


def _broken(found: re.Match[str]) -> str:
    word = found[0]
    if word == "@":
        return "[at]"
    if word == "#":
        return "[#]"
    return word.replace("://", "[:]//") if word == "://" else f"{word[:-1]}[{word[-1]}]"
