"""What other systems tell: the alerts in the inbox, each a condition of the host it names.

Unit, limits, `for`: the sender's own; it has waited and judged already, so a told alert
fires at once and is over when its sender says so. A sender that falls silent for
`alerts.forgotten_after` leaves open how things stand, and that is said. Nothing here
trusts an alert: it opens a card, and acting takes a person as ever.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from bot.alert_findings import finding_of, is_news, subject_of
from bot.durations import Duration
from bot.host import HostContext
from bot.inbound.inbox import KeptAlert
from bot.model import Finding, Level
from bot.series import Subject
from bot.settings import DetectorSection
from bot.words import seconds


class AlertSection(DetectorSection):
    """What the labels mean stands in `alerts`. for, keep_firing_for: the sender waited."""

    needs_host: ClassVar[bool] = False
    has_limits: ClassVar[bool] = False

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=1
    )
    for_: Duration = Field(default=timedelta(0), alias="for")
    keep_firing_for: Duration = timedelta(0)
    warning: float = 0
    critical: float = 0


class AlertDetector:
    """Reads the inbox."""

    name = "alert"
    Section = AlertSection

    def __init__(self, section: AlertSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._known: Mapping[str, Finding] = {}

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Read once; what is watched and does not fire any more is over."""
        now = self._host.clock.now().wall
        kept = [k for k in self._host.inbox() if is_news(k.alert, self._host.alerts)]
        found = {f.subject: f for f in (self._finding(one, now) for one in kept)}
        gone = {subject: self._over(subject, now) for subject in watched}
        self._known = found
        return list({**gone, **found}.values())

    def _finding(self, kept: KeptAlert, now: datetime) -> Finding:
        subject = subject_of(kept.alert, self._host.alerts)
        made = finding_of(kept.alert, subject, self._host.alerts, at=now)
        silent = now - kept.heard_at
        if silent < self._host.alerts.forgotten_after:
            return made
        for_how_long = seconds(silent)
        said = f"{kept.alert.source.capitalize()} has told nothing of it for {for_how_long}"
        summary = f"{said}; how it stands is not known."
        return replace(made, level=Level.OK, value=None, shown="", summary=summary)

    def _over(self, text: str, now: datetime) -> Finding:
        subject = Subject.of(text)
        known = self._known.get(text) or finding_of(
            None, subject, self._host.alerts, at=now
        )
        return replace(
            known,
            value=0.0,
            level=Level.OK,
            at=now,
            shown="over",
            summary=f"{known.label} of {subject.host} is over, says who told of it.",
        )


DETECTOR = AlertDetector
