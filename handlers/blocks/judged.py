"""What people said after the end, on the closed card: above every opinion."""

from bot.model import Incident
from handlers.blocks.markup import escaped, mention, section

NOTED = (
    "Noted in the thread under your name. "
    "Only what an approver says changes what I remember of it."
)
"""Said to whoever is no approver."""


def judged(incident: Incident) -> dict[str, object] | None:
    """Return the section that tells it; None where nobody said anything."""
    said = incident.feedback
    if said is None:
        return None
    told = []
    if said.cause:
        told.append(
            f"*Cause, as corrected*: {escaped(said.cause)} ({mention(said.by)})"
        )
    elif said.is_right is not None:
        verdict = "right" if said.is_right else "wrong"
        told.append(f"The cause is *{verdict}* ({mention(said.by)})")
    if said.helped is not None:
        verdict = "helped" if said.helped else "did not help"
        told.append(f"The action *{verdict}* ({mention(said.helped_by or said.by)})")
    return section(" · ".join(told)) if told else None
