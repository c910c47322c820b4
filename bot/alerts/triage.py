"""Which incident does an alert belong to? Pure: values in, changes out.

An alert joins the incident that holds its condition already, else the open one with
the same culprit, about the same service or told together with it, else it opens a new
one; many at once, or one after the other, are one incident with a list.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.alerts.alert import Alert, Stage
from bot.alerts.alert_findings import DETECTOR as ALERT
from bot.measuring.series import DETECTOR as PROMETHEUS
from bot.model import REQUEST, Finding, Incident, Level
from remediation.rules.drilled import DRILL

STORM = 3
"""More new causes than this in one round are one incident with a list."""
STORM_WINDOW = timedelta(minutes=2)
"""So many within this time are a storm too, of what tells about a whole fleet."""
STILL_COMING = timedelta(minutes=3)
"""What else is told so soon after a storm's newest alert belongs to it."""
LONGEST_STORM = timedelta(minutes=30)
"""After it, what is called otherwise than the storm's alerts is news of its own."""
MOST_FINDINGS = 1000
"""Of a storm; beyond it those that are over are let go."""

HOST_STORM = 6
"""So many incidents of one host within the window: what blames nobody then is a list."""

_OF_FLEET = frozenset({ALERT, PROMETHEUS})
"""Detectors that tell of other hosts. On its own a host has few causes at once, and each
of them may need its action."""

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
            causes=_known_causes(incident),
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
    if incident.is_storm or incident.is_drill:
        return frozenset()
    culprit = {incident.culprit.identity} if incident.culprit else set()
    service = incident.service.name if incident.service else incident.lead.service_name
    groups = {("group", f.group) for f in incident.findings if f.group}
    mounts = {("mount", f.mount) for f in incident.findings if f.mount}
    # Who is found behind it later is behind it, and not a trouble of its own.
    unexplained = (
        set() if culprit or service else {("unexplained", g) for _, g in groups}
    )
    known = culprit | ({service} if service else set())
    return frozenset(known | groups | mounts | unexplained)


def _causes(finding: Finding) -> set[object]:
    """Return what it blames: a process, a service, a process's service, a file system.

    Only what blames nothing goes by the group that it was told in: a group may be
    everything there is, and what names its cause may need an action of its own.
    """
    if finding.detector == DRILL:
        # Its process lives in the bot's own service, whose troubles are real.
        return set()
    if finding.service_name is not None:
        return {finding.service_name}
    if finding.culprit is None and finding.mount:
        return {("mount", finding.mount)}
    if finding.culprit is None:
        return {("group", finding.group)} if finding.group else set()
    unit = finding.culprit.process.unit
    about = {("unexplained", finding.group)} if finding.group else set()
    return {finding.culprit.identity, *([unit] if unit else []), *about}


def _kin_of(storm: Incident, at: datetime) -> frozenset[object]:
    newest = max(f.began or storm.opened_at for f in storm.findings)
    is_fresh = at - max(newest, storm.opened_at) <= STILL_COMING
    goes_on = is_fresh and at - storm.opened_at <= LONGEST_STORM
    kin = {kin for finding in storm.findings for kin in _kin(finding)}
    return frozenset(k for k in kin if goes_on or k[0] == "group")


def _kin(finding: Finding) -> set[tuple[str, ...]]:
    """Return what makes a finding part of a storm: more of the same, or more at once."""
    group = {("group", finding.group, finding.label)} if finding.group else set()
    if finding.detector in _OF_FLEET:
        return {*group, ("detector", finding.detector)}
    # What blames nobody has no action that a list could hide.
    return {*group, *([] if _cause(finding) else [("host", finding.host)])}


def _cause(finding: Finding) -> object:
    """Return what its first alerts are folded by; None where nothing is blamed."""
    culprit = finding.culprit.identity if finding.culprit else None
    return finding.service_name or culprit or finding.mount or finding.group or None


def _fold(incident: Incident, alerts: Sequence[Alert]) -> Change | None:
    known = {finding.key: finding for finding in incident.findings}
    now = {alert.key: _as_of(alert) for alert in alerts}
    joined = tuple(key for key in now if key not in known)
    findings = _led(_trimmed(tuple({**known, **now}.values())))
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


def _trimmed(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Let go of what is over where there is too much; the leading one stays."""
    if len(findings) <= MOST_FINDINGS:
        return findings
    return (findings[0], *(f for f in findings[1:] if not _is_over(f)))


def _led(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Put the worst of what goes on first where the leading one is over."""
    lead = findings[0]
    going = [f for f in findings if not _is_over(f)]
    if lead.detector == REQUEST or not _is_over(lead) or not going:
        return findings
    worse = max(going, key=lambda finding: _ORDER[finding.level])
    return (worse, *(f for f in findings if f is not worse))


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
    if len(causes) + _lately(alerts, open_, at) > STORM:
        return _as_storm(causes)
    crowded = [c for c in causes if _is_crowded(c, open_, at)]
    own = [Opened(alerts=cause) for cause in causes if cause not in crowded]
    return [*own, *_as_storm(crowded)]


def _as_storm(causes: Sequence[tuple[Alert, ...]]) -> list[Change]:
    everything = sorted((alert for cause in causes for alert in cause), key=_first)
    return [Opened(alerts=tuple(everything), is_storm=True)] if everything else []


def _is_crowded(
    cause: tuple[Alert, ...], open_: Sequence[Incident], at: datetime
) -> bool:
    """Say whether it blames nobody, on a host that has begun many incidents lately."""
    finding = cause[0].finding
    if _cause(finding) or finding.detector in _OF_FLEET:
        return False
    fresh = [
        i
        for i in open_
        if i.host == finding.host and at - i.last_opened <= STORM_WINDOW
    ]
    return len(fresh) >= HOST_STORM


def _lately(alerts: Sequence[Alert], open_: Sequence[Incident], at: datetime) -> int:
    """Count the open incidents that the same detectors began within the window."""
    detectors = {alert.finding.detector for alert in alerts} & _OF_FLEET
    return sum(
        incident.lead.detector in detectors
        and at - incident.last_opened <= STORM_WINDOW
        for incident in open_
    )


def _first(alert: Alert) -> tuple[int, bool]:
    # The worst leads; of equals the host's own figure leads before a process.
    return -_ORDER[alert.finding.level], bool(alert.finding.subject)


def worst(findings: Sequence[Finding]) -> Level:
    """Return the worst level among the findings."""
    return max((finding.level for finding in findings), key=_ORDER.__getitem__)
