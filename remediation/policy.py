"""May this be done, to this, now? Every verdict names the rule that decided.

Pure: it is asked when an action is proposed, and its protections are asked again at
the instant of execution (`execute.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never

from remediation.action import (
    Action,
    LowerPriority,
    OperateUnit,
    Pause,
    ProcessAction,
    RestorePriority,
    Resume,
    Terminate,
)
from remediation.facts import ProcessFacts
from remediation.leases import Caps, Hold
from remediation.lock import Locked
from remediation.protect import OwnTree, ProtectSettings, protection
from remediation.unit import UnitFacts
from remediation.unit_rules import ServiceSettings, refuse_unit
from remediation.verdict import Allowed, Refusal

TargetFacts = ProcessFacts | UnitFacts
"""What is read of a target, again at the instant of execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the team decided.

    ttl: how long an approval may take. needed: approvers. stable_for: how long a
    service must stay up after it was started to count as started.
    """

    ttl: timedelta
    needed: int
    caps: Caps
    protect: ProtectSettings
    services: ServiceSettings = field(default_factory=ServiceSettings)
    stable_for: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What holds besides the target: the lock, and limits reached (`leases.py`)."""

    locked: Locked | None
    hold: Hold | None


def review(
    action: Action,
    members: Sequence[TargetFacts],
    situation: Situation,
    rules: Rules,
    own: OwnTree,
) -> Allowed | Refusal:
    """Judge the action. `members`: facts of all that it would touch, root first."""
    if situation.locked is not None:
        return Refusal(rule="lock", reason=f"the bot is locked: {situation.locked.why}")
    for facts in members:
        refused = refuse_target(action, facts, rules, own)
        if refused is not None:
            return refused
    if situation.hold is not None and not situation.hold.passes:
        return Refusal(rule=situation.hold.rule, reason=situation.hold.reason)
    return Allowed(rule=_rule(action))


def refuse_target(
    action: Action, facts: TargetFacts, rules: Rules, own: OwnTree
) -> Refusal | None:
    """Say why this process or service may not be touched in this way, if it may not."""
    match action, facts:
        case OperateUnit(), UnitFacts():
            return refuse_unit(action, facts, rules.services, own)
        case OperateUnit(), _:
            raise TypeError("a service is judged by what its manager says of it")
        case _, ProcessFacts():
            return _refuse_process(action, facts, rules.protect, own)
        case _:
            raise TypeError("a process is judged by what the kernel says of it")


def _rule(action: Action) -> str:
    if isinstance(action, OperateUnit):
        return f"policy.services.{action.verb}"
    return f"policy.processes.{action.kind}"


def _refuse_process(
    action: ProcessAction, facts: ProcessFacts, protect: ProtectSettings, own: OwnTree
) -> Refusal | None:
    protected = protection(facts, protect, own)
    if protected is not None:
        return Refusal(rule=protected.rule, reason=protected.reason)
    if facts.denied is not None:
        return Refusal(
            rule="privilege", reason=facts.denied, by_hand=_by_hand(action, facts)
        )
    return _refuse_kind(action, facts)


def _refuse_kind(action: ProcessAction, facts: ProcessFacts) -> Refusal | None:
    match action:
        case Terminate():
            # Below the root the respawner is the tree's own master, which goes too.
            is_root = facts.identity == action.process
            return _would_come_back(facts.respawner) if is_root else None
        case Pause():
            return _would_hang_clients(facts.ports)
        case LowerPriority(nice=nice):
            reason = f"it already has nice {facts.nice}"
            lowered = Refusal(rule="already lowered", reason=reason)
            return lowered if facts.nice >= nice else None
        case Resume() | RestorePriority():
            return None
    assert_never(action)


def _would_come_back(respawner: str | None) -> Refusal | None:
    if respawner is None:
        return None
    return Refusal(
        rule="respawner",
        reason=f"{respawner} would start it again at once",
        by_hand=f"stop it where it is managed: {respawner}",
    )


def _would_hang_clients(ports: Sequence[int]) -> Refusal | None:
    if not ports:
        return None
    listed = ", ".join(map(str, ports[:5]))
    return Refusal(
        rule="listens on a port",
        reason=f"it listens on {listed}: its clients would hang",
    )


def _by_hand(action: ProcessAction, facts: ProcessFacts) -> str:
    pid = facts.identity.pid
    match action:
        case Terminate():
            return f"kill -TERM {pid}  (as root, after checking what it is)"
        case LowerPriority() | RestorePriority():
            return f"renice -n {action.nice} -p {pid}  (as root)"
        case Pause() | Resume():
            return ""
    assert_never(action)
