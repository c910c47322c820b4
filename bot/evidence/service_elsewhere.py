"""The service of another host that an incident is about, as its gate told when it opened."""

from bot.host import HostContext
from bot.model import EvidenceItem, Incident
from bot.service_words import facts_of


class ServiceElsewhere:
    """Asks nobody anew: the gate was asked a moment ago."""

    name = "service elsewhere"
    is_local = False

    def __init__(self, host: HostContext) -> None:
        self._host = host

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return one item; none where it is about this host, or no service."""
        service = incident.service
        if service is None or incident.host == self._host.name:
            return []
        facts = facts_of(service, self._host.clock.now().wall)
        text = "\n".join(f"{fact.label}: {fact.value}" for fact in facts[1:])
        title = f"The service {service.name} on {incident.host}"
        return [EvidenceItem(id="", title=title, text=text)]


EVIDENCE = ServiceElsewhere
