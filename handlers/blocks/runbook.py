"""Runbooks for whoever asked. Their text comes from files and is shown as it is."""

from collections.abc import Sequence

from bot.runbooks.matching import Match
from bot.runbooks.page import Page
from handlers.blocks.markup import Message, context, cut, escaped, instruction, section

_TEXT = 2600
"""Characters of steps: one section holds 3,000, and escaping adds some."""
_STEP = 400
_LISTED = 60
_PART = 20


def page(match: Match, others: Sequence[Page]) -> Message:
    """Draw one runbook: title, why it was taken, its steps; and name the others."""
    found = match.page
    title = escaped(found.title)
    why = f"`{escaped(found.name)}` · {escaped(match.why)}"
    blocks = [section(f"*{title}*\n{why}"), section(_steps(found))]
    if others:
        named = ", ".join(f"{escaped(p.title)} (`{escaped(p.name)}`)" for p in others)
        blocks.append(context(f"Also: {cut(named, 1500)}"))
    return Message(text=f"Runbook: {title}", blocks=tuple(blocks))


def titles(pages: Sequence[Page], command: str) -> Message:
    """List what is on the shelf."""
    if not pages:
        text = "There is no runbook yet; `runbooks.folders` says where they lie."
        return Message(text=text, blocks=(section(text),))
    lines = [f"`{escaped(p.name)}` {escaped(p.title)}" for p in pages[:_LISTED]]
    more = len(pages) - len(lines)
    parts = (lines[at : at + _PART] for at in range(0, len(lines), _PART))
    blocks = [section("\n".join(part)) for part in parts]
    rest = f"{more} more. " if more else ""
    blocks.append(context(f"{rest}`{command} runbook WORDS` finds and shows one"))
    return Message(text=f"{len(pages)} runbooks", blocks=tuple(blocks))


def _steps(found: Page) -> str:
    if not found.steps:
        return escaped(cut(found.body or "It says nothing.", _TEXT))
    lines: list[str] = []
    for number, step in enumerate(found.steps, start=1):
        lines.append(f"{number}. {instruction(step, _STEP)}")
        if len("\n".join(lines)) > _TEXT:
            return "\n".join((*lines[:-1], "…"))
    return "\n".join(lines)
