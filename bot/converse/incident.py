"""One incident: what it is, why, by which evidence, and what came of it."""

import re
from collections.abc import Sequence
from typing import Final

from bot.converse import now
from bot.converse.asked import Asked, number_in
from bot.converse.question import Answer
from bot.lore import Diagnosis, PastCase
from bot.model import Culprit, Incident
from bot.text.words import level_word, seconds

_CAUSES: Final = 3
_FACTS: Final = 6
_ITEMS: Final = 8
_WHY: Final = re.compile(
    r"\bwhy\b|\bwrong\b|\bcaus(?:e[ds]?|ing)\b|\bexplain\b|\bdiagnos|\breason\b"
    r"|\bevidence\b|\bwhat happened\b|\btell me (?:more|about)\b|\bmore about\b"
    r"|\bwhat(?:'s| is) (?:this|it|that)(?: about)?\b|\bdetails?\b"
)


def is_about_one(words: str) -> bool:
    """Say whether the words ask about one incident, by its number or by "why"."""
    return number_in(words) is not None or _WHY.search(words) is not None


def about(asked: Asked) -> Answer:
    """Explain the incident that is named or that the thread is about, else the open one."""
    number = asked.number
    if number is not None and asked.get(number) is None:
        return Answer(text=f"There is no incident {number}.")
    incident = asked.incident
    if incident is not None:
        return explained(asked, incident)
    found = asked.open()
    if len(found) == 1:
        return explained(asked, found[0])
    if not found:
        return now.status(asked)
    listed = ", ".join(f"{one.number} ({one.title})" for one in found[:8])
    return Answer(text=f"Which one? Open are {listed}. Ask: what is incident N about?")


def explained(asked: Asked, incident: Incident) -> Answer:
    """Say everything that is known of an incident, with the evidence it rests on."""
    lines = [
        _head(incident),
        *_figures(incident),
        *_culprit(incident.culprit),
        *_opinion(incident.diagnosis),
        *_last_time(incident),
        now.waiting(asked.waiting(incident)),
        *_outcome(incident),
    ]
    return Answer(
        text="\n".join(filter(None, lines)),
        evidence=cited(incident),
        card=incident.number,
        about=incident.number,
    )


def cited(incident: Incident) -> tuple[str, ...]:
    """Return the ids that the opinion cites, else those of all evidence."""
    causes = incident.diagnosis.hypotheses if incident.diagnosis else ()
    ids = dict.fromkeys(id_ for cause in causes for id_ in cause.evidence)
    return tuple(ids or (item.id for item in incident.evidence))[:_ITEMS]


def _head(incident: Incident) -> str:
    end = incident.resolved_at
    state = f"resolved after {seconds(end - incident.since)}" if end else incident.phase
    return (
        f"Incident {incident.number}: {incident.title} ({level_word(incident.level)}, "
        f"since {incident.since:%Y-%m-%d %H:%M:%S} UTC, {state})."
    )


def _figures(incident: Incident) -> list[str]:
    facts = [fact for finding in incident.findings for fact in finding.facts][:_FACTS]
    said = dict.fromkeys(f"{fact.label} {fact.value}" for fact in facts)
    if not said:
        return [incident.lead.summary]
    return [incident.lead.summary, f"Figures: {'; '.join(said)}."]


def _culprit(culprit: Culprit | None) -> list[str]:
    if culprit is None:
        return []
    process = culprit.process
    where = f", unit {process.unit}" if process.unit else ""
    who = f"{process.label} (pid {process.identity.pid}, user {process.user}{where})"
    return [f"{who} explains {culprit.share:.0%} of it."]


def _opinion(diagnosis: Diagnosis | None) -> list[str]:
    if diagnosis is None:
        return ["There is no opinion about the cause yet."]
    sure = f"{diagnosis.author}, {diagnosis.confidence:.0%} sure"
    lines = [f"What I think ({sure}): {diagnosis.summary}"]
    for cause in diagnosis.hypotheses[:_CAUSES]:
        against = f", against it {', '.join(cause.against)}" if cause.against else ""
        what = "" if cause.cause == diagnosis.summary else f"{cause.cause} "
        cited_for = ", ".join(cause.evidence) or "nothing"
        lines.append(f"{what}For it: {cited_for}{against}.")
    return lines


def _last_time(incident: Incident) -> list[str]:
    past: Sequence[PastCase] = incident.knowledge.past if incident.knowledge else ()
    return [told("Last time", case) for case in past[:1]]


def told(lead: str, case: PastCase) -> str:
    """Say a remembered case in one line; likeness never means that it is the same."""
    what = case.action or "nothing was done"
    seen = f", seen {case.seen} times" if case.seen > 1 else ""
    worked = f", worked {case.worked} of {case.tried} times" if case.tried > 1 else ""
    cause = f" Cause: {case.cause}" if case.cause else ""
    return (
        f"{lead}: similar incident {case.incident} of {case.closed_at:%Y-%m-%d}{seen}: "
        f"{what}, {case.outcome}{worked}.{cause}"
    )


def _outcome(incident: Incident) -> list[str]:
    lines = []
    if incident.verification is not None:
        found = incident.verification
        lines.append(f"After the action: {found.verdict}, {found.figures}.")
    if incident.no_action is not None and incident.is_open:
        lines.append(f"No action is offered: {incident.no_action.reason}.")
    if incident.resolution:
        lines.append(f"It ended: {incident.resolution}.")
    return lines
