"""One incident as one line of JSON: what happened, what was done, what came of it. Pure.

The fields are a promise to whoever reads them by program: `README.md` lists them.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.learning.retell import case_of
from bot.lore import Diagnosis
from bot.model import Incident, Verification
from remediation.action import in_words, kind_of
from remediation.ledger.audit import Sealed
from remediation.ledger.proposal import Proposal

Fields = dict[str, object]


def incident_line(
    incident: Incident, proposals: Sequence[Proposal], events: Sequence[Sealed]
) -> str:
    """Return the line, without its end."""
    return json.dumps(_incident(incident, proposals, events))


def _incident(
    incident: Incident, proposals: Sequence[Proposal], events: Sequence[Sealed]
) -> Fields:
    over = None if incident.is_open else case_of(incident, proposals)
    return {
        "number": incident.number,
        "host": incident.host,
        "service": incident.unit_name,
        "title": incident.title,
        "conditions": [finding.detector for finding in incident.findings],
        "level": incident.level,
        "phase": incident.phase,
        "since": _time(incident.since),
        "opened_at": _time(incident.opened_at),
        "returned": [_time(when) for when in incident.returned],
        "resolved_at": _time(incident.resolved_at),
        "resolution": incident.resolution,
        "owner": incident.owner,
        "opinion": _opinion(incident.diagnosis),
        "actions": [_action(proposal) for proposal in proposals],
        "measured": _measured(incident.verification),
        # As memory has it: rejected, by itself, a false alarm, and what people said.
        "outcome": over.outcome if over else None,
        "confirmed": over.confirmed if over else None,
        "events": [_event(sealed) for sealed in events],
    }


def _opinion(diagnosis: Diagnosis | None) -> Fields | None:
    if diagnosis is None:
        return None
    return {"author": diagnosis.author, "summary": diagnosis.summary}


def _action(proposal: Proposal) -> Fields:
    outcome = proposal.outcome
    return {
        "letter": proposal.letter,
        "kind": kind_of(proposal.action),
        "text": in_words(proposal.action),
        "hash": proposal.digest,
        "state": proposal.state,
        "proposed_at": _time(proposal.created_at),
        "requested_by": proposal.requested_by,
        "approvers": list(proposal.voters),
        "approvals_needed": proposal.needed,
        "alone": any(vote.broke_glass for vote in proposal.votes),
        "decided_by": proposal.decided_by,
        "decided_at": _time(proposal.decided_at),
        "rule": proposal.rule,
        "note": proposal.note,
        "result": outcome.result if outcome else None,
        "seen": outcome.seen if outcome else None,
        "said": outcome.summary if outcome else None,
    }


def _measured(found: Verification | None) -> Fields | None:
    if found is None:
        return None
    return {
        "verdict": found.verdict,
        "figures": found.figures,
        "took_seconds": _seconds(found.took),
    }


def _event(sealed: Sealed) -> Fields:
    event = sealed.event
    return {
        "seq": sealed.seq,
        "at": _time(event.at),
        "kind": event.kind,
        "actor": event.actor,
        "text": event.text,
        "hash": sealed.hash,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span else None
