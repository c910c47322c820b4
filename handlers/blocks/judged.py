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
        told.append(f"*Cause, as corrected*: {escaped(said.cause)}")
    elif said.is_right is not None:
        told.append(f"The cause is *{'right' if said.is_right else 'wrong'}*")
    if said.helped is not None:
        told.append(f"The action *{'helped' if said.helped else 'did not help'}*")
    return section(f"{' · '.join(told)} ({mention(said.by)})") if told else None
