"""The card: one per incident, edited in place; exactly what the incident row says.

From top to bottom, so that nothing that arrives later moves the buttons: header,
facts, proposed action, buttons, opinion, last time, runbook, context. Facts and
buttons always stand: each part above is short enough that all of them fit into one
message, and what stands below the buttons shares what they leave of it.
"""

import re
from collections.abc import Sequence
from typing import Final

from bot.model import Fact, Incident, Level, Phase
from bot.text.words import level_word, seconds
from handlers.blocks import buttons, storm
from handlers.blocks.judged import judged
from handlers.blocks.knowing import below
from handlers.blocks.markup import (
    FIELD_LIMIT,
    MESSAGE_LIMIT,
    Message,
    characters,
    clock,
    context,
    cut,
    day_and_clock,
    escaped,
    field,
    header,
    mention,
    section,
)
from handlers.blocks.proposed import proposed
from remediation.action import in_words
from remediation.ledger.proposal import Proposal, State
from remediation.ledger.undo import undo_of
from remediation.target.unit import state_in_words

_MARKS = {
    Level.OK: "🟢",
    Level.UNKNOWN: "⚪",
    Level.WARNING: "🟠",
    Level.CRITICAL: "🔴",
}
_CARD_ID: Final = re.compile(r"card:([0-9]{1,9}):[0-9.]{1,32}")
_BUSY = (State.APPROVED, State.EXECUTING)
_CALLED = 40
"""People and groups that the first line can name."""
_SUMMARY = 1000
_FOOTER = 300


def card(
    incident: Incident,
    proposals: list[Proposal],
    *,
    mentions: Sequence[str] = (),
    beside: int = 0,
    glass: bool = False,
    undoes: bool = True,
) -> Message:
    """Draw the incident.

    mentions: ids that the first post of a critical one names. beside: characters that
    the message needs for something else. glass: whether somebody may approve alone.
    undoes: whether anything may be put back.
    """
    shown, called = _shown(incident, proposals), mentions[:_CALLED]
    above = [
        header(f"{_mark(incident)} {_state_word(incident)} · {incident.title}"),
        *([context(" ".join(map(mention, called)))] if called else []),
        section(cut(escaped(_summary(incident)), _SUMMARY)),
        _facts(incident),
        *_action(incident, proposals, shown, glass=glass, undoes=undoes),
    ]
    foot = context(_footer(incident, shown), block_id=card_id(incident))
    room = MESSAGE_LIMIT - beside - characters([*above, foot])
    blocks = (*above, *below(incident, room), foot)
    return Message(text=_push(incident, shown, called), blocks=blocks)


def card_id(incident: Incident) -> str:
    """Return the block id by which a card is found again in the channel."""
    return f"card:{incident.number}:{incident.opened_at.timestamp():.6f}"


def card_in(blocks: object) -> str:
    """Return the id of the card that these blocks are; "" where they are none."""
    for block in blocks if isinstance(blocks, list) else []:
        name = block.get("block_id") if isinstance(block, dict) else None
        if isinstance(name, str) and _CARD_ID.fullmatch(name):
            return name
    return ""


def numbered(card: str) -> int | None:
    """Return the incident's number in a card's id; None where it is no card's."""
    found = _CARD_ID.fullmatch(card)
    return int(found[1]) if found else None


def _shown(incident: Incident, proposals: list[Proposal]) -> Proposal | None:
    """Return the proposal the card is about: the chosen, else the latest decided."""
    busy = next((p for p in proposals if p.state in _BUSY), None)
    offered = next((p for p in proposals if p.id == incident.offered), None)
    past = [p for p in proposals if p.state is not State.SUPERSEDED]
    return busy or offered or (past[-1] if past else None)


def _mark(incident: Incident) -> str:
    return "🟢" if incident.phase is Phase.RESOLVED else _MARKS[incident.level]


def _state_word(incident: Incident) -> str:
    if incident.phase is Phase.RESOLVED:
        return "Resolved"
    if incident.phase is Phase.ESCALATED:
        return "Escalated"
    return level_word(incident.level).capitalize()


def _push(incident: Incident, shown: Proposal | None, mentions: Sequence[str]) -> str:
    """Return the one line that a phone's lock screen shows."""
    called = "".join(f"{mention(who)} " for who in mentions)
    asked = ""
    if shown is not None and shown.is_pending:
        asked = f" Approve or reject {incident.number}{shown.letter}: {in_words(shown.action)}."
    summary = f"{_state_word(incident)}: {incident.title}. {_summary(incident)}"
    return called + cut(escaped(summary + asked), FIELD_LIMIT)


def _summary(incident: Incident) -> str:
    return (
        storm.summary(incident.findings) if incident.is_storm else incident.lead.summary
    )


