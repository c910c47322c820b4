"""What other systems tell: the alerts in the inbox, each a condition of the host it names.

Unit, limits, `for`: the sender's own; it has waited and judged already, so a told alert
fires at once and is over when its sender says so. A sender that falls silent for
`alerts.forgotten_after` leaves open how things stand, and that is said. Nothing here
trusts an alert: it opens a card, and acting takes a person as ever.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final

from pydantic import Field

from bot.alerts.alert_findings import finding_of, is_news, rest_of, subject_of
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.inbound.inbox import MOST_FIRING, KeptAlert
from bot.inbound.told import AlertKey, ToldAlert
from bot.measuring.series import Subject, only
from bot.model import Finding, Level
from bot.text.words import seconds

ALERTMANAGER: Final = "alertmanager"
ROOM: Final = "room"
"""Subjects of Alertmanager itself and of the inbox; an alert's has an @ in it."""

EACH: Final = 100
"""Alerts of one name that are conditions of their own; the rest is one together."""
MOST: Final = 1000
"""Of all names; the rest of these is one together, too."""
TIGHT: Final = 0.9
_OTHERS: Final = "others"


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
        self._made: Mapping[AlertKey, tuple[ToldAlert, Finding]] = {}

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Read once; what is watched and does not fire any more is over."""
        now = self._host.clock.now().wall
        # A round that ended in a full disk led to nothing.
        last = self._made.values()
        bad = ((alert, f) for alert, f in last if f.level is not Level.OK)
        self._host.missed([alert for alert, f in bad if f.subject not in watched])
        kept = [k for k in self._host.inbox() if is_news(k.alert, self._host.alerts)]
        named, others = self._chosen(kept, watched)
        before = {made[1].subject: made for made in self._made.values()}
        self._made = {k.alert.key: self._read(k.alert, now) for k in named}
        found = {f.subject: f for f in (self._as_it_stands(k, now) for k in named)}
        for name, rest in others.items():
            alerts = [kept.alert for kept in rest]
            made = rest_of(name, alerts, self._host.alerts, at=now)
            found[made.subject] = made
        gone = set(watched) - set(found) - {ALERTMANAGER, ROOM}
        over = [self._over(text, before.get(text), now) for text in sorted(gone)]
        ours = (
            self._of_room(len(kept), watched, now),
            self._of_alertmanager(watched, now),
        )
        return [*found.values(), *over, *(finding for finding in ours if finding)]

    def _chosen(
        self, kept: Sequence[KeptAlert], watched: Collection[str]
    ) -> tuple[list[KeptAlert], dict[str, list[KeptAlert]]]:
        """Return the alerts that are conditions of their own, and by name the rest.

        A card cannot tell ten thousand apart; those that are known go on.
        """
        by_name: dict[str, list[KeptAlert]] = {}
        for one in kept:
            by_name.setdefault(one.alert.name, []).append(one)
        named: list[KeptAlert] = []
        others: dict[str, list[KeptAlert]] = {}
        for name, alerts in by_name.items():
            first, others[name] = self._parted(alerts, EACH, watched)
            named += first
        named, others[_OTHERS] = self._parted(named, MOST, watched)
        return named, {name: rest for name, rest in others.items() if rest}

    def _parted(
        self, alerts: list[KeptAlert], most: int, watched: Collection[str]
    ) -> tuple[list[KeptAlert], list[KeptAlert]]:
        """Return the first ones and the rest; what is watched comes first."""
        if len(alerts) <= most:
            return alerts, []
        ordered = sorted(
            alerts, key=lambda k: (not self._is_known(k, watched), k.alert.key)
        )
        return ordered[:most], ordered[most:]

    def _is_known(self, kept: KeptAlert, watched: Collection[str]) -> bool:
        made = self._made.get(kept.alert.key)
        return made is not None and made[1].subject in watched

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

    def _over(
        self, text: str, before: tuple[ToldAlert, Finding] | None, now: datetime
    ) -> Finding:
        unknown = finding_of(None, Subject.of(text), self._host.alerts, at=now)
        alert, known = before or (None, unknown)
        who = alert.source.capitalize() if alert else "Whoever told it"
        return replace(
            known,
            value=0.0,
            level=Level.OK,
            at=now,
            shown="over",
            summary=f"{who} says that {known.label} of {known.host} is over.",
        )

    def _of_alertmanager(
        self, watched: Collection[str], now: datetime
    ) -> Finding | None:
        """Return how Alertmanager itself stands, while it is or was not to be asked."""
        why = self._host.deaf()
        if not why and ALERTMANAGER not in watched:
            return None
        said = f"{why}. What is muted here is not silenced there"
        return replace(
            self._own(ALERTMANAGER, "Alertmanager", now),
            value=None if why else 1.0,
            level=Level.UNKNOWN if why else Level.OK,
            summary=f"Alertmanager does not answer: {said}."
            if why
            else "Alertmanager answers again.",
            shown="" if why else "answers",
            hold_for=timedelta(minutes=1),
        )

    def _of_room(
        self, count: int, watched: Collection[str], now: datetime
    ) -> Finding | None:
        """Return how much of the room for told alerts is used, while it is nearly all."""
        is_tight = count >= TIGHT * MOST_FIRING
        if not is_tight and ROOM not in watched:
            return None
        return replace(
            self._own(ROOM, "Room for alerts", now),
            unit="alerts",
            value=float(count),
            limits=only(TIGHT * MOST_FIRING),
            level=Level.CRITICAL if is_tight else Level.OK,
            summary=f"{count:,} told alerts fire; beyond {MOST_FIRING:,} new ones are "
            "refused. Resolve what is stale where it comes from.",
        )

    def _own(self, subject: str, label: str, at: datetime) -> Finding:
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject=subject,
            label=label,
            unit="",
            value=None,
            limits=only(0),
            level=Level.UNKNOWN,
            summary="",
            at=at,
            series="",
            is_passing=True,
        )


DETECTOR = AlertDetector
