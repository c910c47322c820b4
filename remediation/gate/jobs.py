"""A job of a service that is done by a gate: its answers, as a manager of services gives them."""

import time
from datetime import timedelta
from typing import Final

from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NotPermitted,
    OnWait,
    StillUnderWay,
)
from remediation.target.privilege import (
    Gate,
    GateClosed,
    GateFailed,
    GateRefused,
    Unanswered,
)
from remediation.target.unit import UnitIdentity, Verb

_QUICK: Final = timedelta(seconds=10)


def run(
    gate: Gate,
    verb: Verb,
    unit: UnitIdentity,
    *,
    on_wait: OnWait,
    deadline: timedelta,
) -> timedelta:
    """Have the gate do it; return how long it took. Raises as `ServiceManager.run`."""
    return _ask(gate, verb, unit, on_wait, deadline)


def clear_start_limit(gate: Gate, unit: UnitIdentity) -> None:
    """Have the gate forget earlier starts. Raises as `ServiceManager`, in time."""
    _ask(gate, "reset-failed", unit, _unheard, _QUICK)


def _ask(
    gate: Gate, verb: str, unit: UnitIdentity, on_wait: OnWait, deadline: timedelta
) -> timedelta:
    began = time.monotonic()
    try:
        ended = gate.operate(verb, unit, on_wait=on_wait, deadline=deadline)
    except (GateClosed, GateRefused) as no:
        raise NotPermitted(str(no)) from no
    except GateFailed as failed:
        raise JobFailed(str(failed)) from failed
    except Unanswered as lost:
        raise ManagerUnavailable(str(lost)) from lost
    if not ended:
        raise StillUnderWay(f"{verb} of {unit.name} has not ended")
    return timedelta(seconds=time.monotonic() - began)


def _unheard(_: timedelta) -> None:
    """Tell nobody: it takes no time worth telling."""
