"""An incident that was only a request ends with its last proposal."""

from sqlalchemy import Connection

from bot import store
from bot.model import REQUEST, Incident, Phase
from remediation import docket
from remediation.audit import Event, append
from remediation.moment import Moment
from remediation.proposal import State

_UNDECIDED = (State.PENDING, State.APPROVED, State.EXECUTING)


def settle_request(tx: Connection, incident: Incident, how: str, now: Moment) -> bool:
    """Resolve a request of which nothing is pending any more; say whether it was.

    No detector complained, so there is nothing to measure: what was seen is the end.
    """
    waiting = [p for p in docket.of(tx, incident.number) if p.state in _UNDECIDED]
    if incident.lead.detector != REQUEST or waiting or not incident.is_open:
        return False
    done = {"phase": Phase.RESOLVED, "resolved_at": now.wall, "offered": None}
    store.bump(tx, incident.number, resolution=how, **done)
    closed = Event(
        kind="incident.resolved",
        text=f"Resolved: {how}",
        at=now.wall,
        incident=incident.number,
    )
    append(tx, closed)
    return True
