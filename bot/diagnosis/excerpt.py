"""A document made to fit: its longest sections are cut, each at a line, and say so. Pure."""

import re
from collections.abc import Sequence
from typing import Final

CUT: Final = "(cut here: this section goes on)"
_SECTION: Final = re.compile(r"^(?=## )", re.MULTILINE)


def excerpt(document: str, most: int) -> str:
    """Return Markdown of about `most` characters; short sections stay whole."""
    parts = _SECTION.split(document)
    longest = _longest([len(part) for part in parts], most)
    return "".join(_cut(part, longest) for part in parts)


def _longest(lengths: Sequence[int], most: int) -> int:
    """Return the length to which parts must be cut so that all of them fit."""
    left = most
    for index, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - index)
        if length > share:
            return share
        left -= length
    return max(lengths)


def _cut(part: str, longest: int) -> str:
    if len(part) <= longest:
        return part
    kept = part[: part.rfind("\n", 0, longest) + 1]
    return f"{kept}{CUT}\n\n"
