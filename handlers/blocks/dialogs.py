"""Modals: the second place where Approve may stand, and the reason for a rejection."""

from bot.model import Incident
from handlers.blocks.markup import escaped, field, section
from handlers.blocks.proposed import proposed
from remediation.proposal import Proposal

MAX_REASON = 500


def approve(incident: Incident, proposal: Proposal) -> dict[str, object]:
    """Show the very same facts, hash and consequence as the card; its Approve is the click."""
    name = f"{incident.number}{proposal.letter}"
    fields = [field(f.label, escaped(f.value)) for f in incident.lead.facts[:8]]
    facts: list[dict[str, object]] = (
        [{"type": "section", "fields": fields}] if fields else []
    )
    return {
        "type": "modal",
        "callback_id": "approve_dialog",
        "private_metadata": proposal.id,
        "title": _plain(f"Approve {name}?"),
        "submit": _plain("Approve"),
        "close": _plain("Back"),
        "blocks": [
            section(f"*{escaped(incident.title)}*\n{escaped(incident.lead.summary)}"),
            *facts,
            section(
                f"{proposed(proposal)}\n"
                f"action {proposal.digest[:8]} · rule {escaped(proposal.rule)}"
            ),
        ],
    }


def say_why(proposal: Proposal) -> dict[str, object]:
    """Ask for the reason of a rejection."""
    reason = {
        "type": "input",
        "block_id": "why",
        "label": _plain("Why was it the wrong action?"),
        "element": {
            "type": "plain_text_input",
            "action_id": "why",
            "multiline": True,
            "max_length": MAX_REASON,
        },
    }
    return {
        "type": "modal",
        "callback_id": "say_why_dialog",
        "private_metadata": proposal.id,
        "title": _plain(f"Reject {proposal.incident}{proposal.letter}"),
        "submit": _plain("Save"),
        "close": _plain("Back"),
        "blocks": [reason],
    }


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text}
