"""What the brain needs from outside, as protocols of one to three methods."""

from collections.abc import Collection
from typing import Protocol

from bot.model import Diagnosis, EvidenceItem, Finding, Incident
from bot.settings import DetectorSection
from remediation.moment import Moment


class Clock(Protocol):
    """Both clocks at once."""

    def now(self) -> Moment:
        """Return this instant."""


class Detector(Protocol):
    """One condition of a host or service, measured in regular rounds."""

    name: str
    section: DetectorSection

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once.

        `watched`: subjects whose alert is pending or firing. Each of them must be
        in the answer, as UNKNOWN where it cannot be measured, and with value 0
        and OK where it is a process that no longer exists.
        """


class Evidence(Protocol):
    """A read-only source of evidence; it never needs approval."""

    name: str

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Read what this source knows about the incident; ids are given later."""


class Diagnoser(Protocol):
    """Explains an incident in prose. It adds no fact and no button."""

    def diagnose(self, incident: Incident) -> Diagnosis:
        """Return an opinion; raise `DiagnosisUnavailable` when there is none."""


class DiagnosisUnavailable(Exception):
    """The diagnoser has no answer; its text says why, in words for the card."""


class Wakeable(Protocol):
    """A loop that looks at the database when told that something changed."""

    def wake(self) -> None:
        """Return at once; the loop looks again soon."""
