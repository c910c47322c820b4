"""The rounds: each detector at its own pace, and a fault in one stops no other."""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.alerts.alert import Timing
from bot.blame.expected import ExpectedWork
from bot.host.metrics import History
from bot.model import Finding, Level, Limits
from bot.ports import Clock, Detector, NotTold
from bot.respond import Respond
from bot.runtime.loop import attempt
from bot.runtime.telemetry import Telemetry
from remediation.moment import Moment

log = logging.getLogger(__name__)

HANGS: Final = timedelta(seconds=30)
"""A round that takes longer than this, and than three of its intervals, hangs."""


class Watch:
    """Runs detectors and hands their findings to the responder."""

    def __init__(
        self,
        *,
        host: str,
        detectors: Sequence[Detector],
        respond: Respond,
        clock: Clock,
        history: History,
        telemetry: Telemetry,
        expected: ExpectedWork,
    ) -> None:
        self.detectors: Mapping[str, Detector] = {d.name: d for d in detectors}
        self._host = host
        self._respond = respond
        self._clock = clock
        self._history = history
        self._telemetry = telemetry
        self.failures: Counter[str] = Counter()
        self._expected = expected
        self.untold: dict[str, str] = {}
        """Why a detector can measure nothing on this host, by its name."""
        self._began: dict[str, Moment] = {}

    def round(self, name: str) -> None:
        """Run one detector once and respond to what it found.

        `failures` counts how many of its rounds have failed one after the other.
        """
        detector = self.detectors[name]
        section = detector.section
        self._began[name] = self._clock.now()
        try:
            with self._telemetry.detector_round(name):
                findings = self._check(detector, self._respond.watched(name))
        finally:
            self._began.pop(name, None)
        for finding in findings:
            if finding.value is not None and finding.series:
                self._history.append(
                    finding.series, finding.at, finding.value, finding.unit
                )
        timing = Timing(hold_for=section.for_, keep_for=section.keep_firing_for)
        self._respond.absorb(findings, timing)

    def mark_hung(self) -> None:
        """Make unknown what a round that does not end would tell; others go on.

        Called by the sweeper. A round hangs when it takes longer than `HANGS` and three
        of its intervals: a dead mount, a device that does not answer.
        """
        now = self._clock.now()
        for name, began in list(self._began.items()):
            section = self.detectors[name].section
            if now.since(began) < max(HANGS, 3 * section.interval):
                continue
            hung = f"The detector {name} does not come to an end on {self._host}."
            nothing = replace(self._never_measured(name, now.wall), summary=hung)
            timing = Timing(hold_for=section.for_, keep_for=section.keep_firing_for)
            self._respond.absorb(self._unknown(name) or [nothing], timing)

    def _check(self, detector: Detector, watched: Collection[str]) -> list[Finding]:
        found = attempt(
            lambda: self._asked(detector, watched),
            instead=None,
            name=f"detector {detector.name}",
            failed=lambda _: self._telemetry.detector_failed(detector.name),
        )
        if found is None:
            # What it watched is unknown now, which is a condition of its own.
            self.failures[detector.name] += 1
            known = self._unknown(detector.name)
            return known or [self._never_measured(detector.name, self._now())]
        self.failures[detector.name] = 0
        if isinstance(found, NotTold):
            return self._not_told(detector.name, str(found))
        self.untold.pop(detector.name, None)
        return self._no_longer_blank(detector.name, found)

    def _no_longer_blank(self, name: str, found: list[Finding]) -> list[Finding]:
        """End what stood for a detector that had measured nothing yet."""
        blank = self._never_measured(name, self._now())
        known = self._respond.current().get(blank.key)
        if known is None or known.label != blank.label:
            return found
        # It was told to watch this; of a subject that it never had it knows nothing.
        rest = [f for f in found if f.key != blank.key or f.value is not None]
        if any(finding.key == blank.key for finding in rest):
            return rest
        summary = f"The detector {name} does not fail any more on {self._host}."
        return [*rest, replace(blank, level=Level.OK, summary=summary, is_passing=True)]

    def _asked(
        self, detector: Detector, watched: Collection[str]
    ) -> list[Finding] | NotTold:
        try:
            return self._expected.judged(detector.name, detector.check(watched))
        except NotTold as why:
            return why

    def _not_told(self, name: str, why: str) -> list[Finding]:
        """Say it once; what was measured before, or fires, is unknown from now on."""
        if self.untold.get(name) != why:
            log.warning("detector.blind name=%s why=%s", name, why)
        self.untold[name] = why
        return self._no_longer_blank(name, self._unknown(name))

    def _unknown(self, name: str) -> list[Finding]:
        at = self._now()
        return [
            replace(finding, level=Level.UNKNOWN, value=None, at=at, culprits=())
            for finding in self._respond.current().values()
            if finding.detector == name
        ]

    def _now(self) -> datetime:
        return self._clock.now().wall

    def _never_measured(self, name: str, at: datetime) -> Finding:
        nothing = Limits(warning=0, critical=0, clear_warning=0, clear_critical=0)
        return Finding(
            detector=name,
            host=self._host,
            subject="",
            label=name,
            unit="",
            value=None,
            limits=nothing,
            level=Level.UNKNOWN,
            summary=f"The detector {name} fails on {self._host}; see the bot's log.",
            at=at,
            series=name,
        )
