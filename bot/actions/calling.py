"""Calling people: the incident's phase and its event, together, and once.

Whoever calls them: a person, the sweep of `oncall/escalate.py`, or what was tried in vain.
"""

from sqlalchemy import Connection

from bot.model import Incident, Phase
from bot.storage import store
from remediation.ledger.audit import happened
from remediation.moment import Moment


def call_people(
    tx: Connection,
    incident: Incident,
    text: str,
    now: Moment,
    actor: str | None = None,
) -> Incident:
    """Escalate it; where people were called already nothing is told again.

    A drill calls nobody, whatever becomes of it.
    """
    if incident.phase is Phase.ESCALATED or incident.is_drill:
        return incident
    kind, number = "incident.escalated", incident.number
    happened(tx, kind, text, now, incident=number, actor=actor)
    return store.bump(tx, number, phase=Phase.ESCALATED)
