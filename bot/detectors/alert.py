"""What other systems tell: the alerts in the inbox, each a condition of the host it names.

Unit, limits, `for`: the sender's own; it has waited and judged already, so a told alert
fires at once and is over when its sender says so. A sender that falls silent for
`alerts.forgotten_after` leaves open how things stand, and that is said. Nothing here
trusts an alert: it opens a card, and acting takes a person as ever.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final

from pydantic import Field

from bot.alert_findings import finding_of, is_news, subject_of
from bot.durations import Duration
from bot.host import HostContext
from bot.inbound.inbox import KeptAlert
from bot.inbound.told import AlertKey, ToldAlert
from bot.model import Finding, Level
from bot.series import Subject, only
from bot.settings import DetectorSection
from bot.words import seconds

ALERTMANAGER: Final = "alertmanager"
"""The subject of Alertmanager itself; an alert's has an @ in it."""


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
        self._known: Mapping[str, tuple[ToldAlert | None, Finding]] = {}
        self._made: Mapping[AlertKey, tuple[ToldAlert, Finding]] = {}

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Read once; what is watched and does not fire any more is over."""
        now = self._host.clock.now().wall
        kept = [k for k in self._host.inbox() if is_news(k.alert, self._host.alerts)]
        self._made = {k.alert.key: self._read(k.alert, now) for k in kept}
        found = {f.subject: f for f in (self._as_it_stands(k, now) for k in kept)}
        gone = set(watched) - set(found) - {ALERTMANAGER}
        over = [self._over(text, now) for text in sorted(gone)]
        self._known = {made[1].subject: made for made in self._made.values()}
        return [*found.values(), *over, *self._of_alertmanager(watched, now)]

    def _read(self, alert: ToldAlert, now: datetime) -> tuple[ToldAlert, Finding]:
        # Its words are cleaned once: a storm is looked at each second.
        before, made = self._made.get(alert.key, (None, None))
        if made is not None and before == alert:
            return alert, replace(made, at=now)
        subject = subject_of(alert, self._host.alerts)
        return alert, finding_of(alert, subject, self._host.alerts, at=now)

    def _as_it_stands(self, kept: KeptAlert, now: datetime) -> Finding:
        """Return its finding; one of which nobody told for long is not called firing."""
        _, made = self._made[kept.alert.key]
        silent = now - kept.heard_at
        if silent < self._host.alerts.forgotten_after:
            return made
        who = kept.alert.source.capitalize()
        said = f"{who} has told nothing of it for {seconds(silent)}"
        summary = f"{said}; how it stands is not known."
        return replace(made, level=Level.OK, value=None, shown="", summary=summary)

    def _over(self, text: str, now: datetime) -> Finding:
        subject = Subject.of(text)
        unknown = finding_of(None, subject, self._host.alerts, at=now)
        alert, known = self._known.get(text, (None, unknown))
        who = alert.source.capitalize() if alert else "Whoever told it"
        return replace(
            known,
            value=0.0,
            level=Level.OK,
            at=now,
            shown="over",
            summary=f"{who} says that {known.label} of {subject.host} is over.",
        )

    def _of_alertmanager(
        self, watched: Collection[str], now: datetime
    ) -> Iterator[Finding]:
        """Yield how Alertmanager itself stands, while it is or was not to be asked."""
        why = self._host.deaf()
        if not why and ALERTMANAGER not in watched:
            return
        said = f"{why}. What is muted here is not silenced there"
        yield Finding(
            detector=self.name,
            host=self._host.name,
            subject=ALERTMANAGER,
            label="Alertmanager",
            unit="",
            value=None if why else 1.0,
            limits=only(0),
            level=Level.UNKNOWN if why else Level.OK,
            summary=f"Alertmanager does not answer: {said}."
            if why
            else "Alertmanager answers again.",
            at=now,
            series="",
            shown="" if why else "answers",
            hold_for=timedelta(minutes=1),
            is_passing=True,
        )


DETECTOR = AlertDetector
