"""A model's answer, checked: what may be said of it, and nothing else."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.lore import Diagnosis, Hypothesis
from bot.text.redact import redact

ESCALATE: Final = "escalate"
NOTHING: Final = "nothing"

_SENTENCES: Final = 3
_SUMMARY_LIMIT: Final = 600
_CAUSE_LIMIT: Final = 250
_HYPOTHESES: Final = 4
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|(?<=。)")
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|approx|cf|no|resp|incl|max|min)\.)$", re.IGNORECASE
)
_FENCE: Final = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL)

Ids = Annotated[tuple[str, ...], Field(max_length=20)]


class _Cause(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    cause: str
    for_: Ids = Field(default=(), alias="for", strict=False)
    against: Ids = Field(default=(), strict=False)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    summary: Annotated[str, Field(min_length=1)]
    hypotheses: Annotated[tuple[_Cause, ...], Field(max_length=20, strict=False)] = ()
    settle: str = ""
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    preferred: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an answer may refer to.

    evidence: id as the model knows it, and as people are shown it. letters: of the
    proposals. author: the model's name.
    """

    evidence: Mapping[str, str]
    letters: Collection[str]
    author: str


class Unusable(Exception):
    """The answer cannot be used; the text tells the model why."""


def schema(letters: Collection[str]) -> dict[str, object]:
    """Return the JSON schema of an answer about proposals with these letters."""
    ids = {"type": "array", "items": {"type": "string"}}
    cause = {
        "type": "object",
        "properties": {"cause": {"type": "string"}, "for": ids, "against": ids},
        "required": ["cause", "for", "against"],
    }
    return {
        "type": "object",
        "properties": {
            "summary": {"type": "string"},
            "hypotheses": {"type": "array", "items": cause},
            "settle": {"type": "string"},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "preferred": {"type": "string", "enum": _choices(letters)},
        },
        "required": ["summary", "hypotheses", "settle", "confidence", "preferred"],
    }


def understood(text: str, expected: Expected) -> Diagnosis:
    """Return the opinion in `text`; raise `Unusable`.

    Claims without an id of known evidence are dropped; where none is left, that is
    said. Texts are cut, made plain and redacted.
    """
    answer = _parsed(text)
    choices = _choices(expected.letters)
    if answer.preferred not in choices:
        raise Unusable(f"preferred must be one of {choices}")
    causes = tuple(
        cause
        for given in answer.hypotheses
        if (cause := _hypothesis(given, expected)).evidence and cause.cause
    )
    summary = _sentences(answer.summary)
    if not summary:
        raise Unusable("summary holds no readable text")
    return Diagnosis(
        summary=summary,
        hypotheses=causes[:_HYPOTHESES],
        confidence=answer.confidence if causes else 0.0,
        author=expected.author,
        settle=_plain(answer.settle, _CAUSE_LIMIT),
        preferred=answer.preferred,
        missing="" if causes else "the model cited no evidence for what it says",
    )


def _choices(letters: Collection[str]) -> list[str]:
    return [*sorted(letters), ESCALATE, NOTHING, ""]


def _parsed(text: str) -> _Answer:
    fenced = _FENCE.match(text)
    try:
        return _Answer.model_validate_json(fenced[1] if fenced else text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        raise Unusable(f"{where}: {first['msg']}"[:300]) from error


def _hypothesis(given: _Cause, expected: Expected) -> Hypothesis:
    return Hypothesis(
        cause=_plain(given.cause, _CAUSE_LIMIT),
        evidence=_known(given.for_, expected),
        against=_known(given.against, expected),
    )


def _known(ids: Collection[str], expected: Expected) -> tuple[str, ...]:
    shown = (expected.evidence[id_] for id_ in ids if id_ in expected.evidence)
    return tuple(dict.fromkeys(shown))


def _sentences(text: str) -> str:
    lines = redact(text, limit=_SUMMARY_LIMIT).splitlines()
    found: list[str] = []
    for part in (p for line in lines for p in _SENTENCE.split(" ".join(line.split()))):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += f" {part}"
        elif part:
            found.append(part)
    return " ".join(found[:_SENTENCES])


def _plain(text: str, limit: int) -> str:
    return " ".join(redact(text, limit=limit).split())
