"""What is measured now: each condition's latest finding and its alert, in memory.

Owned by `respond.py`, whose turn guards every change; reading needs no turn.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager

from bot.alerts.alert import FLAP_WINDOW, Alert, Stage, Timing, advance
from bot.model import Finding, Incident, Level, Measured
from remediation.moment import Moment


class Conditions:
    """Alerts and latest findings by the condition's key.

    brief: called with the last bad finding of what was over before it fired.
    """

    def __init__(self, brief: Callable[[Finding], None]) -> None:
        self._brief = brief
        self._alerts: dict[str, Alert] = {}
        self._latest: dict[str, Measured] = {}
        self._held: Container[str] = ()
        self._is_torn = False

    @property
    def latest(self) -> Mapping[str, Measured]:
        """The latest finding of every condition, with its instant."""
        return self._latest

    def watched(self, detector: str) -> frozenset[str]:
        """Return the subjects of a detector whose alert is not over, or that are held.

        What is well again before an action has ended must still be told of after it.
        """
        # A copy in one step: status must not wait for evidence.
        alerts = list(self._alerts.values())
        return frozenset(
            alert.finding.subject
            for alert in alerts
            if alert.finding.detector == detector
            and (alert.stage is not Stage.OVER or alert.key in self._held)
        )

    def current(self) -> Mapping[str, Finding]:
        """Return the latest finding of every condition."""
        return {key: measured.finding for key, measured in dict(self._latest).items()}

    def advance(self, finding: Finding, timing: Timing, now: Moment) -> Alert | None:
        """Take one finding in; return its alert, None where all is simply well."""
        measured = Measured.of(finding, now)
        self._latest[finding.key] = measured
        before = self._alerts.get(finding.key)
        alert = advance(before, finding, timing.of(finding), measured.at.boot)
        if before and _was_brief(before, alert):
            self._brief(before.finding)
        if alert is None:
            self._alerts.pop(finding.key, None)
            if finding.is_passing:
                self._latest.pop(finding.key, None)
        else:
            self._alerts[finding.key] = alert
        return alert

    def has_just_fired(self, alert: Alert) -> bool:
        """Say whether this measurement made it fire."""
        measured = self._latest.get(alert.key)
        is_now = measured is not None and alert.stage_since == measured.at.boot
        return alert.stage is Stage.FIRING and is_now

    def is_clear(self, finding: Finding) -> bool:
        """Say whether this condition was measured as well, and its alert is over."""
        measured = self._latest.get(finding.key)
        alert = self._alerts.get(finding.key)
        is_over = alert is None or alert.stage is Stage.OVER
        return is_over and measured is not None and measured.finding.is_well

    def fresh(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Return the latest of each; the old one where nothing was measured since."""
        latest = ((old, self._latest.get(old.key)) for old in findings)
        return tuple(new.finding if new else old for old, new in latest)

    def end(self, findings: Sequence[Finding]) -> None:
        """Forget the alerts of conditions that were verified as well."""
        for finding in findings:
            self._alerts.pop(finding.key, None)

    def forget_over(self, held: Container[str], now: float) -> None:
        """Forget what has passed and whose alert is over, unless an open incident has it.

        held: keys of conditions. Relapses count for half an hour; then nothing is left.
        """
        self._held = held
        for key, alert in list(self._alerts.items()):
            kept = alert.stage is not Stage.OVER or not alert.finding.is_passing
            if kept or key in held:
                continue
            self._latest.pop(key, None)
            window = FLAP_WINDOW.total_seconds()
            if not alert.relapses or now - alert.relapses[-1] >= window:
                self._alerts.pop(key)

    def take_up(self, open_: Sequence[Incident], now: Moment) -> None:
        """Take up the open incidents of an earlier run: their alerts are firing."""
        for incident in open_:
            for finding in incident.findings:
                self._alerts[finding.key] = Alert(
                    stage=Stage.FIRING,
                    since=incident.since,
                    began=now.boot,
                    stage_since=now.boot,
                    finding=finding,
                )

    def mend(self, open_: Sequence[Incident], now: Moment) -> None:
        """After a round that failed: what it wrote before it did is firing nonetheless."""
        if self._is_torn:
            known = dict(self._alerts)
            self.take_up(open_, now)
            self._alerts |= known
            self._is_torn = False

    @contextmanager
    def unless_it_fails(self) -> Iterator[None]:
        """Take the alerts back if the database did not take what they led to."""
        before, done = dict(self._alerts), False
        try:
            yield
            done = True
        finally:
            if not done:
                self._alerts, self._is_torn = before, True


def _was_brief(before: Alert, now: Alert | None) -> bool:
    """Say whether something bad is over that nobody was told of."""
    is_over = now is None or now.stage is Stage.OVER
    bad = before.finding.level in (Level.WARNING, Level.CRITICAL)
    return before.stage is Stage.PENDING and is_over and bad
