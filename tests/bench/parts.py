"""Split a benchmark's text into its pieces of meaning, for the search to compare each."""

import re

_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6}\s+(.*)$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n{2,}")


def split(text: str) -> tuple[str, ...]:
    """Return the parts of Markdown by its headings, of a plain text by its sentences."""
    return markdown(text) if _HEADING.search(text) else sentences(text)


def markdown(text: str) -> tuple[str, ...]:
    """Return the title first, then the prose of each section as *title: prose*.

    Code blocks and addresses of links are left out: they are commands and output,
    which resemble each other in all documents.
    """
    prose = _LINK.sub(r"\1", _COMMENT.sub("", _FENCE.sub("", text)))
    pieces = _HEADING.split(prose)
    title = pieces[1].strip() if len(pieces) > 1 else ""
    bodies = [pieces[0], *pieces[2::2]]
    sections = [f"{title}: {' '.join(body.split())}" for body in bodies if body.strip()]
    return tuple(part for part in (title, *sections) if part) or (text.strip(),)


def sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of a plain text; the text itself if it has one."""
    parts = [" ".join(part.split()) for part in _SENTENCE.split(text)]
    return tuple(part for part in parts if part) or (text.strip(),)
