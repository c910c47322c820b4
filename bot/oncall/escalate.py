"""Calling people when nobody came, or when what was done did not help.

A sweep over the open incidents. Whoever takes one stops it; a muted one calls nobody.
"""

from collections.abc import Sequence
from datetime import timedelta

from bot.actions.calling import call_people
from bot.model import REQUEST, Incident, Level, Phase
from bot.ports import Wakeable
from bot.storage import store
from bot.storage.record import Record
from bot.text.words import seconds
from remediation.ledger.proposal import Proposal, State
from remediation.moment import Moment
from remediation.rules.drilled import DRILL
from remediation.verify import Verdict

_ENDED_BADLY = (State.FAILED, State.INTERRUPTED)
_BUSY = (State.APPROVED, State.EXECUTING)
_NO_HELP = (Verdict.UNCHANGED, Verdict.WORSE)


class Escalate:
    """Escalates what waits too long. after: for a critical incident."""

    def __init__(self, *, record: Record, poster: Wakeable, after: timedelta) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._poster = poster
        self._after = after

    def sweep(self) -> None:
        """Look at every open incident once."""
        now = self._clock.now()
        with self._database.read() as tx:
            waiting = [i for i in store.opened(tx) if _may_call(i, now)]
            known = [(i, self._ledger.of(tx, i.number)) for i in waiting]
        for incident, proposals in known:
            if reason := why(incident, proposals, now, self._after):
                self._escalate(incident, reason, now)

    def _escalate(self, incident: Incident, reason: str, now: Moment) -> None:
        with self._database.write() as tx:
            kept = store.get(tx, incident.number)
            if not _may_call(kept, now):
                return
            call_people(tx, kept, f"Escalated: {reason}", now)
        self._poster.wake()


def why(
    incident: Incident, proposals: Sequence[Proposal], now: Moment, after: timedelta
) -> str | None:
    """Return why people must be called for this incident, if they must. Pure."""
    if not _may_call(incident, now) or any(p.state in _BUSY for p in proposals):
        return None
    ended = [p for p in proposals if p.state in _ENDED_BADLY]
    if ended:
        return f"the action {incident.number}{ended[-1].letter} {ended[-1].state}"
    if incident.verification and incident.verification.verdict in _NO_HELP:
        return f"the action did not help: {incident.verification.verdict}"
    # What nobody could hear waited for nobody.
    waited = now.wall - max(incident.opened_at, incident.heard_at or incident.opened_at)
    if incident.level is not Level.CRITICAL or waited < after:
        return None
    missing = "decided" if any(p.is_pending for p in proposals) else "took it"
    return f"nobody {missing} within {seconds(after)}"


def _may_call(incident: Incident, now: Moment) -> bool:
    quiet = incident.muted_until is not None and incident.muted_until > now.wall
    return (
        incident.phase is Phase.OPEN
        and incident.owner is None
        and incident.lead.detector not in (REQUEST, DRILL)
        and incident.check is None
        and not quiet
    )
