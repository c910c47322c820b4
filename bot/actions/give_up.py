"""What was tried in vain: counted over a symptom's incidents, and when it is enough, told."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Connection

from bot.actions.calling import call_people
from bot.model import Incident, NoAction
from bot.storage import store
from remediation.action import is_reversible
from remediation.ledger import docket
from remediation.ledger.audit import Sealed, read
from remediation.ledger.ledger import Ledger
from remediation.ledger.proposal import UNDO, State
from remediation.moment import Moment
from remediation.policy import Past, gave_up
from remediation.rules.rulebook import RuleBook

SAME_SYMPTOM = timedelta(hours=24)
"""How far back an incident with one of the same conditions counts."""

_IN_VAIN = frozenset({"action.failed", "verified.unchanged", "verified.worse"})
_HELPED = "verified.recovered"
_CARRIED_OUT = (State.DONE, State.FAILED)


def past_of(tx: Connection, incident: Incident, book: RuleBook, now: Moment) -> Past:
    """Return what was done about this symptom, as far as the rules ask for it."""
    tried = (
        p.state in _CARRIED_OUT and p.rule != UNDO and is_reversible(p.action)
        for p in docket.of(tx, incident.number)
    )
    return Past(
        ineffective=0 if book.give_up_after is None else _in_vain(tx, incident, now),
        is_reversible_tried=any(tried),
    )


def escalate_if_spent(tx: Connection, ledger: Ledger, number: int, now: Moment) -> bool:
    """Take the buttons away and call people when enough was tried; say whether it was.

    An incident that is escalated already is not escalated twice.
    """
    incident = store.get(tx, number)
    spent = gave_up(past_of(tx, incident, ledger.book, now), ledger.book)
    if spent is None or not incident.is_open:
        return False
    ledger.supersede(tx, number, now=now)
    none = NoAction(rule=spent.rule, reason=spent.reason)
    store.bump(tx, number, offered=None, no_action=none)
    text = f"Escalated: {spent.reason} (rule {spent.rule})"
    call_people(tx, incident, text, now)
    return True


def _in_vain(tx: Connection, incident: Incident, now: Moment) -> int:
    """Count the actions that did not help since the last one that did."""
    count = 0
    for entry in sorted(_events(tx, incident, now), key=lambda entry: entry.seq):
        if entry.event.kind in _IN_VAIN:
            count += 1
        elif entry.event.kind == _HELPED:
            count = 0
    return count


def _events(tx: Connection, incident: Incident, now: Moment) -> Iterator[Sealed]:
    keys = {finding.key for finding in incident.findings}
    numbers = {incident.number}
    for other in store.since(tx, now.wall - SAME_SYMPTOM):
        if not keys.isdisjoint(finding.key for finding in other.findings):
            numbers.add(other.number)
    for number in numbers:
        yield from read(tx, incident=number)
