"""The buttons of a card and the dialogs that make sure. Labels are fixed words."""

from collections.abc import Sequence
from typing import Final, Literal

from bot.learning.feedback import was_acted
from bot.lore import FALSE_ALARM
from bot.model import Incident
from bot.storage.quiet import ENDED
from handlers.blocks.markup import cut
from remediation.action import (
    Action,
    CleanFiles,
    consequence,
    in_words,
    is_reversible,
    kind_of,
)
from remediation.ledger.proposal import Proposal

Style = Literal["primary", "danger"] | None


def button(
    label: str, action_id: str, value: str, style: Style = None
) -> dict[str, object]:
    """Return a button; `value` is opaque and at most 2,000 characters."""
    text = {"type": "plain_text", "text": label, "emoji": False}
    block: dict[str, object] = {
        "type": "button",
        "text": text,
        "action_id": action_id,
        "value": value,
    }
    return {**block, "style": style} if style else block


def deciding(
    incident: Incident, proposals: list[Proposal], shown: Proposal, *, glass: bool
) -> dict[str, object]:
    """Return the row of a card that waits for a decision.

    glass: whether the policy lets somebody approve alone. The way to it appears only when
    one person has agreed and another is missing.
    """
    alone = glass and shown.votes and len(shown.votes) < shown.needed
    return {
        "type": "actions",
        "block_id": f"decide:{incident.number}:{shown.letter}",
        "elements": [
            approve(shown),
            button("Reject", "reject", shown.id),
            button("Simulate", "simulate", shown.id),
            *([] if incident.owner else [button("Take", "take", shown.id)]),
            *([button("Break glass", "break_glass", shown.id)] if alone else []),
            menu(proposals, shown),
        ],
    }


def idle(
    incident: Incident, proposals: list[Proposal], shown: Proposal | None
) -> dict[str, object]:
    """Return the row of an open card on which nothing waits for a decision."""
    value = shown.id if shown else f"incident:{incident.number}"
    # What a rule of the policy refuses it may allow later: a window ends.
    none = incident.no_action
    passes = none is not None and none.rule.startswith(("policy.", ENDED))
    again = shown is not None or passes
    elements = [button("Propose again", "again", value)] if again else []
    if incident.owner is None:
        elements.append(button("Take", "take", value))
    return {
        "type": "actions",
        "block_id": f"idle:{incident.number}:{incident.version}",
        "elements": [*elements, menu(proposals, shown)],
    }


def undo(proposal: Proposal) -> dict[str, object]:
    """Return the row that puts a reversible action back."""
    return {
        "type": "actions",
        "block_id": f"undo:{proposal.incident}:{proposal.letter}",
        "elements": [button("Undo", "undo", proposal.id)],
    }


def feedback_row(
    incident: Incident, proposals: Sequence[Proposal] = ()
) -> dict[str, object] | None:
    """Return the row of a closed card, in which people say how it was; None if open.

    What was said last carries a tick. Whether an action helped is asked where one was
    carried out.
    """
    if incident.is_open:
        return None
    acted = incident.verification is not None or was_acted(proposals)
    elements = [
        *([] if incident.resolution == FALSE_ALARM else _cause_buttons(incident)),
        *(_help_buttons(incident) if acted else []),
        button("Save as runbook draft", "save_draft", str(incident.number)),
    ]
    return {
        "type": "actions",
        "block_id": f"feedback:{incident.number}",
        "elements": elements,
    }


def _cause_buttons(incident: Incident) -> list[dict[str, object]]:
    said, value = incident.feedback, str(incident.number)
    is_right = said.is_right if said else None
    if incident.diagnosis is None:
        return [button("Say the cause", "wrong_cause", value)]
    return [
        button(_ticked("Right cause", on=is_right is True), "right_cause", value),
        button(_ticked("Wrong cause", on=is_right is False), "wrong_cause", value),
    ]


def _help_buttons(incident: Incident) -> list[dict[str, object]]:
    said, value = incident.feedback, str(incident.number)
    helped = said.helped if said else None
    return [
        button(_ticked("It helped", on=helped is True), "helped", value),
        button(_ticked("It did not help", on=helped is False), "not_helped", value),
    ]


def _ticked(label: str, *, on: bool) -> str:
    return f"✓ {label}" if on else label


def approve(proposal: Proposal) -> dict[str, object]:
    """Return Approve: green, or red with a confirmation for what cannot be undone."""
    if is_reversible(proposal.action):
        return button("Approve", "approve", proposal.id, "primary")
    ask = {
        "title": {"type": "plain_text", "text": "This cannot be undone"},
        "text": {
            "type": "plain_text",
            "text": cut(
                f"{in_words(proposal.action)}. {consequence(proposal.action)}", 290
            ),
        },
        "confirm": {"type": "plain_text", "text": "Approve"},
        "deny": {"type": "plain_text", "text": "Back"},
        "style": "danger",
    }
    return {**button("Approve", "approve", proposal.id, "danger"), "confirm": ask}


_OTHERS: Final = 1
"""Slack's menus hold five entries."""


def menu(proposals: list[Proposal], shown: Proposal | None) -> dict[str, object]:
    """Return the menu: other candidates, then what can be done besides (at most 5)."""
    others = sorted(
        (p for p in proposals if p.is_pending and p != shown),
        # The next one after what is shown, so that choosing again leads through all.
        key=lambda p: (shown is not None and p.letter < shown.letter, p.letter),
    )
    options = [
        *(
            _option(f"Instead: {kind_word(p.action)} ({p.letter})", f"choose {p.id}")
            for p in others[:_OTHERS]
        ),
        _option("Mute for 1 h", "mute"),
        _option("Escalate", "escalate"),
        _option("False alarm", "false_alarm"),
        _option("Expected work: how to declare it", "expected"),
    ]
    return {"type": "overflow", "action_id": "menu", "options": options}


def kind_word(action: Action) -> str:
    """Name the kind of action in a few words."""
    if isinstance(action, CleanFiles):
        return f"clean {action.area}"
    return kind_of(action).replace("_", " ")


def _option(label: str, value: str) -> dict[str, object]:
    return {"text": {"type": "plain_text", "text": cut(label, 75)}, "value": value}
