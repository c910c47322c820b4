"""What goes into the thread: one line per event, evidence first."""

from collections.abc import Sequence

from bot.model import EvidenceItem, Incident
from bot.quiet.unpaged import Seen, Why
from bot.storage.store import REOPENED
from handlers.blocks.answers import columns
from handlers.blocks.markup import (
    MESSAGE_LIMIT,
    Message,
    calling,
    clock,
    context,
    cut,
    escaped,
    mention,
    preformatted,
    section,
)
from remediation.ledger.audit import Head, Sealed

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
        REOPENED,
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

CALLS_EVERYBODY = frozenset({"proposal.glass_broken"})
"""Events that all who may approve are told of, whoever owns the incident."""

_MARKS = {
    "proposal.approved": "✅",
    "proposal.glass_broken": "🚨",
    "proposal.rejected": "✋",
    "approval.wanted": "🔔",
    "maintenance.quiet": "🔧",
    "maintenance.ended": "🔧",
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
    REOPENED: "🔁",
    "feedback.given": "💬",
    "limit.suggested": "📏",
    "runbook.drafted": "📖",
    "bot.locked": "🔒",
    "bot.unlocked": "🔓",
}
_CALLS = frozenset({"incident.handed_over", "approval.wanted", "maintenance.quiet"})
_CALLED = 80
"""Mentions in one line: the longest of them take less than half of it."""
_TEXT = 2600
_TITLE = 200
_DIGEST = 15
_WHY = {
    Why.BRIEF: "over before its time",
    Why.EXPECTED: "expected",
    Why.MUTED: "muted or in maintenance",
    Why.UNUSUAL: "only unusual",
}
_FOOT = 100
_ITEMS = 12


def line_id(entry: Sealed) -> str:
    """Return the block id by which a line is found again in the thread."""
    return f"event:{entry.seq}:{entry.hash[:16]}"


def line(entry: Sealed, *, mentions: Sequence[str] = ()) -> Message:
    """Draw one event: who, what, when; the proof behind it in small print."""
    event = entry.event
    # A proposed difference of the configuration keeps its columns.
    suggested = event.kind == "limit.suggested"
    body, _, shown = event.text.partition("\n") if suggested else (event.text, "", "")
    draw = calling if event.kind in _CALLS else escaped
    who = f"{mention(event.actor)} " if event.actor else ""
    # Whoever wrote a long text must not cut off whom it calls.
    called = "".join(f" {mention(person)}" for person in mentions[:_CALLED])
    mark = _MARKS.get(event.kind, "▫️")
    text = cut(f"{mark} {who}{draw(body)}", 2900 - len(called)) + called
    proof = [clock(event.at), f"event {entry.seq}"]
    if event.action_hash:
        proof.append(f"action {event.action_hash[:8]}")
    if event.kind in ("incident.resolved", "incident.false_alarm"):
        proof.append(f"ledger head {entry.seq}:{entry.hash}")
    small = context(" · ".join(proof), block_id=line_id(entry))
    below = (preformatted(cut(shown, _TEXT)),) if shown else ()
    return Message(text=text, blocks=(section(text), *below, small))


def evidence(incident: Incident, entry: Sealed) -> Message:
    """Draw what was read, each item under its id."""
    blocks: list[dict[str, object]] = []
    items = incident.evidence[:_ITEMS]
    # All of them share what one message holds.
    share = min(_TEXT, (MESSAGE_LIMIT - _FOOT) // max(len(items), 1) - _TITLE)
    for item in items:
        blocks += _item(item, share)
    blocks.append(context(clock(entry.event.at), block_id=line_id(entry)))
    return Message(text=escaped(cut(entry.event.text, 1000)), blocks=tuple(blocks))


def ledger_head(head: Head) -> Message:
    """Draw the head of the chain, for `countersign audit verify --head`."""
    text = f"Ledger head {head.seq}:{head.hash}"
    return Message(text=text, blocks=(context(text),))


def digest(seen: Sequence[Seen]) -> Message:
    """Draw what called nobody since the digest before, in a few lines."""
    lines = [_seen(one) for one in seen[:_DIGEST]]
    more = len(seen) - _DIGEST
    rest = [f"and {more} more"] if more > 0 else []
    title = "Seen, and nobody was called"
    text = "\n".join([f"*{title}*", *lines, *rest])
    return Message(text=f"{title}: {len(seen)}", blocks=(context(cut(text, 2900)),))


def _seen(one: Seen) -> str:
    times = f"{one.times} times" if one.times > 1 else "once"
    what = f"{escaped(cut(one.label, 80))} on {escaped(one.host)}"
    return f"• {what}, {times}, {_WHY[one.why]}: {escaped(cut(one.said, 120))}"


def _item(item: EvidenceItem, share: int) -> list[dict[str, object]]:
    title = cut(escaped(f"{item.id} · {item.title}"), _TITLE - 2)
    text = item.text if item.table is None else columns(item.table)
    return [section(f"*{title}*"), preformatted(cut(text, share))]
