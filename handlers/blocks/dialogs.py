"""Modals: the second place where Approve may stand, and what people write."""

from bot.learning.drafts import BODY_CHARACTERS, Draft
from bot.learning.feedback import CAUSE_CHARACTERS
from bot.model import Incident
from bot.runbooks.page import TITLE_CHARACTERS
from handlers.blocks.markup import cut, escaped, field, section
from handlers.blocks.proposed import proposed
from remediation.ledger.proposal import Proposal

MAX_REASON = 500


def approve(incident: Incident, proposal: Proposal) -> dict[str, object]:
    """Show the very same facts, hash and consequence as the card; its Approve is the click."""
    return {
        "type": "modal",
        "callback_id": "approve_dialog",
        "private_metadata": proposal.id,
        "title": _plain(f"Approve {incident.number}{proposal.letter}?"),
        "submit": _plain("Approve"),
        "close": _plain("Back"),
        "blocks": _what(incident, proposal),
    }


def break_glass(incident: Incident, proposal: Proposal) -> dict[str, object]:
    """Show the same as `approve`, and ask why nobody else can agree."""
    why = _text("why", "Why can nobody else be asked?", MAX_REASON)
    warning = (
        f"It needs {proposal.needed} people. Breaking the glass approves it with yours "
        "alone. Everybody who may approve is told at once, with your reason."
    )
    return {
        "type": "modal",
        "callback_id": "glass_dialog",
        "private_metadata": proposal.id,
        "title": _plain(f"{proposal.incident}{proposal.letter}: approve alone"[:24]),
        "submit": _plain("Break the glass"),
        "close": _plain("Back"),
        "blocks": [*_what(incident, proposal), section(warning), why],
    }


def _what(incident: Incident, proposal: Proposal) -> list[dict[str, object]]:
    fields = [field(f.label, escaped(f.value)) for f in incident.lead.facts[:8]]
    facts: list[dict[str, object]] = (
        [{"type": "section", "fields": fields}] if fields else []
    )
    return [
        section(f"*{escaped(incident.title)}*\n{escaped(incident.lead.summary)}"),
        *facts,
        section(
            f"{proposed(proposal)}\n"
            f"action {proposal.digest[:8]} · rule {escaped(proposal.rule)}"
        ),
    ]


def say_why(proposal: Proposal) -> dict[str, object]:
    """Ask for the reason of a rejection."""
    return {
        "type": "modal",
        "callback_id": "say_why_dialog",
        "private_metadata": proposal.id,
        "title": _plain(f"Reject {proposal.incident}{proposal.letter}"),
        "submit": _plain("Save"),
        "close": _plain("Back"),
        "blocks": [_text("why", "Why was it the wrong action?", MAX_REASON)],
    }


def correct_cause(incident: Incident) -> dict[str, object]:
    """Ask for the right cause; left empty, only the one that stood is called wrong."""
    stood = incident.diagnosis.summary if incident.diagnosis else "Nobody said any."
    asked = _text("cause", "What was it really?", CAUSE_CHARACTERS)
    hint = _plain("Leave it empty if the cause is not known.")
    return {
        "type": "modal",
        "callback_id": "cause_dialog",
        "private_metadata": str(incident.number),
        "title": _plain(f"Cause of incident {incident.number}"[:24]),
        "submit": _plain("Save"),
        "close": _plain("Back"),
        "blocks": [
            section(f"*The cause that stood*\n{escaped(cut(stood, 1000))}"),
            {**asked, "optional": True, "hint": hint},
        ],
    }


def save_draft(draft: Draft) -> dict[str, object]:
    """Show the runbook that was drafted, to be finished and saved."""
    name = _text("title", "Title", TITLE_CHARACTERS, shown=draft.title, lines=False)
    body = _text("body", "Text (Markdown)", BODY_CHARACTERS, shown=draft.body)
    return {
        "type": "modal",
        "callback_id": "draft_dialog",
        "private_metadata": str(draft.incident),
        "title": _plain("Save as runbook draft"),
        "submit": _plain("Save"),
        "close": _plain("Back"),
        "blocks": [name, body],
    }


def told(title: str, text: str) -> dict[str, object]:
    """Say in the dialog's place what came of it; `text` is plain."""
    return {
        "type": "modal",
        "title": _plain(title),
        "close": _plain("Close"),
        "blocks": [{"type": "section", "text": _plain(cut(text, 2900))}],
    }


def _text(
    name: str, label: str, longest: int, *, shown: str = "", lines: bool = True
) -> dict[str, object]:
    """Return an input by that name, for at most `longest` characters."""
    element: dict[str, object] = {
        "type": "plain_text_input",
        "action_id": name,
        "multiline": lines,
        "max_length": longest,
    }
    if shown:
        element["initial_value"] = shown
    return {
        "type": "input",
        "block_id": name,
        "label": _plain(label),
        "element": element,
    }


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text}
