"""A manager of services that asks the gate where polkit says no to the bot's own user."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from remediation.acts.service_manager import (
    NotPermitted,
    OnWait,
    ServiceManager,
    UnitRow,
)
from remediation.gate import jobs as gate_jobs
from remediation.target.privilege import Gate
from remediation.target.unit import UnitFacts, UnitIdentity, Verb


class GatedServices:
    """Reads as `inner` does; a job that is not permitted there goes through the gate."""

    def __init__(self, inner: ServiceManager, gate: Gate) -> None:
        self.name = inner.name
        self.look_every = inner.look_every
        self._inner = inner
        self._gate = gate

    def is_present(self) -> bool:
        """Ask the inner one."""
        return self._inner.is_present()

    def rows(self) -> Sequence[UnitRow]:
        """Ask the inner one."""
        return self._inner.rows()

    def facts(self, name: str) -> UnitFacts:
        """Ask the inner one."""
        return self._inner.facts(name)

    def restarts(self, names: Sequence[str]) -> Mapping[str, int]:
        """Ask the inner one."""
        return self._inner.restarts(names)

    def last_runs(self, timers: Sequence[str]) -> Mapping[str, datetime | None]:
        """Ask the inner one."""
        return self._inner.last_runs(timers)

    def clear_start_limit(self, unit: UnitIdentity) -> None:
        """Forget earlier starts and failures, so that it may be started."""
        try:
            self._inner.clear_start_limit(unit)
        except NotPermitted:
            with _neither():
                gate_jobs.clear_start_limit(self._gate, unit)

    def run(
        self, verb: Verb, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> timedelta:
        """Run a job and wait for its end; return how long it took."""
        try:
            return self._inner.run(verb, unit, on_wait=on_wait, deadline=deadline)
        except NotPermitted:
            with _neither():
                return gate_jobs.run(
                    self._gate, verb, unit, on_wait=on_wait, deadline=deadline
                )


@contextmanager
def _neither() -> Iterator[None]:
    """Say that polkit had not permitted it either."""
    try:
        yield
    except NotPermitted as no:
        reason = "polkit does not permit it to this bot's user, and"
        raise NotPermitted(f"{reason} {no}") from no
