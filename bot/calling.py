"""Calling people: the incident's phase and its event, together, and once.

Whoever calls them: a person, the sweep of `escalate.py`, or what was tried in vain.
"""

from sqlalchemy import Connection

from bot import store
from bot.model import Incident, Phase
from remediation.audit import Event, append
from remediation.moment import Moment


def call_people(
    tx: Connection,
    incident: Incident,
    text: str,
    now: Moment,
    actor: str | None = None,
) -> Incident:
    """Escalate it; where people were called already nothing is told again."""
    if incident.phase is Phase.ESCALATED:
        return incident
    kind, number = "incident.escalated", incident.number
    append(tx, Event(kind=kind, text=text, at=now.wall, incident=number, actor=actor))
    return store.bump(tx, number, phase=Phase.ESCALATED)
