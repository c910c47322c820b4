"""What happened, and what helped then: periods of time, and the memory of incidents."""

import re
from datetime import timedelta
from typing import Final

from bot.converse.asked import Asked
from bot.converse.incident import told
from bot.converse.periods import Period, period_in, span_in
from bot.converse.question import Answer
from bot.learning.retell import past, symptoms_of
from bot.lore import PastCase
from bot.model import Incident
from bot.storage import store
from bot.text.words import seconds
from memory.case import Symptoms
from memory.rank import is_alike

_WEEK: Final = timedelta(days=7)
_LISTED: Final = 12
_READ: Final = 500
_SIMILAR: Final = 3
_FRAME: Final = re.compile(
    r"\b(?:what|when|how|who|have|has|had|did|do|does|was|were|is|it|this|that|the|we|"
    r"you|i|a|an|to|of|on|at|in|last|time|times|ever|before|seen|happen|happened|fix|"
    r"fixed|helped|help|worked|done|similar|previously|same|like|us|before)\b|[^\w.-]"
)
_NEWS: Final = re.compile(
    r"\b(?:happen(?:ed)?|went wrong|wake|woke|incidents?|alerts?|pages?|report|"
    r"summary|missed|broke|failed)\b"
)
_WHEN: Final = re.compile(r"\b(?:night|yesterday|today|morning)\b")
_BARE: Final = re.compile(
    r"\b(?:last night|yesterday|overnight|did i miss)\b|\bwhat happened\s?[?.!]*$"
)


def is_about_time(words: str) -> bool:
    """Say whether the words ask what happened in a stretch of time."""
    if _BARE.search(words):
        return True
    named = _WHEN.search(words) is not None or span_in(words) is not None
    return named and _NEWS.search(words) is not None


def happened(asked: Asked) -> Answer | None:
    """List the incidents that were opened in a stretch of time, the last week if none.

    None where no time is named and the thread is about one incident.
    """
    now = asked.sources.record.clock.now().wall
    period = period_in(asked.words, now)
    if period is None and asked.incident is not None:
        return None
    period = period or Period(called="in the last 7 d", start=now - _WEEK, end=now)
    with asked.sources.record.database.read() as tx:
        later = store.since(tx, period.start, limit=_READ)
    found = [
        incident
        for incident in later
        if incident.opened_at < period.end and not incident.is_drill
    ]
    spell = f"{period.start:%Y-%m-%d %H:%M} to {period.end:%Y-%m-%d %H:%M} UTC"
    if not found:
        return Answer(text=f"No incident was opened {period.called} ({spell}).")
    count = f"{len(found)} incident{'s' if len(found) > 1 else ''}"
    lines = [f"{count} {period.called} ({spell}):", *map(_line, found[:_LISTED])]
    if found[_LISTED:]:
        lines.append(f"and {len(found) - _LISTED} more")
    return Answer(
        text="\n".join(lines),
        evidence=tuple(f"incident {one.number}" for one in found[:_LISTED]),
        about=found[0].number if len(found) == 1 else None,
    )


def last_time(asked: Asked) -> Answer:
    """Say which closed incidents were similar, what was done, and whether it helped."""
    number = asked.number
    if number is not None and asked.get(number) is None:
        return Answer(text=f"There is no incident {number}.")
    incident = asked.incident
    cases = _recalled(asked, incident)
    missing = asked.sources.memory.health()
    about = incident.number if incident else None
    own = _own(incident)
    if not cases and not own:
        text = "Nothing similar is remembered: no incident like it was closed yet."
        return Answer(text=text, about=about, missing=missing)
    lines = own + [told(f"M{n}", case) for n, case in enumerate(cases, start=1)]
    if cases:
        lines.append("Similar is not the same: look at the evidence before you act.")
    return Answer(
        text="\n".join(lines),
        evidence=tuple(f"M{n}" for n in range(1, len(cases) + 1)),
        about=about,
        missing=missing,
    )


def _recalled(asked: Asked, incident: Incident | None) -> list[PastCase]:
    if incident is not None:
        symptoms = symptoms_of(incident)
    else:
        text = " ".join(_FRAME.sub(" ", asked.words).split())
        if not text:
            return _latest(asked)
        symptoms = Symptoms(condition="", host="", service="", text=text)
    found = asked.sources.memory.recall(symptoms, limit=_SIMILAR + 1)
    mine = incident.number if incident else 0
    if incident is not None:
        found = [one for one in found if is_alike(symptoms, one)]
    others = [past(one) for one in found if one.case.incident != mine]
    return others[:_SIMILAR]


def _latest(asked: Asked) -> list[PastCase]:
    """Return what memory says of the newest incident: nobody said which is meant."""
    newest = asked.sources.status.incidents(timedelta(days=30))[:1]
    if not newest:
        return []
    found = asked.sources.memory.recall(symptoms_of(newest[0]), limit=_SIMILAR)
    return [past(one) for one in found]


def _own(incident: Incident | None) -> list[str]:
    """Return what is known of the incident itself: how it ended, how its action does."""
    if incident is None:
        return []
    known = incident.knowledge
    track = [f"For this symptom {known.track}."] if known and known.track else []
    if incident.is_open:
        return track
    return [f"Incident {incident.number} ended: {incident.resolution}.", *track]


def _line(incident: Incident) -> str:
    end = incident.resolved_at
    how = (
        f"resolved after {seconds(end - incident.since)}: {incident.resolution}"
        if end
        else f"still {incident.phase}"
    )
    return (
        f"{incident.number}: {incident.opened_at:%m-%d %H:%M} {incident.title}; {how}"
    )
