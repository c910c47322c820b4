"""What the brain needs from outside, as protocols of one to three methods."""

from collections.abc import Collection, Mapping
from typing import Protocol

from bot.config.settings import DetectorSection
from bot.lore import Diagnosis
from bot.model import EvidenceItem, Finding, Incident
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
        and OK where it is a process that no longer exists. Raises `NotTold`.
        """


class NotTold(Exception):
    """A figure that this host does not tell at all: the text says why, for `/sre status`.

    A kernel without the file, a right that the bot has not, no such device. Raised by
    `Detector.check` it leaves every condition unknown, and opens none.
    """


class Evidence(Protocol):
    """A read-only source of evidence; it never needs approval.

    is_local: whether it reads the bot's own host, and so can tell of no other.
    """

    name: str
    is_local: bool

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Read what this source knows about the incident; ids are given later."""


class Diagnoser(Protocol):
    """Explains an incident in prose. It adds no fact and no button."""

    def diagnose(self, incident: Incident) -> Diagnosis:
        """Return an opinion; raise `DiagnosisUnavailable` when there is none."""


class DiagnosisUnavailable(Exception):
    """The diagnoser has no answer; its text says why, in words for the card."""


class Tool(Protocol):
    """One thing a language model may read. It changes nothing and needs no approval.

    name: what the model calls. description: when to, in a sentence or two.
    parameters: JSON schema of an object.
    """

    name: str
    description: str
    parameters: Mapping[str, object]

    def read(self, arguments: Mapping[str, object]) -> str:
        """Return redacted text of at most 4,000 characters; raise `CannotRead`.

        Whatever it waits for has a deadline of its own.
        """


class CannotRead(Exception):
    """A tool has no answer; its text says why, in words that a model may read."""


class ModelUnavailable(Exception):
    """A language model gave no usable answer; the text says why, fit for the card.

    may_retry: whether the same question may be answered later.
    """

    def __init__(self, reason: str, *, may_retry: bool) -> None:
        super().__init__(reason)
        self.may_retry = may_retry


class Wakeable(Protocol):
    """A loop that looks at the database when told that something changed."""

    def wake(self) -> None:
        """Return at once; the loop looks again soon."""
