"""What the rules can answer: a table, asked from the top; the first that fits answers.

A new intent is one entry here and one small function.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.converse import incident, now, past, reported, wishes, written
from bot.converse.asked import Asked
from bot.converse.question import Answer

_Fits = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One kind of question.

    fits: whether words (lower case) are of this kind. answer: None passes them on.
    is_open: whether a model may word the answer; the others are exact already.
    """

    name: str
    example: str
    fits: _Fits
    answer: Callable[[Asked], Answer | None]
    is_open: bool = False


def _says(pattern: str) -> _Fits:
    compiled = re.compile(pattern)
    return lambda words: compiled.search(words) is not None


WISH: Final = Intent(
    name="wish",
    example="please terminate the runaway",
    fits=wishes.is_wish,
    answer=wishes.wish,
)
"""Asks for an action; never shown to a model."""

INTENTS: Final[tuple[Intent, ...]] = (
    WISH,
    Intent(
        name="runbook",
        example="which runbook is there for a full disk?",
        fits=_says(r"\b(?:run ?book|playbook|procedure)s?\b"),
        answer=written.runbook,
        is_open=True,
    ),
    Intent(
        name="policy",
        example="who may approve, and what are the limits?",
        fits=_says(
            r"\bwho (?:may|can|is allowed to|could) (?:approve|decide|kill|act)"
            r"|\bapprovers?\b|\bpolicy\b|\bcool ?down\b|\bapprovals?\b|\ballowed to\b"
            r"|\b(?:your|the|what|which|any|are) (?:limits|rules)\b|\bper hour\b"
        ),
        answer=written.policy,
    ),
    Intent(
        name="last time",
        example="what fixed it last time?",
        fits=_says(
            r"\blast time\b|\bfixed\b|\bhelped\b|\bworked\b|\bpreviously\b|\bsimilar\b"
            r"|\b(?:seen|had|happened|been) (?:\w+ ){0,3}before\b|\bhappen(?:ed)? before\b"
            r"|\bhow did we\b|\bwhat did we do\b|\bremember\b"
        ),
        answer=past.last_time,
        is_open=True,
    ),
    Intent(
        name="report",
        example="report of the last week",
        fits=reported.is_about_one,
        answer=reported.report,
    ),
    Intent(
        name="happened",
        example="what happened last night?",
        fits=past.is_about_time,
        answer=past.happened,
    ),
    Intent(
        name="incident",
        example="why is it slow?",
        fits=incident.is_about_one,
        answer=incident.about,
        is_open=True,
    ),
    Intent(
        name="top",
        example="top processes",
        fits=_says(
            r"\btop\b|\bprocess(?:es)?\b|\b(?:using|eating|hogging|burning|taking)\b"
            r"|\bhogs?\b|\bbusiest\b|\bbiggest\b"
        ),
        answer=now.top,
    ),
    Intent(
        name="figure",
        example="show memory for 6 h",
        fits=_says(
            r"\b(?:show|chart|graph|plot|draw|picture|trend|how much|how high|how full"
            r"|usage|level|value)\b"
        ),
        answer=now.figure,
    ),
    Intent(
        name="open",
        example="which incidents are open?",
        fits=_says(
            r"\b(?:open|active|current|ongoing|firing|pending|waiting|unresolved)\b"
            r"|\bincidents?\b|\balerts?\b|\bgoing on\b|\bon fire\b"
        ),
        answer=now.opened,
    ),
    Intent(
        name="oneself",
        example="who are you?",
        fits=_says(
            r"\bwho are you\b|\bwhat are you\b|\bwhat do you do\b|\bare you (?:a|an|the)\b"
            r"|\bintroduce yourself\b|\byour name\b|\bdo you (?:use|act|kill)\b"
        ),
        answer=written.oneself,
    ),
    Intent(
        name="status",
        example="how are things?",
        fits=_says(
            r"\bstatus\b|\bhow (?:are|is|'s)\b|\bhow's\b|\b(?:ok|okay|fine|healthy|up|"
            r"alright|all right|well|quiet|green|health)\b|\bhow(?:'s| is) it going\b"
        ),
        answer=now.status,
    ),
)
"""From the most specific to the most general."""


def by_rules(asked: Asked) -> tuple[Intent, Answer]:
    """Return the answer of the first intent that has one; the last resort is a list."""
    for intent in INTENTS:
        if intent.fits(asked.words):
            answer = intent.answer(asked)
            if answer is not None:
                return intent, answer
    return OTHERWISE, _otherwise(asked)


def _otherwise(asked: Asked) -> Answer:
    is_greeting = re.match(r"(?:hi|hello|hey|thanks?|thank you|help)\b", asked.words)
    start = "Hello." if is_greeting else "I cannot answer that."
    examples = "\n".join(f'"{intent.example}"' for intent in INTENTS)
    return Answer(text=f"{start} You can ask me, for example:\n{examples}")


OTHERWISE: Final = Intent(
    name="otherwise",
    example="what can you answer?",
    fits=lambda _: True,
    answer=_otherwise,
    is_open=True,
)
