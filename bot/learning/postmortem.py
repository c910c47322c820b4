"""The document of an incident, written from what the ledger recorded. Pure.

Every figure, time and name comes from the record. A model may add prose below the
summary and the follow-ups, marked as its own; it gets the finished document and
nothing of what it answers can reach another section.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.learning.deeds import deciders, done, person, time
from bot.lore import Feedback
from bot.model import EvidenceItem, Finding, Incident
from bot.ports import DiagnosisUnavailable
from bot.text.markdown import code, inert, table
from bot.text.words import amount, level_word, measured, seconds
from remediation.ledger.audit import Sealed
from remediation.ledger.proposal import Proposal, State

ADDED = "Added by a model from this document; not checked:"
"""Stands above everything that `improve` contributed."""

_INTERNAL = frozenset({"chart.due"})
_ADDED_LINES = 12
_ADDED_CHARACTERS = 20_000
_TIMELINE = 500
_EVIDENCE_CHARACTERS = 1500
_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything recorded about one incident.

    events: of this incident, in the chain's order. charts: names of the pictures
    that go with the document. names: how people's Slack ids are said.
    """

    incident: Incident
    events: Sequence[Sealed]
    proposals: Sequence[Proposal]
    charts: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)


Improve = Callable[[int, str], str]
"""Takes an incident's number and its document; returns a "Summary" and "Follow-ups".

Raises `DiagnosisUnavailable` when there is no answer.
"""


def postmortem(material: Material, improve: Improve | None = None) -> str:
    """Return the document in Markdown.

    improve: lets a model say more. Only the text of the two sections is taken, made
    inert and added below ours.
    """
    parts = _parts(material)
    if improve is not None:
        try:
            document = _joined(material, parts)
            answer = improve(material.incident.number, document)[:_ADDED_CHARACTERS]
        except DiagnosisUnavailable:
            answer = ""
        for heading in ("Summary", "Follow-ups"):
            parts[heading] += _added(answer, heading)
    return _joined(material, parts)


def _parts(material: Material) -> dict[str, str]:
    incident = material.incident
    return {
        "Summary": _summary(incident),
        "Impact": _impact(incident),
        "Timeline": _timeline(material),
        "Cause": _cause(incident, material.names),
        "Evidence": _evidence(incident),
        "What was done, and did it help": done(
            incident, material.proposals, material.names
        ),
        "Who decided": deciders(incident, material.proposals, material.names),
        "Charts": "\n".join(f"* {code(name)}" for name in material.charts) or "None.",
        "Follow-ups": _follow_ups(material),
    }


def _joined(material: Material, parts: Mapping[str, str]) -> str:
    incident = material.incident
    title = f"# Incident {incident.number}: {inert(incident.title, limit=150)}"
    body = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in parts.items())
    return f"{title}\n\n{body}\n"


def _added(answer: str, heading: str) -> str:
    lines, inside = list[str](), False
    for line in answer.splitlines():
        if line.lstrip().startswith("#"):
            inside = line.strip(" #\t").lower() == heading.lower()
        elif inside and line.strip():
            lines.append("> " + inert(line.strip(" >*-\t")))
    shown = "\n>\n".join(lines[:_ADDED_LINES])
    return f"\n\n> {ADDED}\n>\n{shown}" if shown else ""


def _summary(incident: Incident) -> str:
    how = (
        f"It ended after {_duration(incident)}: {inert(incident.resolution)}."
        if incident.resolved_at
        else "It is not resolved yet."
    )
    return (
        f"{inert(incident.lead.summary)} It began at {time(incident.since)} on "
        f"{code(incident.host)} and was {level_word(incident.level)} at its worst. {how}"
    )


def _impact(incident: Incident) -> str:
    until = time(incident.resolved_at) if incident.resolved_at else "open"
    head = (
        f"* since: {time(incident.since)}\n* until: {until}\n"
        f"* duration: {_duration(incident)}\n* noticed: {time(incident.last_opened)} "
        f"({seconds(incident.last_opened - incident.since)} after it began)"
    )
    rows = [_measured(finding) for finding in incident.findings[:_ROWS]]
    columns = ("condition", "of", "last value", "warning", "critical", "measured at")
    return f"{head}\n\n{table(columns, rows)}"


