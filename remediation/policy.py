"""May this be done, to this, now? Every verdict names the rule that decided.

Pure: it is asked when an action is proposed, and its protections are asked again at
the instant of execution (`execute.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from remediation.action import (
    Action,
    LowerPriority,
    Pause,
    RestorePriority,
    Resume,
    Terminate,
)
from remediation.facts import ProcessFacts
from remediation.leases import Caps, Hold
from remediation.lock import Locked
from remediation.protect import OwnTree, ProtectSettings, protection


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the team decided. ttl: how long an approval may take. needed: approvers."""

    ttl: timedelta
    needed: int
    caps: Caps
    protect: ProtectSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What holds besides the target: the lock, and limits reached (`leases.py`)."""

    locked: Locked | None
    hold: Hold | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """It may be proposed, by this rule."""

    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """It may not, by which rule and why, and what a person can do by hand."""

    rule: str
    reason: str
    by_hand: str = ""


def review(
    action: Action,
    members: Sequence[ProcessFacts],
    situation: Situation,
    rules: Rules,
    own: OwnTree,
) -> Allowed | Refusal:
    """Judge the action. `members`: facts of every process it would touch, root first."""
    if situation.locked is not None:
        return Refusal(rule="lock", reason=f"the bot is locked: {situation.locked.why}")
    for facts in members:
        refused = refuse_target(action, facts, rules.protect, own)
        if refused is not None:
            return refused
    if situation.hold is not None and not situation.hold.passes:
        return Refusal(rule=situation.hold.rule, reason=situation.hold.reason)
    return Allowed(rule=f"policy.processes.{action.kind}")


def refuse_target(
    action: Action, facts: ProcessFacts, protect: ProtectSettings, own: OwnTree
) -> Refusal | None:
    """Say why this process may not be touched in this way, if it may not."""
    protected = protection(facts, protect, own)
    if protected is not None:
        return Refusal(rule=protected.rule, reason=protected.reason)
    if facts.denied is not None:
        return Refusal(
            rule="privilege", reason=facts.denied, by_hand=_by_hand(action, facts)
        )
    return _refuse_kind(action, facts)


def _refuse_kind(action: Action, facts: ProcessFacts) -> Refusal | None:
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


def _by_hand(action: Action, facts: ProcessFacts) -> str:
    pid = facts.identity.pid
    match action:
        case Terminate():
            return f"kill -TERM {pid}  (as root, after checking what it is)"
        case LowerPriority() | RestorePriority():
            return f"renice -n {action.nice} -p {pid}  (as root)"
        case Pause() | Resume():
            return ""
    assert_never(action)
