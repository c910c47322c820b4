"""What an action would touch, as it is this second: a process tree, a service, old files.

Of other hosts it is a service, read through that host's gate; nothing else is read there.
"""

import time
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Final, Protocol

from bot.host.disk import Disk, Disks
from bot.model import Culprit, Incident
from remediation.action import Action, CleanFiles, OperateUnit
from remediation.acts.aftermath import ticks_now
from remediation.acts.fleet import Fleet
from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NoSuchUnit,
    ServiceManager,
)
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone, ProcessIdentity, Unobservable
from remediation.target.procfs import TICKS_PER_SECOND
from remediation.target.unit import UnitFacts

_LONG: Final = 1.0
_MOMENT: Final = 3
"""Seconds for which a child has only just begun."""
_RESTS: Final = 60.0
"""Seconds for which a host that was waited for in vain (`_LONG`) is not asked again."""


class Reader(Protocol):
    """Reads live processes."""

    def read(self, pid: int) -> ProcessFacts:
        """Return the facts; raise `Gone`."""

    def descendants(self, pid: int) -> tuple[ProcessFacts, ...]:
        """Return its children and theirs, ordered by pid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A live process and all that would go with it, read at one instant.

    service: the one it runs in, where that may be operated as a whole. churns: whether it
    has children that began a moment ago only, as who starts programs without end has.
    """

    process: ProcessFacts
    children: tuple[ProcessFacts, ...]
    service: UnitFacts | None = None
    churns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A service that nobody tells of now. why: printable."""

    why: str


Live = Suspect | UnitFacts | Disk


class Targets:
    """Reads what an incident is about, and what an action would touch.

    fleet: whoever tells of services, on each host. allowed: services that may be operated,
    by canonical name. disks: what may be cleaned.
    """

    def __init__(
        self,
        *,
        reader: Reader,
        fleet: Fleet,
        allowed: Container[str],
        disks: Disks,
    ) -> None:
        self._reader = reader
        self._fleet = fleet
        self._allowed = allowed
        self._disks = disks
        self._silent: dict[str, tuple[float, str]] = {}

    def covers(self, host: str) -> bool:
        """Say whether anything can be read and done on this host."""
        return self._fleet.covers(host)

    def of(self, incident: Incident) -> Live | Hidden | None:
        """Read what it is about; None when that is nothing, gone or another one."""
        if incident.host != self._fleet.here:
            return self._elsewhere(incident)
        if incident.service is not None:
            return self.service(incident.service.name)
        if incident.culprit is None and incident.unit_name is not None:
            return self.service(incident.unit_name)
        if incident.culprit is not None:
            return self._of_culprit(incident.culprit)
        mount = "" if incident.is_storm else incident.lead.mount
        return self._disks.of(mount) if mount else None

    def _of_culprit(self, culprit: Culprit) -> Suspect | None:
        found = self.process(culprit.identity)
        unit = found.process.unit if found else None
        if found is None or unit is None or unit not in self._allowed:
            return found
        return replace(found, service=self.service(unit))

    def target(self, action: Action) -> Live | None:
        """Read what the action is about; None when it is gone, another one or hidden."""
        if isinstance(action, OperateUnit):
            return self.service(action.unit.name, action.host)
        if isinstance(action, CleanFiles):
            return self._disks.to_clean(action)
        return self.process(action.process)

    def process(self, identity: ProcessIdentity) -> Suspect | None:
        """Read the process as it is now; None when it is gone, another one or hidden."""
        try:
            found = self.live(identity.pid)
        except (Gone, Unobservable):
            return None
        same = found.process.identity.start_ticks == identity.start_ticks
        return found if same else None

    def live(self, pid: int) -> Suspect:
        """Read whatever process has this pid now; raise `Gone` or `Unobservable`."""
        process = self._reader.read(pid)
        children = self._reader.descendants(pid)
        young = ticks_now() - _MOMENT * TICKS_PER_SECOND
        churns = all(child.identity.start_ticks > young for child in children)
        return Suspect(
            process=process, children=children, churns=churns and bool(children)
        )

    def service(self, name: str, host: str | None = None) -> UnitFacts | None:
        """Read the service as it is now; None when its manager does not tell.

        host: this one where it is None.
        """
        found = self.look(host or self._fleet.here, name)
        return found if isinstance(found, UnitFacts) else None

    def look(self, host: str, name: str) -> UnitFacts | Hidden:
        """Read the service as it is now, or say why it cannot be read."""
        try:
            return self._fleet.of(host).facts(name)
        except (NoSuchUnit, ManagerUnavailable, JobFailed) as silent:
            return Hidden(why=str(silent))

    def _elsewhere(self, incident: Incident) -> UnitFacts | Hidden | None:
        """Read the service on another host; one that was silent a moment ago rests.

        Many conditions of a host that is down cost one wait.
        """
        host, name = incident.host, incident.unit_name
        if name is None or not self.covers(host):
            return None
        until, why = self._silent.get(host, (0.0, ""))
        if time.monotonic() < until:
            return Hidden(why=why)
        began = time.monotonic()
        found = self.look(host, name)
        if isinstance(found, Hidden) and time.monotonic() - began > _LONG:
            self._silent[host] = (time.monotonic() + _RESTS, found.why)
        return found


def service_of(services: ServiceManager, name: str) -> UnitFacts | None:
    """Read a service as it is now; None when its manager does not tell."""
    try:
        return services.facts(name)
    except (NoSuchUnit, ManagerUnavailable, JobFailed):
        return None
