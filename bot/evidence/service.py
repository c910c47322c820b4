"""The service an incident is about: how it stands. What it wrote is in `logs.py`.

Another host's is told as its gate told it a moment ago, when the incident opened.
"""

from bot.host.host import HostContext
from bot.model import EvidenceItem, Incident
from bot.text.service_words import facts_of
from remediation.acts.service_manager import JobFailed, ManagerUnavailable, NoSuchUnit
from remediation.target.unit import UnitFacts


class ServiceEvidence:
    """Reads the unit's properties."""

    name = "service"
    is_local = False

    def __init__(self, host: HostContext) -> None:
        self._host = host

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return one item; none where it is about no service."""
        if incident.service is None:
            return []
        is_here = incident.host == self._host.name
        place = "" if is_here else f" on {incident.host}"
        service = self._now(incident.service) if is_here else incident.service
        title = f"The service {service.name}{place}"
        return [EvidenceItem(id="", title=title, text=self._state(service))]

    def _now(self, service: UnitFacts) -> UnitFacts:
        try:
            return self._host.services.facts(service.name)
        except (NoSuchUnit, ManagerUnavailable, JobFailed):
            return service

    def _state(self, service: UnitFacts) -> str:
        facts = facts_of(service, self._host.clock.now().wall)
        described = (
            [f"Description: {service.description}"] if service.description else []
        )
        drop_ins = [f"Drop-in: {path}" for path in service.drop_ins[:3]]
        lines = [*described, *(f"{f.label}: {f.value}" for f in facts[1:]), *drop_ins]
        return "\n".join(lines)


EVIDENCE = ServiceEvidence
