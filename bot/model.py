"""The words of the product. Read this first, then `respond.py`, then `decide.py`.

A detector measures and gives *findings*. A finding that lasts becomes a firing
alert; triage folds alerts into one *incident* per cause. An incident has evidence,
a diagnosis and lettered *proposals* (see `remediation/ledger/proposal.py`), of which a
person approves at most one at a time. What an action did is measured again by the
detectors that complained: the *verification*.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.lore import Diagnosis, Feedback, Knowledge
from bot.pointed import Pointed
from remediation.moment import Moment
from remediation.rules.drilled import DRILL
from remediation.target.facts import ProcessFacts
from remediation.target.identity import ProcessIdentity
from remediation.target.unit import UnitFacts
from remediation.verify import Measure, Verdict

REQUEST = "request"
"""The `detector` of an incident that a person opened by asking for an action."""
STORM = "storm"
"""Stands in the fingerprint of an incident that folds many causes at once."""


class Level(StrEnum):
    """How bad one measurement is. UNKNOWN (no data) is never OK."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"


class Phase(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a condition begins and where it ends again (hysteresis).

    `above`: high values are bad (CPU); otherwise low values are (free memory).
    All four are in the unit of the finding that carries them.
    """

    warning: float
    critical: float
    clear_warning: float
    clear_critical: float
    above: bool = True

    def judge(self, value: float, before: Level) -> Level:
        """Return the level of `value`, given the level it had one round before."""
        sign = 1 if self.above else -1
        critical = self.clear_critical if before is Level.CRITICAL else self.critical
        held = before in (Level.WARNING, Level.CRITICAL)
        warning = self.clear_warning if held else self.warning
        if sign * value >= sign * critical:
            return Level.CRITICAL
        return Level.WARNING if sign * value >= sign * warning else Level.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a card's facts: `CPU` `98 % (limit 95 %)`."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """A process, or the workers it leads, and its part of the problem.

    share: its fraction of the whole problem, 0 to 1. amount: in the finding's unit.
    members: how many processes make it together, itself included.
    """

    process: ProcessFacts
    share: float
    amount: float
    members: int = 1

    @property
    def identity(self) -> ProcessIdentity:
        """The process's identity, which is what incidents are matched by."""
        return self.process.identity


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAction:
    """Why no button is offered, by which rule, and what a person can do by hand."""

    rule: str
    reason: str
    by_hand: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one detector measured of one thing in one round.

    subject: the object measured ("" for the host itself, a mount point, or
    `process:PID:START_TICKS`). value and limits are in `unit`; value is None when
    there was no data (level UNKNOWN). label names the figure ("CPU"), series its
    place in the metric history. summary is one sentence. culprits: at most three,
    the largest share first. service: the one it is about. shown: what the value means,
    in words, where a number says little ("failed"). mount: of the file system that it is
    about, where deleting old files may help. hold_for, keep_for: how long it must last to
    fire, and be clear to be over, where that is its own and not its detector's.
    is_passing: whether the subject may end for good, as a process does; nothing is kept
    of one that is well. runbook: the condition whose page is for it, before its detector's.
    began: its onset, where whoever told it knows. group: what it was told together with.
    stands_for: how many conditions it counts as, where there are too many to name.
    points_at: the service that a rule names, where nobody has looked at it. no_action: why
    no action mends it where no culprit is named, if its detector knows better than that.
    looks_back: over how long its value is a mean; for so long it shows what is over.
    """

    detector: str
    host: str
    subject: str
    label: str
    unit: str
    value: float | None
    limits: Limits
    level: Level
    summary: str
    at: datetime
    series: str
    facts: tuple[Fact, ...] = ()
    culprits: tuple[Culprit, ...] = ()
    service: UnitFacts | None = None
    shown: str = ""
    mount: str = ""
    hold_for: timedelta | None = None
    keep_for: timedelta | None = None
    is_passing: bool = False
    runbook: str = ""
    began: datetime | None = None
    group: str = ""
    stands_for: int = 1
    points_at: Pointed | None = None
    no_action: NoAction | None = None
    looks_back: timedelta = timedelta(0)

    @property
    def key(self) -> str:
        """Name of the condition: the same host, detector and subject."""
        return f"{self.host}/{self.detector}/{self.subject}"

    @property
    def service_name(self) -> str | None:
        """The service that it is about, however much is known of it."""
        pointed = self.points_at.service if self.points_at else None
        return self.service.name if self.service else pointed

    @property
    def is_well(self) -> bool:
        """Whether it was measured inside its limits; no data is not well."""
        return self.level is Level.OK

    @property
    def culprit(self) -> Culprit | None:
        """The process that explains at least half of the problem, if one does."""
        first = self.culprits[0] if self.culprits else None
        return first if first and first.share >= 0.5 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Evidence in columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceItem:
    """One thing that was read, to be cited by its id (E1, E2, …)."""

    id: str
    title: str
    text: str = ""
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A verification under way: measured for `window` after `acted`, then judged.

    before: the findings at the instant of the action. clear: since when all of them
    have been clear again, if they are.
    """

    proposal: str
    acted: Moment
    window: timedelta
    before: tuple[Finding, ...]
    clear: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A finding and the instant of its measurement, on both clocks."""

    finding: Finding
    at: Moment

    @classmethod
    def of(cls, finding: Finding, now: Moment) -> "Measured":
        """Place the finding on the boot clock by its age; a set clock makes none."""
        age = max(now.wall - finding.at, timedelta(0))
        return cls(finding=finding, at=now.after(-age))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether an action helped, by the detectors that had complained.

    figures: before and after in words ("CPU 98 % → 6 %"). took: from the action
    until all was clear, where it became clear. measures: the same in numbers.
    """

    proposal: str
    verdict: Verdict
    figures: str
    took: timedelta | None
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One cause and everything known about it; the card shows exactly this.

    number: what people say ("12"). fingerprint: what later findings are matched by.
    findings: the latest of each condition that belongs to it, the leading one first.
    culprit, service: the process or the service it is about, if one is.
    since: the onset. level: the worst level seen. version grows with every change;
    the card is redrawn for it. offered: the proposal whose buttons the card shows.
    objections: what the critic read in the written policy against the proposals.
    returned: when it came back after it was over; `since` is of the last time then.
    heard_at: since when it is not muted any more, or is back. knowledge: None until memory and
    runbooks were asked. is_asked: whether a model was asked, which is done once.
    is_explained: whether nothing more will be said about it. feedback: what a person said
    after the end. judged: every verification so far, of one action each.
    """

    number: int
    host: str
    fingerprint: str
    phase: Phase
    level: Level
    title: str
    since: datetime
    opened_at: datetime
    findings: tuple[Finding, ...]
    version: int = 1
    culprit: Culprit | None = None
    service: UnitFacts | None = None
    owner: str | None = None
    muted_until: datetime | None = None
    heard_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution: str = ""
    evidence: tuple[EvidenceItem, ...] = ()
    diagnosis: Diagnosis | None = None
    no_action: NoAction | None = None
    offered: str | None = None
    check: Check | None = None
    verification: Verification | None = None
    flapping: bool = False
    returned: tuple[datetime, ...] = ()
    objections: tuple[str, ...] = ()
    knowledge: Knowledge | None = None
    is_asked: bool = False
    is_explained: bool = False
    feedback: Feedback | None = None
    judged: tuple[Verification, ...] = ()

    @property
    def lead(self) -> Finding:
        """The finding that names the incident."""
        return self.findings[0]

    @property
    def unit_name(self) -> str | None:
        """The service it is about, or the one that its culprit belongs to."""
        if self.service is not None:
            return self.service.name
        if self.culprit is not None or self.is_storm:
            return self.culprit.process.unit if self.culprit else None
        return self.lead.service_name

    @property
    def is_open(self) -> bool:
        """Whether it still needs anybody."""
        return self.phase is not Phase.RESOLVED

    @property
    def last_opened(self) -> datetime:
        """When it was opened, or came back."""
        return self.returned[-1] if self.returned else self.opened_at

    @property
    def is_drill(self) -> bool:
        """Whether the bot only rehearses, on a child of its own."""
        return self.lead.detector == DRILL

    @property
    def is_storm(self) -> bool:
        """Whether many causes at once were opened as one incident with a list."""
        return self.fingerprint.startswith(f"{self.host}/{STORM}/")

    def changed(self, **fields: object) -> "Incident":
        """Return it with `fields` replaced and the next version number."""
        return replace(self, **fields, version=self.version + 1)  # type: ignore[arg-type]
