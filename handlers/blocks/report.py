"""A report as a message: for the channel, whoever asked for it."""

from collections.abc import Sequence

from bot.report import words
from bot.report.figures import Report
from bot.report.words import Line
from handlers.blocks.markup import Message, context, cut, escaped, header, section

_LINE = 600
_EACH = 4
"""Lines of one block: on a telephone more of them are a wall."""
_HOW = (
    "Acknowledged: the first thing that a person did about it. Decided: from the proposal "
    "to the word. Recovered: from the card, or its last return, to its end. Helped: as measured afterwards."
)


def report(found: Report, *, block_id: str | None = None) -> Message:
    """Draw all of it. block_id: by which the message is found again."""
    title, told = words.title(found), words.lines(found)
    pieces = [told[n : n + _EACH] for n in range(0, len(told), _EACH)]
    blocks = (
        header(title),
        context(words.span(found), block_id=block_id),
        *(section(drawn(piece)) for piece in pieces),
        context(_HOW),
    )
    text = f"{title}: {escaped(cut(words.incidents(found), _LINE))}"
    return Message(text=text, blocks=blocks, is_public=True)


def drawn(lines: Sequence[Line]) -> str:
    """Return lines with their names in bold; a name may come from outside."""
    return "\n".join(
        f"*{escaped(name)}* {escaped(cut(said, _LINE))}" if name else escaped(said)
        for name, said in lines
    )
