"""Which runbooks are written for an incident, by exact names. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.model import Incident
from bot.runbooks.page import Page, condition_name

_UNIT_ENDINGS = (".service", ".socket", ".timer", ".scope", ".slice", ".mount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A runbook for an incident or for words, and why it was taken, in plain words."""

    page: Page
    why: str


def exact(pages: Iterable[Page], incident: Incident) -> list[Match]:
    """Return the pages that name the incident's condition or service, the best first.

    A page for the condition and the service comes before one for the condition in
    general, that before one for the service alone. The leading condition counts
    more than those that joined; a page for the incident's level more than one for
    another. A page for other services is no exact match. Equal ones go by name.
    """
    ranked = [
        (rank, page.name, Match(page=page, why=why))
        for page in pages
        for rank, why in [_rank(page, incident)]
        if rank
    ]
    ranked.sort(key=lambda entry: ((-entry[0][0], *entry[0][1:]), entry[1]))
    return [match for _, _, match in ranked]


def retold(found: Iterable[Match]) -> str:
    """Tell runbooks with their steps, for whoever reads them as evidence."""
    told = ["\n".join((f"# {m.page.title}", *m.page.steps)) for m in found]
    return "\n\n".join(told) or "No runbook was found."


def words_of(incident: Incident) -> str:
    """Return what a search for the incident's runbook looks for: its leading condition.

    Hosts and figures are left out; they say nothing about which page it needs.
    """
    lead = incident.lead
    unit = incident.unit_name
    said = lead.summary.replace(incident.host, " ")
    return f"{lead.detector.replace('_', ' ')} {lead.label} {said} {unit or ''}"[:500]


def _rank(page: Page, incident: Incident) -> tuple[tuple[int, ...], str]:
    conditions = _conditions(incident)
    place = next((i for i, c in enumerate(conditions) if c in page.conditions), None)
    service = _service(page, incident)
    if page.services and service is None:
        return (), ""
    if place is None:
        return ((1, 0, 0), f"it is for {service}") if service else ((), "")
    off_level = int(page.severity not in (None, incident.level))
    why = f"it is for {conditions[place]}"
    if service:
        return (3, place, off_level), f"{why} and for {service}"
    return (2, place, off_level), why


def _conditions(incident: Incident) -> list[str]:
    """Return what the incident is about, what a finding says of itself first."""
    named = [f.runbook for f in incident.findings if f.runbook]
    detectors = [f.detector for f in incident.findings]
    return [condition_name(name) for name in (*named, *detectors)]


def _service(page: Page, incident: Incident) -> str | None:
    names = {name for name in _names(incident) if name}
    return next((s for s in page.services if _bare(s) in names), None)


def _names(incident: Incident) -> set[str]:
    culprit = incident.culprit
    if culprit is None:
        return {
            _bare(name)
            for f in incident.findings
            for name in (f.subject, f.service_name or "")
        }
    process = culprit.process
    exe = process.identity.exe.rpartition("/")[2]
    return {_bare(process.unit or ""), _bare(exe), _bare(process.name)}


def _bare(name: str) -> str:
    lower = name.strip().lower()
    for ending in _UNIT_ENDINGS:
        lower = lower.removesuffix(ending)
    return lower