def _measured(finding: Finding) -> tuple[str, ...]:
    return (
        code(finding.detector),
        code(finding.subject or finding.host),
        inert(f"{finding.label} {measured(finding)}"),
        inert(amount(finding.limits.warning, finding.unit)),
        inert(amount(finding.limits.critical, finding.unit)),
        time(finding.at),
    )


def _timeline(material: Material) -> str:
    kept = [s for s in material.events if s.event.kind not in _INTERNAL]
    rows = [
        (
            str(sealed.seq),
            time(sealed.event.at),
            inert(sealed.event.text),
            person(sealed.event.actor, material.names),
        )
        for sealed in kept[:_TIMELINE]
    ]
    more = len(kept) - len(rows)
    end = f"\n\n{more} more events are in the ledger." if more else ""
    return table(("event", "time (UTC)", "what", "who"), rows) + end


def _cause(incident: Incident, names: Mapping[str, str]) -> str:
    said, opinion = _judged(incident.feedback, names), incident.diagnosis
    if opinion is None:
        return "\n\n".join(said) or "Nobody has said what the cause was."
    author = f"{code(opinion.author)}, confidence {opinion.confidence:.0%}"
    said.append(f"Opinion: {inert(opinion.summary, limit=1000)} ({author})")
    rows = [
        f"* {inert(h.cause)} (for: {_ids(h.evidence)}; against: {_ids(h.against)})"
        for h in opinion.hypotheses[:_ROWS]
    ]
    open_ = f"What would settle it: {inert(opinion.settle)}" if opinion.settle else ""
    return "\n\n".join(part for part in (*said, "\n".join(rows), open_) if part)


def _judged(feedback: Feedback | None, names: Mapping[str, str]) -> list[str]:
    """Return what a person said about the cause; it stands before every opinion."""
    if feedback is None:
        return []
    who = person(feedback.by, names)
    if feedback.cause:
        return [f"**{inert(feedback.cause)}** (corrected by {who})"]
    if feedback.is_right is None:
        return []
    verdict = (
        "confirmed the opinion" if feedback.is_right else "called the opinion wrong"
    )
    return [f"{who} {verdict} below."]


def _ids(ids: Sequence[str]) -> str:
    return inert(", ".join(ids)) or "none"


def _evidence(incident: Incident) -> str:
    items = list(map(_item, incident.evidence[:_ROWS]))
    past = incident.knowledge.past[:_ROWS] if incident.knowledge else ()
    before = [
        f"* incident {case.incident}, {time(case.closed_at)}: {inert(case.symptoms)} "
        f"{inert(case.action) or 'no action'}: {inert(case.outcome)}"
        for case in past
    ]
    if before:
        items.append("Resembling incidents:\n\n" + "\n".join(before))
    return "\n\n".join(items) or "None was read."


def _item(item: EvidenceItem) -> str:
    head = f"**{inert(item.id)}** {inert(item.title)}"
    if item.table is not None:
        rows = [tuple(map(inert, row)) for row in item.table.rows[:_ROWS]]
        return f"{head}\n\n{table(tuple(map(inert, item.table.columns)), rows)}"
    return f"{head}: {inert(item.text, limit=_EVIDENCE_CHARACTERS)}"


def _follow_ups(material: Material) -> str:
    incident = material.incident
    asked = list[str]()
    said, known = incident.feedback, incident.knowledge
    if said is None or not (said.cause or said.is_right):
        asked.append("Confirm or correct the cause.")
    if incident.resolved_at is None:
        asked.append("Resolve the incident, or name who goes on with it.")
    if not any(p.state is State.DONE for p in material.proposals):
        asked.append("It ended without an approved action: what ended it?")
    if incident.flapping:
        asked.append("The condition flaps: are its limits right?")
    if incident.culprit is not None:
        label = code(incident.culprit.process.label)
        asked.append(f"What keeps {label} from doing it again?")
    if known is not None and known.runbooks:
        titles = ", ".join(f"*{inert(ref.title)}*" for ref in known.runbooks[:3])
        asked.append(f"Did the runbook {titles} help? Mend what was missing in it.")
    else:
        asked.append("There was no runbook: save this resolution as a draft.")
    asked.append("Would it have been noticed earlier with another limit?")
    return "\n".join(f"* [ ] {text}" for text in asked)


def _duration(incident: Incident) -> str:
    end = incident.resolved_at
    return seconds(end - incident.since) if end else "still open"
