"""The service an incident is about: how it stands, and the last it wrote."""

from typing import Final

from bot.host import HostContext
from bot.journal import NoJournal, of_invocation
from bot.model import EvidenceItem, Incident
from bot.service_words import facts_of
from remediation.service_manager import JobFailed, ManagerUnavailable, NoSuchUnit
from remediation.unit import UnitFacts

_LINES: Final = 12


class ServiceEvidence:
    """Reads the unit's properties and the journal of its latest invocation."""

    name = "service"
    is_local = True

    def __init__(self, host: HostContext) -> None:
        self._host = host

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return one or two items; none where it is about no service."""
        if incident.service is None:
            return []
        name = incident.service.name
        try:
            service = self._host.services.facts(name)
        except (NoSuchUnit, ManagerUnavailable, JobFailed):
            service = incident.service
        return [self._state(service), *_journal(service)]

    def _state(self, service: UnitFacts) -> EvidenceItem:
        facts = facts_of(service, self._host.clock.now().wall)
        described = (
            [f"Description: {service.description}"] if service.description else []
        )
        drop_ins = [f"Drop-in: {path}" for path in service.drop_ins[:3]]
        lines = [*described, *(f"{f.label}: {f.value}" for f in facts[1:]), *drop_ins]
        return EvidenceItem(
            id="", title=f"The service {service.name}", text="\n".join(lines)
        )


def _journal(service: UnitFacts) -> list[EvidenceItem]:
    invocation = service.identity.invocation
    if not invocation:
        return []
    title = f"Journal of {service.name}, its latest start"
    try:
        lines = of_invocation(invocation, lines=_LINES)
    except NoJournal as missing:
        return [EvidenceItem(id="", title=title, text=f"{missing}.")]
    text = "\n".join(lines) or "It wrote nothing."
    return [EvidenceItem(id="", title=title, text=text)]


EVIDENCE = ServiceEvidence
