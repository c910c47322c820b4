"""What would put an action back, where that is possible."""

from remediation.action import (
    Action,
    LowerPriority,
    OperateUnit,
    Pause,
    RestorePriority,
    Resume,
)
from remediation.ledger.proposal import Proposal, State
from remediation.target.unit import Verb


def undo_of(proposal: Proposal) -> Action | None:
    """Return the action that puts back what this one did; None where nothing can."""
    if proposal.state is not State.DONE:
        return None
    match proposal.action:
        case Pause(host=host, process=process, label=label):
            return Resume(host=host, process=process, label=label)
        case LowerPriority(host=host, process=process, label=label):
            before = proposal.outcome.undo_nice if proposal.outcome else None
            if before is None:
                return None
            return RestorePriority(host=host, process=process, label=label, nice=before)
        case OperateUnit(verb=Verb.STOP, host=host, unit=unit):
            return OperateUnit(host=host, unit=unit, verb=Verb.START)
        case _:
            return None
