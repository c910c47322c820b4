"""One figure of a detector: what it is called, its unit and limits, and its findings."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.measuring.levels import Levels, limit_of, with_limit
from bot.model import Finding, Level, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """What one detector measures, of one or of several subjects.

    label: what people call the figure ("Load per core"). It remembers each subject's
    last level, so that a value at a limit does not flap.
    """

    detector: str
    host: str
    label: str
    unit: str
    limits: Limits
    _levels: Levels = field(init=False)

    def __post_init__(self) -> None:
        """Begin with no memory."""
        object.__setattr__(self, "_levels", Levels(self.limits))

    def finding(
        self, value: float | None, summary: str, at: datetime, subject: str = ""
    ) -> Finding:
        """Return what was measured, judged; None is no data, which is UNKNOWN.

        Facts and culprits are the caller's to add (`dataclasses.replace`).
        """
        series = f"{self.detector}/{subject}" if subject else self.detector
        return Finding(
            detector=self.detector,
            host=self.host,
            subject=subject,
            label=self.label,
            unit=self.unit,
            value=value,
            limits=self.limits,
            level=self._levels.judge(subject, value),
            summary=summary,
            at=at,
            series=series,
        )

    def unknown(self, at: datetime, subject: str = "") -> Finding:
        """Return the finding of a subject that could not be measured in this round."""
        of = f" of {subject}" if subject else ""
        summary = f"{self.label}{of} on {self.host} could not be measured."
        return self.finding(None, summary, at, subject)

    def keep(self, subjects: set[str]) -> None:
        """Forget every other subject."""
        self._levels.keep(subjects)

    def said(self, value: float, level: Level) -> str:
        """Say a value with its limit: `98 % (limit 95 %)`."""
        return with_limit(value, self.unit, self.limits, level)

    def limit(self, level: Level) -> str:
        """Say only the limit: `(limit 95 %)`."""
        return limit_of(self.unit, self.limits, level)
