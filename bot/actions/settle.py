"""How proposals end without an act: taken back, or with the request that they were."""

from sqlalchemy import Connection

from bot.actions.told import tell
from bot.model import REQUEST, Incident, Phase
from bot.storage import store
from remediation.ledger import docket
from remediation.ledger.audit import happened
from remediation.ledger.ledger import Ledger
from remediation.ledger.proposal import State
from remediation.moment import Moment
from remediation.outcome import Outcome, Result, Seen

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
    text = f"Resolved: {how}"
    happened(tx, "incident.resolved", text, now, incident=incident.number)
    return True


def take_back(tx: Connection, ledger: Ledger, number: int, now: Moment) -> None:
    """End what the bot proposed itself and nobody has begun, approved or not.

    What a person asked for stays, an undo too: who names a target oneself meant it.
    """
    ledger.supersede(tx, number, now=now, own_only=True)
    why = "Not carried out: it makes less of the problem by now"
    outcome = Outcome(result=Result.REFUSED, seen=Seen.UNKNOWN, summary=why)
    for proposal in docket.of(tx, number):
        is_next = proposal.state is State.APPROVED and proposal.is_bots_own
        if is_next and ledger.refuse(tx, proposal.id, outcome):
            tell(tx, proposal, "action.refused", why, now)
