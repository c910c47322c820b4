"""What one check of the doctor says."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How much it matters: FAIL keeps the bot from its job, WARN does not."""

    FINE = "fine"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: what was looked at, and what is wrong, what it means, what to do."""

    grade: Grade
    subject: str
    text: str


def fine(subject: str, text: str) -> Finding:
    """Return a line for what is in order."""
    return Finding(grade=Grade.FINE, subject=subject, text=text)


def warn(subject: str, text: str) -> Finding:
    """Return a line for what should be known."""
    return Finding(grade=Grade.WARN, subject=subject, text=text)


def fail(subject: str, text: str) -> Finding:
    """Return a line for what keeps the bot from its job."""
    return Finding(grade=Grade.FAIL, subject=subject, text=text)
