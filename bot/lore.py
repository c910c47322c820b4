"""What is known of an incident beyond its facts, and what people said of it after.

Parts of `bot/model.py`'s incident; none of it becomes a fact or a button.
"""

from dataclasses import dataclass
from datetime import datetime

RULES = "rules"
"""The author of a diagnosis that no model wrote."""
FALSE_ALARM = "false alarm"
"""The resolution of an incident that a person closed as nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """A possible cause with the evidence ids that speak for it and against it."""

    cause: str
    evidence: tuple[str, ...]
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What is thought to be wrong, marked with its author; never a fact or a button.

    confidence: 0 to 1. author: "rules" or the model's name. settle: what would settle
    the question. preferred: a proposal's letter, "escalate", "nothing" or "".
    missing: what the opinion had to do without, in words for the card.
    """

    summary: str
    hypotheses: tuple[Hypothesis, ...]
    confidence: float
    author: str
    settle: str = ""
    preferred: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCase:
    """A closed incident that resembles this one, and what came of its action.

    outcome: in words. seen, tried, worked: incidents of the same kind, those in which
    its action was carried out, and those it fixed. warns: it is shown because what
    helped the others failed here. resemblance never means "the same incident".
    """

    incident: int
    closed_at: datetime
    symptoms: str
    cause: str
    action: str
    outcome: str
    seen: int
    tried: int
    worked: int
    warns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookRef:
    """A runbook for the incident: its file's name, title, first steps, and why it."""

    name: str
    title: str
    steps: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What memory and the shelf of runbooks know about an incident.

    past: the most similar first. track: how often the proposed action helped for this
    symptom, in words. missing: what could not be asked, in words for the card.
    """

    past: tuple[PastCase, ...] = ()
    track: str = ""
    runbooks: tuple[RunbookRef, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a person said after the end; it outranks every opinion.

    cause: as corrected, "" for the one that stood. is_right: whether the cause that
    stood was right. helped: whether the action helped. None: not said. by, helped_by:
    who said the one and the other.
    """

    by: str
    cause: str = ""
    is_right: bool | None = None
    helped: bool | None = None
    helped_by: str = ""
