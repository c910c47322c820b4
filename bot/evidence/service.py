"""The service an incident is about: how it stands. What it wrote is in `logs.py`."""

from bot.host import HostContext
from bot.model import EvidenceItem, Incident
from bot.service_words import facts_of
from remediation.service_manager import JobFailed, ManagerUnavailable, NoSuchUnit
from remediation.unit import UnitFacts


class ServiceEvidence:
    """Reads the unit's properties."""

    name = "service"
    is_local = True

    def __init__(self, host: HostContext) -> None:
        self._host = host

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return one item; none where it is about no service."""
        if incident.service is None:
            return []
        name = incident.service.name
        try:
            service = self._host.services.facts(name)
        except (NoSuchUnit, ManagerUnavailable, JobFailed):
            service = incident.service
        return [self._state(service)]

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


EVIDENCE = ServiceEvidence
