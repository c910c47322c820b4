"""Who starts and stops services on each host that this bot acts on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from remediation.acts.service_manager import ManagerUnavailable, ServiceManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """here: what this host is called. own: its manager. others: of other hosts, by name."""

    here: str
    own: ServiceManager
    others: Mapping[str, ServiceManager] = field(default_factory=dict)

    def covers(self, host: str) -> bool:
        """Say whether anything can be done on this host."""
        return host == self.here or host in self.others

    def of(self, host: str) -> ServiceManager:
        """Return the manager; raise `ManagerUnavailable` for a host that is not covered."""
        if host == self.here:
            return self.own
        if host not in self.others:
            reason = "is not among the hosts that this bot acts on"
            raise ManagerUnavailable(f"{host} {reason}")
        return self.others[host]
