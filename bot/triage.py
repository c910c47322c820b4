"""Which incident does an alert belong to? Pure: values in, changes out.

An alert joins the incident that holds its condition already, else the open one with
the same culprit, about the same service or told together with it, else it opens a new
one; many at once, or one after the other, are one incident with a list.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.alerts import Alert, Stage
from bot.model import Finding, Incident, Level

STORM = 3
"""More new causes than this in one round are one incident with a list."""
STORM_WINDOW = timedelta(minutes=2)
"""More of the same detector that begin within this time belong to the storm as well."""

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


def triage(
    open_: Sequence[Incident], alerts: Sequence[Alert], at: datetime
) -> list[Change]:
    """Sort this round's firing and ended alerts into incidents.

    `alerts`: all that are firing or just over. at: now. An incident is resolved when
    every one of its conditions is over, or was measured as well, in this round or before.
    """
    changes: list[Change] = []
    taken = {finding.key for incident in open_ for finding in incident.findings}
    for incident in open_:
        ties = _Ties.of(incident, at)
        mine = [a for a in alerts if ties.hold(a, is_taken=a.key in taken)]
        taken |= {alert.key for alert in mine}
        change = _fold(incident, mine)
        if change is not None:
            changes.append(change)
    fresh = [a for a in alerts if a.stage is Stage.FIRING and a.key not in taken]
    return changes + _open(fresh, open_, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ties:
    """What makes an alert part of an incident.

    keys: its conditions. causes: what it blames, on its host. kin: of a storm, what its
    alerts have in common with those that may still come, on any host.
    """

    host: str
    keys: frozenset[str]
    causes: frozenset[object]
    kin: frozenset[object]

    @classmethod
    def of(cls, incident: Incident, at: datetime) -> "_Ties":
        return cls(
            host=incident.host,
            keys=frozenset(finding.key for finding in incident.findings),
            causes=frozenset() if incident.is_storm else _known_causes(incident),
            kin=_kin_of(incident, at) if incident.is_storm else frozenset(),
        )

    def hold(self, alert: Alert, *, is_taken: bool) -> bool:
        """Say whether it belongs there. is_taken: an incident has it already."""
        if is_taken or not alert.is_firing:
            return alert.key in self.keys
        finding = alert.finding
        is_here = finding.host == self.host
        if is_here and not self.causes.isdisjoint(_causes(finding)):
            return True
        return not self.kin.isdisjoint(_kin(finding))


def _known_causes(incident: Incident) -> frozenset[object]:
    culprit = {incident.culprit.identity} if incident.culprit else set()
    service = incident.service.name if incident.service else incident.lead.service_name
    groups = {group for finding in incident.findings for group in _group(finding)}
    return frozenset(culprit | ({service} if service else set()) | groups)


def _causes(finding: Finding) -> set[object]:
    """Return what the finding blames: a process, a service, the service it runs in."""
    if finding.service_name is not None:
        return {finding.service_name, *_group(finding)}
    if finding.culprit is None:
        return {*_group(finding)}
    unit = finding.culprit.process.unit
    return {finding.culprit.identity, *([unit] if unit else []), *_group(finding)}


def _group(finding: Finding) -> set[tuple[str, str]]:
    """Return what it was told together with, if anything."""
    return {("group", finding.group)} if finding.group else set()


def _kin_of(storm: Incident, at: datetime) -> frozenset[object]:
    goes_on = at - storm.opened_at <= STORM_WINDOW
    kin = {kin for finding in storm.findings for kin in _kin(finding)}
    return frozenset(k for k in kin if goes_on or k[0] == "group")


def _kin(finding: Finding) -> set[tuple[str, str]]:
    return {("detector", finding.detector), *_group(finding)}


def _cause(finding: Finding) -> object:
    """Return what its first alerts are folded by; None where nothing is blamed."""
    culprit = finding.culprit.identity if finding.culprit else None
    return finding.service_name or culprit or finding.group or None


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


def _open(
    alerts: Sequence[Alert], open_: Sequence[Incident], at: datetime
) -> list[Change]:
    groups: dict[object, list[Alert]] = {}
    for alert in alerts:
        cause = _cause(alert.finding) or alert.key
        groups.setdefault((alert.finding.host, cause), []).append(alert)
    causes = [tuple(sorted(group, key=_first)) for group in groups.values()]
    if len(causes) + _lately(alerts, open_, at) <= STORM:
        return [Opened(alerts=cause) for cause in causes]
    everything = sorted((alert for cause in causes for alert in cause), key=_first)
    return [Opened(alerts=tuple(everything), is_storm=True)] if everything else []


def _lately(alerts: Sequence[Alert], open_: Sequence[Incident], at: datetime) -> int:
    """Count the open incidents that the same detectors began within the window."""
    detectors = {alert.finding.detector for alert in alerts}
    return sum(
        incident.lead.detector in detectors and at - incident.opened_at <= STORM_WINDOW
        for incident in open_
    )


def _first(alert: Alert) -> tuple[int, bool]:
    # The worst leads; of equals the host's own figure leads before a process.
    return -_ORDER[alert.finding.level], bool(alert.finding.subject)


def worst(findings: Sequence[Finding]) -> Level:
    """Return the worst level among the findings."""
    return max((finding.level for finding in findings), key=_ORDER.__getitem__)
