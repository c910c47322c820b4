"""Text on its way into Slack: escaped, cut to Slack's limits, mentions only by id.

Everything that may come from outside goes through `escaped` or into `plain_text`.
Text in the product is printable ASCII already (`remediation/printable.py`), apart
from our own words; here the characters that Slack gives a meaning lose it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.text.markdown import unlinked

SECTION_LIMIT = 3000
FIELD_LIMIT = 2000
HEADER_LIMIT = 150
MESSAGE_LIMIT = 13_000
"""All texts of a message's blocks together; Slack takes about 13,200."""
_LABEL = 75
_VALUE = 300

# The colon before the name of a picture; neither of times, a MAC nor an IPv6 address.
_PICTURE = r":(?=[\w+'-]+:)(?!(?<=[0-9A-Fa-f]:)(?:[0-9A-Fa-f]{1,4}|[0-9-]+):)"
# One line that Markdown shows as it is, whatever it says: no mark-up, link or mention.
_DEAD_LINE = re.compile(
    # A rule or an underline, a list, a block of code.
    r"(?! {4}|\s*(?:[-=+]{2,}|=\s*$|(?:[-+]|\d{1,9}[.)])(?:\s|$)))"
    rf"(?!.*(?:://|www\.|{_PICTURE}))"
    r"(?:[A-Za-z0-9 ,;:%()/'\"?!…→.+=-]|(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])"
    r"|(?<=[A-Za-z0-9_-])\[\.\](?=[A-Za-z0-9_-]))*"
)
# Slack pairs these only at the edge of a word; inside a name they are harmless.
_MARK_UP = re.compile(r"(?<![A-Za-z0-9])([*_~`])")
_EMOJI = re.compile(_PICTURE)
_EMPHASIS = re.compile(r"(?<![\w*])([*_]{1,3})(?=[^\s*_])([^*_\n]*[^\s*_])\1(?![\w*])")
_SPAN = re.compile(r"(`{1,3}|~~~)(?:[a-z]{1,10}\n)?([^`]+?)\1")
_CALLED = re.compile(r"@([UWS][A-Z0-9]{2,})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One Slack message: the text for notifications, the blocks for the screen.

    is_public: whether an answer to one person is shown to the whole channel.
    whole: a list that the blocks have no room for; it goes into the thread as a file.
    """

    text: str
    blocks: tuple[dict[str, object], ...]
    is_public: bool = False
    whole: str = ""


def escaped(text: str) -> str:
    """Return text that Slack shows as it is: no mention, link or mark-up is left.

    Slack's three control characters become entities, a zero-width space behind a
    formatting character or the colon of a picture's name keeps it from pairing up, and
    addresses are broken visibly.
    """
    safe = _EMOJI.sub(":\u200b", _entities(text))
    return _MARK_UP.sub("\\1\u200b", safe.replace("://", "[:]//"))


def code(text: str) -> str:
    """Return a line that Slack shows in a fixed width, to be copied as it is.

    Nothing in it is alive there, and nothing can end it.
    """
    line = " ".join(text.replace("`", "'").split())
    return f"`{_entities(line)}`" if line else ""


def instruction(text: str, limit: int) -> str:
    """Return one line of Markdown prose: its code as code, its emphasis left out.

    At most `limit` characters of it are kept; a command is never cut in two.
    """
    drawn, left = "", limit
    for piece, draw in _pieces(text.strip()):
        if len(piece) > left:
            kept = piece[: max(left - 1, 0)] if draw is escaped else ""
            return f"{drawn}{escaped(kept)}…"
        left -= len(piece)
        # Slack draws code only where it stands apart from words.
        edge = drawn[-1:] if draw is code else piece[:1]
        apart = " " if drawn and piece and re.match(r"\w", edge) else ""
        drawn += f"{apart}{draw(piece)}"
    return drawn


def _pieces(text: str) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Yield prose and code in turn, each as one line, and what draws it."""
    end = 0
    for span in _SPAN.finditer(text):
        yield _prose(text[end : span.start()]), escaped
        yield " ".join(span[2].split()), code
        end = span.end()
    yield _prose(text[end:]), escaped


def _prose(text: str) -> str:
    line = re.sub(r"\s+", " ", text.replace("`", ""))
    return _EMPHASIS.sub(r"\2", line)


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def is_dead_markdown(text: str) -> bool:
    """Say whether Markdown shows all of it as it is: no mark-up, mention or address.

    Markdown has no way to escape that every reader honours, and there an address needs
    no `://` to become a link: `evil.example/x` is one, and so is `10.0.0.1`.
    """
    lines_are_dead = all(map(_DEAD_LINE.fullmatch, text.split("\n")))
    return lines_are_dead and unlinked(text) == text


def calling(text: str) -> str:
    """Return a text with the person or group at its end (`… to @U123`) drawn.

    Only for events whose text is wholly our own, so that the id is one we verified.
    """
    return _CALLED.sub(lambda found: mention(found[1]), escaped(text))


def mention(person_or_group: str) -> str:
    """Return the mark-up that names a user id, or a user group id (S…)."""
    if person_or_group.startswith("S"):
        return f"<!subteam^{person_or_group}>"
    return f"<@{person_or_group}>"


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters and say how many were left out."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 24]
    return f"{kept}… ({len(text) - len(kept)} left out)"


def clock(moment: datetime) -> str:
    """Return a time that Slack shows in the reader's own zone."""
    return f"<!date^{int(moment.timestamp())}^{{time_secs}}|{moment:%H:%M:%S} UTC>"


def day_and_clock(moment: datetime) -> str:
    """Return date and time in the reader's own zone."""
    fallback = f"{moment:%Y-%m-%d %H:%M} UTC"
    return (
        f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"
    )


def section(text: str, *, block_id: str | None = None) -> dict[str, object]:
    """Return a mrkdwn section; the text must be escaped already."""
    body = _mrkdwn(cut(text, SECTION_LIMIT))
    return _with_id({"type": "section", "text": body}, block_id)


def context(text: str, *, block_id: str | None = None) -> dict[str, object]:
    """Return a small grey line."""
    element = _mrkdwn(cut(text, FIELD_LIMIT))
    return _with_id({"type": "context", "elements": [element]}, block_id)


def header(text: str) -> dict[str, object]:
    """Return a heading in plain text."""
    body = {"type": "plain_text", "text": cut(text, HEADER_LIMIT), "emoji": True}
    return {"type": "header", "text": body}


def preformatted(text: str) -> dict[str, object]:
    """Return text in a fixed width, with no mark-up at all."""
    inner = {"type": "text", "text": cut(text, SECTION_LIMIT) or " "}
    block = {"type": "rich_text_preformatted", "elements": [inner]}
    return {"type": "rich_text", "elements": [block]}


def field(label: str, value: str) -> dict[str, object]:
    """Return one field of a section; the value must be escaped already.

    Ten of them leave most of a message to what else it says.
    """
    return _mrkdwn(f"*{cut(escaped(label), _LABEL)}*\n{cut(value, _VALUE)}")


def characters(drawn: object) -> int:
    """Return how many characters of blocks Slack counts: every text in them."""
    match drawn:
        case dict():
            text = drawn.get("text")
            own = len(text) if isinstance(text, str) else 0
            return own + sum(map(characters, drawn.values()))
        case list() | tuple():
            return sum(map(characters, drawn))
        case _:
            return 0


def _mrkdwn(text: str) -> dict[str, object]:
    # verbatim: Slack must not look for links and names of its own in it.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _with_id(block: dict[str, object], block_id: str | None) -> dict[str, object]:
    return block if block_id is None else {**block, "block_id": block_id}
