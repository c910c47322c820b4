"""A manager of services that asks the gate where polkit says no to the bot's own user."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from remediation.privilege import (
    Gate,
    GateClosed,
    GateFailed,
    GateRefused,
    Unanswered,
)
from remediation.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NotPermitted,
    OnWait,
    ServiceManager,
    StillUnderWay,
    UnitRow,
)
from remediation.unit import UnitFacts, UnitIdentity, Verb

_QUICK: Final = timedelta(seconds=10)


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
            self._through_gate("reset-failed", unit, _unheard, _QUICK)

    def run(
        self, verb: Verb, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> timedelta:
        """Run a job and wait for its end; return how long it took."""
        try:
            return self._inner.run(verb, unit, on_wait=on_wait, deadline=deadline)
        except NotPermitted:
            return self._through_gate(verb, unit, on_wait, deadline)

    def _through_gate(
        self, verb: str, unit: UnitIdentity, on_wait: OnWait, deadline: timedelta
    ) -> timedelta:
        began = time.monotonic()
        ask = self._gate.operate
        try:
            ended = ask(verb, unit, on_wait=on_wait, deadline=deadline)
        except (GateClosed, GateRefused) as no:
            reason = "polkit does not permit it to this bot's user, and"
            raise NotPermitted(f"{reason} {no}") from no
        except GateFailed as failed:
            raise JobFailed(str(failed)) from failed
        except Unanswered as lost:
            raise ManagerUnavailable(str(lost)) from lost
        if not ended:
            raise StillUnderWay(f"{verb} of {unit.name} has not ended")
        return timedelta(seconds=time.monotonic() - began)


def _unheard(_: timedelta) -> None:
    """Tell nobody: it takes no time worth telling."""
