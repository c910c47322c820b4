"""What memory and runbooks know of an incident, as evidence that a model may cite. Pure."""

from bot.lore import Knowledge, PastCase
from bot.model import EvidenceItem


def context_of(knowledge: Knowledge | None) -> tuple[EvidenceItem, ...]:
    """Return what memory and runbooks say as evidence with ids of its own."""
    if knowledge is None:
        return ()
    cases = (
        EvidenceItem(id=f"M{n}", title=_title(case), text=_story(case))
        for n, case in enumerate(knowledge.past, start=1)
    )
    pages = (
        EvidenceItem(id=f"R{n}", title=f"Runbook {p.title}", text="\n".join(p.steps))
        for n, p in enumerate(knowledge.runbooks, start=1)
    )
    return (*cases, *pages)


def _title(case: PastCase) -> str:
    return f"Incident {case.incident} of {case.closed_at:%Y-%m-%d}"


def _story(case: PastCase) -> str:
    done = f" Done: {case.action}; {case.outcome}." if case.action else ""
    return f"{case.symptoms} Cause: {case.cause or 'not known'}.{done}"
