"""The services of another host: read and operated through that host's gate only."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NoSuchUnit,
    OnWait,
    UnitRow,
)
from remediation.gate import jobs as gate_jobs
from remediation.target.privilege import (
    Gate,
    GateClosed,
    GateFailed,
    GateRefused,
    Unanswered,
)
from remediation.target.unit import UnitFacts, UnitIdentity, Verb

_NOT_TOLD: Final = "a gate tells of one listed service at a time"


class RemoteServices:
    """Implements `ServiceManager` for another host; only listed services are there.

    host: what people call it. A look costs a connection, so looks lie further apart.
    """

    look_every = 2.0

    def __init__(self, host: str, gate: Gate) -> None:
        self.name = f"the gate of {host}"
        self._host = host
        self._gate = gate

    def is_present(self) -> bool:
        """Say that there is one; whether it answers is seen when it is asked."""
        return True

    def rows(self) -> Sequence[UnitRow]:
        """Raise: nobody reads another host's list."""
        raise ManagerUnavailable(_NOT_TOLD)

    def restarts(self, names: Sequence[str]) -> Mapping[str, int]:
        """Raise, likewise."""
        del names
        raise ManagerUnavailable(_NOT_TOLD)

    def last_runs(self, timers: Sequence[str]) -> Mapping[str, datetime | None]:
        """Raise, likewise."""
        del timers
        raise ManagerUnavailable(_NOT_TOLD)

    def facts(self, name: str) -> UnitFacts:
        """Return how a listed service stands there; raise `NoSuchUnit`."""
        try:
            found = self._gate.unit(name)
        except (GateClosed, GateRefused) as no:
            raise ManagerUnavailable(str(no)) from no
        except GateFailed as failed:
            raise JobFailed(str(failed)) from failed
        except Unanswered as lost:
            # A look changes nothing, so that its answer was lost leaves nothing open.
            raise ManagerUnavailable(f"{self._host} told nothing: {lost}") from lost
        if found.load == "not-found" and found.active == "inactive":
            raise NoSuchUnit(f"there is no service {name} on {self._host}")
        if name not in (found.name, *found.names):
            raise ManagerUnavailable(f"{self._host} told of another service")
        return found

    def clear_start_limit(self, unit: UnitIdentity) -> None:
        """Forget earlier starts and failures; where the answer is lost nothing follows."""
        try:
            gate_jobs.clear_start_limit(self._gate, unit)
        except ManagerUnavailable as lost:
            reason = "whether its start limit was cleared is not known; nothing else was asked"
            raise ManagerUnavailable(f"{self._lost(lost)}: {reason}") from lost

    def run(
        self, verb: Verb, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> timedelta:
        """Run a job and wait for its end; return how long it took.

        The gate compares the invocation with its own eyes, right before the job.
        """
        try:
            return gate_jobs.run(
                self._gate, verb, unit, on_wait=on_wait, deadline=deadline
            )
        except ManagerUnavailable as lost:
            raise ManagerUnavailable(self._lost(lost)) from lost

    def _lost(self, lost: ManagerUnavailable) -> str:
        return f"{self._host} was asked, and {lost}"