def _facts(incident: Incident) -> dict[str, object]:
    facts = storm.facts(incident.findings) if incident.is_storm else _of_lead(incident)
    fields = [field(fact.label, escaped(fact.value)) for fact in facts[:7]]
    fields.append(field("Since", day_and_clock(incident.since)))
    if incident.owner or incident.is_open:
        owner = mention(incident.owner) if incident.owner else "nobody yet"
        fields.append(field("Owner", owner))
    if incident.muted_until and incident.is_open:
        fields.append(field("Muted until", clock(incident.muted_until)))
    elif incident.returned:
        times, first = len(incident.returned), clock(incident.opened_at)
        fields.append(field("Came back", f"{_times(times)}; first seen {first}"))
    elif incident.flapping:
        fields.append(field("Flapping", "comes and goes; held open"))
    return {"type": "section", "fields": fields[:10]}


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _of_lead(incident: Incident) -> list[Fact]:
    """Return what the leading condition knows, and what the next two say."""
    facts = list(incident.lead.facts)[:7]
    if incident.service is not None and incident.lead.points_at is not None:
        at_first = state_in_words(incident.service)
        facts.insert(2, Fact(label="Service when this opened", value=at_first))
    for other in incident.findings[1:3]:
        facts.append(Fact(label=other.label, value=other.summary))
    return facts


def _action(
    incident: Incident,
    proposals: list[Proposal],
    shown: Proposal | None,
    *,
    glass: bool,
    undoes: bool,
) -> list[dict[str, object]]:
    if not incident.is_open:
        return _ending(incident, proposals, shown, undoes=undoes)
    if shown is not None and shown.is_pending:
        return [
            section(proposed(shown)),
            buttons.deciding(incident, proposals, shown, glass=glass),
        ]
    if shown is not None and shown.state in _BUSY:
        return [section(_decision(shown))]
    if incident.check is not None and shown is not None:
        check = incident.check
        until = check.acted.after(check.window).wall
        verifying = f"Verifying until {clock(until)}, longer where a round is late …"
        undo = [buttons.undo(shown)] if undoes and undo_of(shown) else []
        return [section(f"{_decision(shown)}\n{verifying}"), *undo]
    row = buttons.idle(incident, proposals, shown)
    text = _no_action(incident) if shown is None else _outcome(incident, shown)
    if shown is not None and incident.no_action is not None:
        text = f"{text}\n{_no_action(incident)}"
    return [section(text), row]


def _decision(proposal: Proposal) -> str:
    """Say who approved and what became of it."""
    who = ", ".join(map(mention, proposal.voters)) or "nobody"
    if any(vote.broke_glass for vote in proposal.votes):
        who += " alone: the glass was broken"
    what = escaped(in_words(proposal.action))
    if proposal.outcome is None:
        return f"*Approved* by {who} · executing …\n{what}"
    return f"*Approved* by {who}\n{what}\n{escaped(proposal.outcome.summary)}"


def _outcome(incident: Incident, proposal: Proposal) -> str:
    what = escaped(in_words(proposal.action))
    match proposal.state:
        case State.REJECTED:
            by = mention(proposal.decided_by or "")
            why = f": {escaped(proposal.note)}" if proposal.note else ""
            return f"*Rejected* by {by}{why}\n{what}"
        case State.EXPIRED:
            return f"*Expired, not rejected*: nobody decided in time.\n{what}"
        case _:
            measured = incident.verification
            after = (
                f"\n*{measured.verdict.capitalize()}*: {escaped(measured.figures)}"
                if measured
                else ""
            )
            return f"{_decision(proposal)}{after}"


def _no_action(incident: Incident) -> str:
    none = incident.no_action
    if none is None:
        return "*No action proposed yet*"
    by_hand = f"\nYou can run: {escaped(none.by_hand)}" if none.by_hand else ""
    return f"*No action offered*: {escaped(none.reason)} (rule {escaped(none.rule)}){by_hand}"


def _ending(
    incident: Incident,
    proposals: list[Proposal],
    shown: Proposal | None,
    *,
    undoes: bool,
) -> list[dict[str, object]]:
    took = seconds((incident.resolved_at or incident.opened_at) - incident.since)
    ended = f"*Resolved* after {took}: {escaped(incident.resolution)}"
    decided = shown is not None and shown.state not in (State.PENDING, State.SUPERSEDED)
    # The first line has the figures already; what was done is left to say.
    acted = incident.verification is not None and shown is not None
    said = ""
    if decided and shown:
        said = f"\n{_decision(shown) if acted else _outcome(incident, shown)}"
    undo = [buttons.undo(shown)] if undoes and shown and undo_of(shown) else []
    # Of a drill nothing is learnt, so nothing is asked.
    is_drill = incident.is_drill
    row = None if is_drill else buttons.feedback_row(incident, proposals)
    heard = (judged(incident), row)
    return [section(ended + said), *undo, *(block for block in heard if block)]


def _footer(incident: Incident, shown: Proposal | None) -> str:
    parts = [f"Incident {incident.number}", escaped(incident.host)]
    if shown is not None:
        parts += [f"action {shown.digest[:8]}", f"rule {escaped(shown.rule)}"]
        parts += [f"policy {shown.policy[:8]}"] if shown.policy else []
    return cut(" · ".join(parts), _FOOTER)
