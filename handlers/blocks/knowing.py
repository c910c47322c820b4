"""Below the buttons: what is thought, what happened last time, what the runbook says.

All of it is opinion or memory, marked as such, and stands apart from the facts. It
gets the room that the facts and buttons leave: however long these texts are, they cost
the card no button.
"""

from collections.abc import Sequence

from bot.lore import Diagnosis, Knowledge, PastCase, RunbookRef
from bot.model import Incident
from handlers.blocks.markup import SECTION_LIMIT, cut, escaped, instruction, section

_SUMMARY = 700
_CAUSE = 160
_STEP = 140
ROOM = 6000
"""Characters of all sections together."""
SECTIONS = 6
_LEAST = 100
"""Less room than this says nothing."""


def below(incident: Incident, room: int = ROOM) -> list[dict[str, object]]:
    """Return the sections that follow the buttons; none of them moves a button.

    room: characters that are left for them; what comes first gets them first.
    """
    said = []
    if incident.diagnosis is not None:
        said.append(_opinion(incident, incident.diagnosis))
    # Over, it needs no advice any more: what was thought is enough to judge it by.
    if incident.knowledge is not None and incident.is_open:
        said.extend(_known(incident.knowledge))
    return [section(text) for text in _fitting(said, min(room, ROOM))]


def _fitting(said: Sequence[str], room: int) -> list[str]:
    """Return the texts cut to the room; those for which none is left are left out."""
    kept: list[str] = []
    for text in said[:SECTIONS]:
        left = room - sum(map(len, kept))
        if left < min(len(text), _LEAST):
            break
        kept.append(cut(text, min(left, SECTION_LIMIT)))
    return kept


def _opinion(incident: Incident, diagnosis: Diagnosis) -> str:
    cited = list(dict.fromkeys(e for h in diagnosis.hypotheses for e in h.evidence))
    sources = f" · from {escaped(', '.join(cited[:6]))}" if cited else ""
    author = escaped(diagnosis.author)
    lines = [
        f"*What I think* ({author}, {diagnosis.confidence:.0%} sure{sources})",
        escaped(cut(diagnosis.summary, _SUMMARY)),
    ]
    if diagnosis.preferred and incident.is_open:
        lines.append(f"It would choose: {escaped(_choice(diagnosis.preferred))}")
    if diagnosis.settle and incident.is_open:
        lines.append(f"What would settle it: {escaped(cut(diagnosis.settle, _CAUSE))}")
    if diagnosis.missing:
        lines.append(f"Missing: {escaped(cut(diagnosis.missing, _CAUSE))}")
    if incident.is_open and incident.knowledge and not incident.is_explained:
        lines.append("A model is looking too; its opinion will stand here.")
    lines += [f"*Objection* {escaped(cut(one, _CAUSE))}" for one in incident.objections]
    return "\n".join(lines)


def _choice(preferred: str) -> str:
    words = {"escalate": "to call a person", "nothing": "to do nothing"}
    return words.get(preferred, f"proposal {preferred}")


def _known(knowledge: Knowledge) -> list[str]:
    said = []
    if knowledge.past:
        head = f" ({escaped(knowledge.track)})" if knowledge.track else ""
        told = [_past(case) for case in knowledge.past[:2]]
        said.append("\n".join((f"*Last time*{head}", *told)))
    if knowledge.runbooks:
        said.append("\n".join(map(_runbook, knowledge.runbooks[:2])))
    if knowledge.missing:
        said.append(f"Missing: {escaped(cut(knowledge.missing, _CAUSE))}")
    return said


def _past(case: PastCase) -> str:
    what = escaped(case.action) or "nothing was done"
    seen = f", seen {case.seen} times" if case.seen > 1 else ""
    begins = "But once, similar" if case.warns else "Similar"
    cause = f" Cause: {escaped(cut(case.cause, _CAUSE))}" if case.cause else ""
    return (
        f"{begins} incident {case.incident} on {case.closed_at:%Y-%m-%d}{seen}: "
        f"{what}; {escaped(case.outcome)}.{cause}"
    )


def _runbook(page: RunbookRef) -> str:
    steps = [f"{n}. {instruction(step, _STEP)}" for n, step in enumerate(page.steps, 1)]
    name = f"*Runbook* {escaped(page.title)} (`{escaped(page.name)}`)"
    return "\n".join((name, *steps))
