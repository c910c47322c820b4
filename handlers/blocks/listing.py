"""A long list in a fixed width, as far as a message has room for it."""

from collections.abc import Iterator, Sequence

from handlers.blocks.markup import SECTION_LIMIT, preformatted

Block = dict[str, object]


def listing(lines: Sequence[str], room: int) -> tuple[list[Block], int]:
    """Return blocks of at most so many characters, and how many lines stand in them."""
    blocks: list[Block] = []
    shown = 0
    for part in _parts(lines):
        kept = _fitting(part, room)
        if kept:
            text = "\n".join(kept)
            blocks.append(preformatted(text))
            room -= len(text)
            shown += len(kept)
        if len(kept) < len(part):
            break
    return blocks, shown


def _parts(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the lines in parts that one block takes."""
    start = 0
    while start < len(lines):
        # No line is cut: a name that is shown in part is none.
        kept = _fitting(lines[start:], SECTION_LIMIT) or lines[start : start + 1]
        yield kept
        start += len(kept)


def _fitting(lines: Sequence[str], room: int) -> Sequence[str]:
    """Return as many lines from the first on as have room, with their line feeds."""
    used = 0
    for index, line in enumerate(lines):
        used += len(line) + 1
        if used > room:
            return lines[:index]
    return lines
