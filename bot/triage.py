"""Which incident does an alert belong to? Pure: values in, changes out.

An alert joins the incident that holds its condition already, else the open one with
the same culprit or about the same service, else it opens a new one; many at once open
one with a list.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.alerts import Alert, Stage
from bot.model import Finding, Incident, Level

STORM = 3
"""More new causes than this on one host in one round are one incident with a list."""

_ORDER = {Level.OK: 0, Level.UNKNOWN: 1, Level.WARNING: 2, Level.CRITICAL: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A new cause: the alerts it shows in, the leading one first."""

    alerts: tuple[Alert, ...]
    is_storm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """An open incident whose findings changed; `joined` holds new conditions' keys.

    ended: whether one of its conditions is over now; that is told only once.
    """

    incident: Incident
    joined: tuple[str, ...]
    worsened: bool
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """An open incident all of whose conditions are over."""

    incident: Incident


Change = Opened | Updated | Resolved


def triage(open_: Sequence[Incident], alerts: Sequence[Alert]) -> list[Change]:
    """Sort this round's firing and ended alerts into incidents.

    `alerts`: all that are firing or just over. An incident is resolved when every
    one of its conditions is over, or was measured as well, in this round or before.
    """
    changes: list[Change] = []
    fresh = [alert for alert in alerts if alert.stage is Stage.FIRING]
    for incident in open_:
        mine = [a for a in alerts if _belongs(a, incident)]
        fresh = [alert for alert in fresh if alert not in mine]
        change = _fold(incident, mine)
        if change is not None:
            changes.append(change)
    return changes + _open(fresh)


def _belongs(alert: Alert, incident: Incident) -> bool:
    if alert.key in {finding.key for finding in incident.findings}:
        return True
    if not alert.is_firing or alert.finding.host != incident.host:
        return False
    return bool(_causes(alert.finding) & _known_causes(incident))


def _known_causes(incident: Incident) -> set[object]:
    culprit = {incident.culprit.identity} if incident.culprit else set()
    pointed = None if incident.is_storm else incident.lead.service_name
    service = incident.service.name if incident.service else pointed
    return culprit | ({service} if service else set())


def _causes(finding: Finding) -> set[object]:
    """Return what the finding blames: a process, a service, the service it runs in."""
    if finding.service_name is not None:
        return {finding.service_name}
    if finding.culprit is None:
        return set()
    unit = finding.culprit.process.unit
    return {finding.culprit.identity, *([unit] if unit else [])}


def _cause(finding: Finding) -> object:
    if finding.service_name is not None:
        return finding.service_name
    return finding.culprit.identity if finding.culprit else None


def _fold(incident: Incident, alerts: Sequence[Alert]) -> Change | None:
    known = {finding.key: finding for finding in incident.findings}
    now = {alert.key: _as_of(alert) for alert in alerts}
    joined = tuple(key for key in now if key not in known)
    findings = tuple({**known, **now}.values())
    if all(map(_is_over, findings)) and alerts:
        return Resolved(incident=replace(incident, findings=findings))
    if findings == incident.findings:
        return None
    level = worst(findings)
    worsened = _ORDER[level] > _ORDER[incident.level]
    changed = replace(
        incident,
        findings=findings,
        level=level if worsened else incident.level,
        flapping=incident.flapping or any(alert.is_flapping for alert in alerts),
    )
    ended = any(
        _is_over(finding) and not _is_over(known[key])
        for key, finding in now.items()
        if key in known
    )
    return Updated(incident=changed, joined=joined, worsened=worsened, ended=ended)


def _is_over(finding: Finding) -> bool:
    return finding.level is Level.OK


def _as_of(alert: Alert) -> Finding:
    # While it recovers a condition still counts as bad; only OVER makes it OK.
    finding = alert.finding
    if alert.stage is Stage.RECOVERING and finding.level is Level.OK:
        return replace(finding, level=Level.WARNING)
    return finding


def _open(alerts: Sequence[Alert]) -> list[Change]:
    groups: dict[object, list[Alert]] = {}
    for alert in alerts:
        cause = _cause(alert.finding) or alert.key
        groups.setdefault((alert.finding.host, cause), []).append(alert)
    causes = [tuple(sorted(group, key=_first)) for group in groups.values()]
    if len(causes) <= STORM:
        return [Opened(alerts=cause) for cause in causes]
    everything = sorted((alert for cause in causes for alert in cause), key=_first)
    return [Opened(alerts=tuple(everything), is_storm=True)]


def _first(alert: Alert) -> tuple[int, bool]:
    # The worst leads; of equals the host's own figure leads before a process.
    return -_ORDER[alert.finding.level], bool(alert.finding.subject)


def worst(findings: Sequence[Finding]) -> Level:
    """Return the worst level among the findings."""
    return max((finding.level for finding in findings), key=_ORDER.__getitem__)
