"""Whom an incident blames, and whether its findings still do. Pure.

Shares move: who made the trouble when the card came may make little of it now, and no kill
is offered for less than half of a problem.
"""

from typing import Final

from bot.blame.suspects import percent, whom
from bot.model import REQUEST, Culprit, Incident, Level

LET_GO: Final = 0.4
"""Below this share nobody is blamed any more; above a half somebody is blamed anew."""


def late_culprit(incident: Incident) -> Culprit | None:
    """Return a culprit that was found after the incident was opened without one."""
    about = incident.culprit or incident.service
    if incident.is_storm or about is not None or incident.offered:
        return None
    return next((f.culprit for f in incident.findings if f.culprit), None)


def blame_is_outdated(incident: Incident) -> bool:
    """Say whether what is wrong now names others, and its culprit not even in part."""
    culprit = incident.culprit
    if culprit is None or incident.is_storm or incident.lead.detector == REQUEST:
        return False
    bad = [f for f in incident.findings if f.level in (Level.WARNING, Level.CRITICAL)]
    telling = [f for f in bad if f.culprits]
    shares = [
        its.share
        for finding in telling
        for its in finding.culprits
        if _key(its) == _key(culprit)
    ]
    return bool(telling) and max(shares, default=0.0) < LET_GO


def _key(culprit: Culprit) -> tuple[str, int, int]:
    """Return what stays, also where it executes another program: the click says so."""
    identity = culprit.identity
    return identity.boot_id, identity.pid, identity.start_ticks


def present_culprit(incident: Incident) -> Culprit | None:
    """Return who makes half of what is wrong now."""
    found = (f.culprit for f in incident.findings if not f.is_well)
    return next((culprit for culprit in found if culprit), None)


def blame_in_words(incident: Incident) -> str:
    """Say who is blamed from now on; what was proposed before is taken back."""
    culprit = incident.culprit
    if culprit is None:
        return "Nobody makes half of it any more; what was proposed is taken back."
    return f"Now {percent(culprit.share)} of it is made by {whom(culprit)}."
