"""The words of memory: what an incident was, what was done, and whether it helped."""

import json
import re
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

LONGEST = 4000
"""Characters that a field keeps."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_CUT = " …"
_LONGEST_NAME = 120
"""Characters that a name keeps, which a database's index must be able to hold."""


class Outcome(StrEnum):
    """What came of it. REJECTED: people refused the action; BY_ITSELF: it passed."""

    FIXED = "fixed"
    NO_EFFECT = "no_effect"
    WORSE = "worse"
    REJECTED = "rejected"
    BY_ITSELF = "by_itself"
    FALSE_ALARM = "false_alarm"
    UNKNOWN = "unknown"


TRIED = frozenset({Outcome.FIXED, Outcome.NO_EFFECT, Outcome.WORSE})
"""Outcomes of an action that was carried out and measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptoms:
    """What is seen now: the question to memory. text: in words, any length."""

    condition: str
    host: str
    service: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One closed incident, or a pattern of several.

    key: what it is stored by. incident: its number. closed_at: aware UTC. condition:
    the detector's name. action, action_kind: in words, and the kind that policy knows
    ("" when nothing was done). confirmed: by a person; None when nobody said. took:
    from the action until all was clear. weight: how many incidents it stands for.
    """

    key: str
    incident: int
    closed_at: datetime
    host: str
    service: str
    condition: str
    symptoms: str
    cause: str
    action: str
    action_kind: str
    outcome: Outcome
    confirmed: bool | None = None
    took: timedelta | None = None
    weight: int = 1

    def cleaned(self) -> Self:
        """Return it as it may be stored: every text readable and of bounded length."""
        return replace(
            self,
            key=_name(self.key),
            host=_name(self.host),
            service=_name(self.service),
            condition=_name(self.condition),
            symptoms=clean(self.symptoms),
            cause=clean(self.cause),
            action=clean(self.action),
            action_kind=_name(self.action_kind),
        )

    def as_json(self) -> str:
        """Return it as one line of JSON; times in ISO 8601, spans in seconds."""
        fields = asdict(self)
        took = fields.pop("took")
        said = {
            "closed_at": self.closed_at.isoformat(),
            "took_seconds": None if took is None else took.total_seconds(),
        }
        return json.dumps(fields | said, sort_keys=True)

    @property
    def parts(self) -> tuple[str, str, str]:
        """Its pieces of meaning: symptoms, cause, action with its outcome."""
        seen = f"{self.condition} {self.service}: {self.symptoms}"
        done = f"{self.action}: {self.outcome}" if self.action else ""
        return seen, self.cause, done.replace("_", " ")

    @property
    def group(self) -> tuple[str, str, str]:
        """What repeats of the same story share."""
        return self.condition, self.service, self.action_kind or self.action


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """A case that resembles the question, standing for its repeats.

    similarity: comparable within one answer only; no number says "the same incident".
    seen, tried, worked: incidents of the group among all remembered ones, those where
    its action was carried out, and those it fixed. counter_example: this one was shown
    because what the others did has failed here.
    """

    case: Case
    similarity: float
    seen: int
    worked: int
    tried: int
    counter_example: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord:
    """How often an action was carried out for a symptom, helped, and how fast.

    median: from the action until all was clear, of those that worked.
    """

    tried: int
    worked: int
    median: timedelta | None


def clean(text: object) -> str:
    """Return text that any database and screen can take, at most `LONGEST` long."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    raw = str(text)[: LONGEST * 2].encode(errors="replace").decode()
    plain = _CONTROL.sub(" ", raw).strip()
    if len(plain) <= LONGEST:
        return plain
    return plain[: LONGEST - len(_CUT)] + _CUT


def _name(text: object) -> str:
    return clean(text)[:_LONGEST_NAME]
