"""What goes into the thread: one line per event, evidence first."""

from collections.abc import Sequence

from bot.model import EvidenceItem, Incident
from handlers.blocks.answers import columns
from handlers.blocks.markup import (
    Message,
    clock,
    context,
    cut,
    escaped,
    handed_over,
    mention,
    preformatted,
    section,
)
from remediation.audit import Head, Sealed

CARD_TELLS = frozenset(
    {
        "diagnosis.formed",
        "incident.opened",
        "proposal.lapsed",
        "proposal.made",
        "proposal.superseded",
    }
)
"""Events that the card itself shows; they get no line of their own."""

WAKES = frozenset(
    {
        "incident.worsened",
        "incident.escalated",
        "proposal.expired",
        "action.failed",
        "action.refused",
        "action.interrupted",
        "verified.worse",
        "verified.unchanged",
        "verified.unknown",
    }
)
"""Events for which somebody must look again; they mention the owner, or on-call."""

_MARKS = {
    "proposal.approved": "✅",
    "proposal.rejected": "✋",
    "proposal.expired": "⌛",
    "action.done": "☑️",
    "action.failed": "❗",
    "action.refused": "🚫",
    "action.interrupted": "❗",
    "verified.recovered": "🟢",
    "verified.unchanged": "🟠",
    "verified.worse": "🔴",
    "verified.unknown": "⚪",
    "incident.resolved": "🟢",
    "incident.worsened": "🔴",
    "feedback.given": "💬",
    "limit.suggested": "📏",
    "runbook.drafted": "📖",
    "bot.locked": "🔒",
    "bot.unlocked": "🔓",
}


def line_id(entry: Sealed) -> str:
    """Return the block id by which a line is found again in the thread."""
    return f"event:{entry.seq}:{entry.hash[:16]}"


def line(entry: Sealed, *, mentions: Sequence[str] = ()) -> Message:
    """Draw one event: who, what, when; the proof behind it in small print."""
    event = entry.event
    # A proposed difference of the configuration keeps its columns.
    suggested = event.kind == "limit.suggested"
    body, _, shown = event.text.partition("\n") if suggested else (event.text, "", "")
    draw = handed_over if event.kind == "incident.handed_over" else escaped
    who = f"{mention(event.actor)} " if event.actor else ""
    called = "".join(f" {mention(person)}" for person in mentions)
    mark = _MARKS.get(event.kind, "▫️")
    text = cut(f"{mark} {who}{draw(body)}{called}", 2900)
    proof = [clock(event.at), f"event {entry.seq}"]
    if event.action_hash:
        proof.append(f"action {event.action_hash[:8]}")
    if event.kind in ("incident.resolved", "incident.false_alarm"):
        proof.append(f"ledger head {entry.seq}:{entry.hash}")
    small = context(" · ".join(proof), block_id=line_id(entry))
    below = (preformatted(cut(shown, 2600)),) if shown else ()
    return Message(text=text, blocks=(section(text), *below, small))


def evidence(incident: Incident, entry: Sealed) -> Message:
    """Draw what was read, each item under its id."""
    blocks: list[dict[str, object]] = []
    for item in incident.evidence[:12]:
        blocks += _item(item)
    blocks.append(context(clock(entry.event.at), block_id=line_id(entry)))
    return Message(text=escaped(cut(entry.event.text, 1000)), blocks=tuple(blocks))


def ledger_head(head: Head) -> Message:
    """Draw the head of the chain, for `countersign audit verify --head`."""
    text = f"Ledger head {head.seq}:{head.hash}"
    return Message(text=text, blocks=(context(text),))


def _item(item: EvidenceItem) -> list[dict[str, object]]:
    title = section(f"*{escaped(item.id)} · {escaped(item.title)}*")
    if item.table is not None:
        # All blocks of a message share about 13,000 characters.
        return [title, preformatted(cut(columns(item.table), 2600))]
    return [title, preformatted(cut(item.text, 2600))]
