"""Text on its way into Slack: escaped, cut to Slack's limits, mentions only by id.

Everything that may come from outside goes through `escaped` or into `plain_text`.
Text in the product is printable ASCII already (`remediation/printable.py`), apart
from our own words; here the characters that Slack gives a meaning lose it.
"""

import re
from dataclasses import dataclass
from datetime import datetime

SECTION_LIMIT = 3000
FIELD_LIMIT = 2000
HEADER_LIMIT = 150

# Slack pairs these only at the edge of a word; inside a name they are harmless.
_MARK_UP = re.compile(r"(?<![A-Za-z0-9])([*_~`])")
_PERSON = re.compile(r"@([UW][A-Z0-9]{2,})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One Slack message: the text for notifications, the blocks for the screen."""

    text: str
    blocks: tuple[dict[str, object], ...]


def escaped(text: str) -> str:
    """Return text that Slack shows as it is: no mention, link or mark-up is left.

    Slack's three control characters become entities, a zero-width space behind a
    formatting character keeps it from pairing up, and addresses are broken visibly.
    """
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARK_UP.sub("\\1\u200b", safe.replace("://", "[:]//"))


def handed_over(text: str) -> str:
    """Return a hand-over's text with the person at its end (`… to @U123`) drawn.

    Only for that event: its text is wholly our own, so the id is one we verified.
    """
    return _PERSON.sub(r"<@\1>", escaped(text))


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
    """Return one field of a section; the value must be escaped already."""
    return _mrkdwn(f"*{escaped(label)}*\n{cut(value, 600)}")


def _mrkdwn(text: str) -> dict[str, object]:
    # verbatim: Slack must not look for links and names of its own in it.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _with_id(block: dict[str, object], block_id: str | None) -> dict[str, object]:
    return block if block_id is None else {**block, "block_id": block_id}
