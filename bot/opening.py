"""What a new incident is, and whether it is an old one that has come back.

The same trouble again within the hour belongs to the same card and thread, unless
somebody acted on it: that an approved fix did not last is news. Nor what was called a
false alarm, or a list, or is older than a day: a card far above is seen by nobody. The
newest of the same name decides; nothing is passed over to reach an older one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from bot.alerts.alert import FLAP_WINDOW
from bot.alerts.triage import Opened, worst
from bot.learning.retell import condition_of, service_of
from bot.lore import FALSE_ALARM, Feedback
from bot.model import REQUEST, STORM, Incident, Phase
from bot.text.words import seconds, title_of
from remediation.ledger.proposal import Proposal, State
from remediation.moment import Moment
from remediation.rules.drilled import DRILL

WITHIN: Final = timedelta(hours=1)
"""What comes back later than this after its end is a new incident."""
AT_MOST: Final = timedelta(hours=24)
"""How old a card may be that is taken up again."""
FLAPS: Final = 3
"""So many returns within `FLAP_WINDOW` are flapping, also of processes that are new."""
_ACTED: Final = frozenset({State.DONE, State.FAILED, State.INTERRUPTED, State.REFUSED})


def draft_of(change: Opened, now: Moment) -> Incident:
    """Draw the incident, without a number yet."""
    findings = tuple(alert.finding for alert in change.alerts)
    lead = findings[0]
    culprit = next((f.culprit for f in findings if f.culprit), None)
    service = next((f.service for f in findings if f.service), None)
    return Incident(
        number=0,
        host=lead.host,
        fingerprint=f"{lead.host}/{STORM}/{now.wall.isoformat()}"
        if change.is_storm
        else lead.key,
        phase=Phase.OPEN,
        level=worst(findings),
        title=title_of(findings, storm=change.is_storm),
        since=min(alert.since for alert in change.alerts),
        opened_at=now.wall,
        findings=findings,
        culprit=None if change.is_storm else culprit,
        service=None if change.is_storm else service,
        flapping=any(alert.is_flapping for alert in change.alerts),
    )


def is_same(earlier: Incident, draft: Incident) -> bool:
    """Say whether both are the same trouble: condition, object and program of a host."""
    if draft.is_storm or earlier.lead.detector in (REQUEST, DRILL):
        return False
    return _name(earlier) == _name(draft)


def goes_on(earlier: Incident, proposals: Sequence[Proposal], now: Moment) -> bool:
    """Say whether it is over, nobody did anything about it, and it is fresh enough."""
    ended = earlier.resolved_at
    if ended is None or earlier.resolution == FALSE_ALARM:
        return False
    is_fresh = now.wall - ended <= WITHIN and now.wall - earlier.opened_at <= AT_MOST
    return is_fresh and all(each.state not in _ACTED for each in proposals)


def taken_up(earlier: Incident, draft: Incident, now: Moment) -> Incident:
    """Return the earlier incident, open again with all that is known now.

    Nobody owns it: whoever took it an hour ago may sleep. Of what was said about it only
    a cause in somebody's own words stays; the opinion is another by now.
    """
    returned = (*earlier.returned, now.wall)
    lately = [when for when in returned if now.wall - when < FLAP_WINDOW]
    return replace(
        draft,
        number=earlier.number,
        opened_at=earlier.opened_at,
        feedback=_own_words(earlier.feedback),
        heard_at=now.wall,
        flapping=earlier.flapping or draft.flapping or len(lately) >= FLAPS,
        returned=returned,
        version=earlier.version + 1,
    )


def return_in_words(earlier: Incident, draft: Incident, now: Moment) -> str:
    """Say that it is back: after how long, and what is seen."""
    quiet = seconds(now.wall - (earlier.resolved_at or now.wall))
    return f"It is back, {quiet} after it was over. {draft.lead.summary}"


def _name(incident: Incident) -> tuple[str, ...]:
    lead, culprit = incident.lead, incident.culprit
    # The pid may be another; the program, the disk, the rule's series are the same.
    about = "" if lead.subject.startswith("process:") else lead.subject
    program = culprit.process.label if culprit else ""
    service = service_of(incident)
    return incident.host, condition_of(incident), about, program, service


def _own_words(said: Feedback | None) -> Feedback | None:
    if said is None or not said.cause:
        return None
    return replace(said, is_right=None, helped=None, helped_by="")
