"""The rounds: each detector at its own pace, and a fault in one stops no other."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bot.alerts import Timing
from bot.metrics import History
from bot.model import Finding, Level
from bot.ports import Clock, Detector
from bot.respond import Respond
from bot.telemetry import Telemetry

log = logging.getLogger(__name__)


class Watch:
    """Runs detectors and hands their findings to the responder."""

    def __init__(
        self,
        *,
        detectors: Sequence[Detector],
        respond: Respond,
        clock: Clock,
        history: History,
        telemetry: Telemetry,
    ) -> None:
        self.detectors: Mapping[str, Detector] = {d.name: d for d in detectors}
        self._respond = respond
        self._clock = clock
        self._history = history
        self._telemetry = telemetry

    def round(self, name: str) -> None:
        """Run one detector once and respond to what it found."""
        detector = self.detectors[name]
        section = detector.section
        with self._telemetry.detector_round(name):
            findings = self._check(detector, self._respond.watched(name))
        for finding in findings:
            if finding.value is not None:
                self._history.append(
                    finding.series, finding.at, finding.value, finding.unit
                )
        timing = Timing(hold_for=section.for_, keep_for=section.keep_firing_for)
        self._respond.absorb(findings, timing)

    def once(self) -> list[Finding]:
        """Measure with every detector once and return what they see."""
        nothing: frozenset[str] = frozenset()
        return [f for d in self.detectors.values() for f in self._check(d, nothing)]

    def _check(self, detector: Detector, watched: Collection[str]) -> list[Finding]:
        try:
            return detector.check(watched)
        except Exception:
            # A border (the detector run): the others go on, and what this one
            # watched is unknown now, which is a condition of its own.
            log.exception("detector.failed detector=%s", detector.name)
            self._telemetry.detector_failed(detector.name)
            return self._unknown(detector.name)

    def _unknown(self, name: str) -> list[Finding]:
        at = self._clock.now().wall
        latest = self._respond.current().values()
        return [
            replace(finding, level=Level.UNKNOWN, value=None, at=at, culprits=())
            for finding in latest
            if finding.detector == name
        ]
