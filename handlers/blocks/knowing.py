"""Below the buttons: what is thought, what happened last time, what the runbook says.

All of it is opinion or memory, marked as such, and stands apart from the facts.
"""

from bot.lore import Knowledge, PastCase, RunbookRef
from bot.model import Diagnosis, Incident
from handlers.blocks.markup import cut, escaped, section

_SUMMARY = 700
_CAUSE = 160
_STEP = 140


def below(incident: Incident) -> list[dict[str, object]]:
    """Return the sections that follow the buttons; none of them moves a button."""
    drawn = []
    if incident.diagnosis is not None:
        drawn.append(_opinion(incident, incident.diagnosis))
    # Over, it needs no advice any more: what was thought is enough to judge it by.
    if incident.knowledge is not None and incident.is_open:
        drawn.extend(_known(incident.knowledge))
    return drawn


def _opinion(incident: Incident, diagnosis: Diagnosis) -> dict[str, object]:
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
    return section("\n".join(lines))


def _choice(preferred: str) -> str:
    words = {"escalate": "to call a person", "nothing": "to do nothing"}
    return words.get(preferred, f"proposal {preferred}")


def _known(knowledge: Knowledge) -> list[dict[str, object]]:
    drawn = []
    if knowledge.past:
        head = f" ({escaped(knowledge.track)})" if knowledge.track else ""
        told = [_past(case) for case in knowledge.past[:2]]
        drawn.append(section("\n".join((f"*Last time*{head}", *told))))
    if knowledge.runbooks:
        drawn.append(section("\n".join(map(_runbook, knowledge.runbooks[:2]))))
    if knowledge.missing:
        drawn.append(section(f"Missing: {escaped(cut(knowledge.missing, _CAUSE))}"))
    return drawn


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
    steps = [f"{n}. {_step(step)}" for n, step in enumerate(page.steps, 1)]
    name = f"*Runbook* {escaped(page.title)} (`{escaped(page.name)}`)"
    return "\n".join((name, *steps))


def _step(step: str) -> str:
    plain = " ".join(step.replace("`", "").split())
    return escaped(plain if len(plain) <= _STEP else f"{plain[: _STEP - 1]}…")
