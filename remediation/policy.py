"""May this be done, to this, now? Every verdict names the rule that decided.

Pure: it is asked when an action is proposed. Its protections and the team's rules are
asked again at the instant of execution (`acts/execute.py`), the rules at each click too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never

from remediation.action import (
    Action,
    CleanFiles,
    LowerPriority,
    OperateUnit,
    Pause,
    ProcessAction,
    RestorePriority,
    Resume,
    Terminate,
    kind_of,
)
from remediation.attempt import TargetFacts
from remediation.ledger.leases import Caps, Hold
from remediation.ledger.lock import Locked
from remediation.rules.asked import asked_of
from remediation.rules.drilled import DRILL
from remediation.rules.protect import OwnTree, ProtectSettings, protection
from remediation.rules.rulebook import RuleBook
from remediation.rules.unit_rules import ServiceSettings, refuse_unit
from remediation.rules.verdict import Allowed, Refusal
from remediation.target.area import Area
from remediation.target.facts import ProcessFacts
from remediation.target.unit import UnitFacts

GIVE_UP = "policy.give_up_after"
"""The rule that ends the proposing when nothing helps."""
_NOT_DRILLED: Final = Refusal(
    rule=DRILL, reason="this is not the process that this bot started for its drill"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the team decided.

    ttl: how long an approval may take. needed: approvers at any rate. stable_for: how
    long a service must stay up after it was started to count as started. book: the rules
    that the team wrote itself. areas: the only files that may be deleted.
    """

    ttl: timedelta
    needed: int
    caps: Caps
    protect: ProtectSettings
    services: ServiceSettings = field(default_factory=ServiceSettings)
    stable_for: timedelta = timedelta(seconds=30)
    book: RuleBook = field(default_factory=RuleBook)
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was done about the same symptom.

    ineffective: actions in a row, up to now, that failed or did not help.
    is_reversible_tried: whether one that can be undone was carried out.
    """

    ineffective: int = 0
    is_reversible_tried: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What holds besides the target: the lock, limits reached (`leases.py`), the time.

    at: aware. past: what was done about the symptom, where there is one.
    """

    locked: Locked | None
    hold: Hold | None
    at: datetime
    past: Past = field(default_factory=Past)


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
    if spent := gave_up(situation.past, rules.book):
        return spent
    for facts in members:
        refused = refuse_target(action, facts, rules, own)
        if refused is not None:
            return refused
    terms = rules.book.judge(asked_of(action, members), situation.at)
    if isinstance(terms, Refusal):
        return terms
    if situation.hold is not None and not situation.hold.passes:
        return Refusal(rule=situation.hold.rule, reason=situation.hold.reason)
    # Of a drill the team's own rules still say how many people it needs.
    rule = DRILL if own.is_in_drill else terms.rule or _rule(action)
    return Allowed(rule=rule, needed=max(rules.needed, terms.needed))


def is_of_drill(action: Action, own: OwnTree) -> bool:
    """Say whether it ends the child of this bot's drill, and nothing else."""
    match action:
        case Terminate(process=child, scope="process", members=()):
            return own.drilled.is_child(child)
        case _:
            return False


def gave_up(past: Past, book: RuleBook) -> Refusal | None:
    """Say that enough was tried in vain, if it was: then a person must look."""
    limit = book.give_up_after
    if limit is None or past.ineffective < limit:
        return None
    tried = "1 action" if past.ineffective == 1 else f"{past.ineffective} actions"
    reason = f"{tried} in a row did not help; a person must look"
    return Refusal(rule=GIVE_UP, reason=reason)


def refuse_target(
    action: Action, facts: TargetFacts, rules: Rules, own: OwnTree
) -> Refusal | None:
    """Say why this target may not be touched in this way, if it may not."""
    if own.is_in_drill and not is_of_drill(action, own):
        return _NOT_DRILLED
    match action, facts:
        case OperateUnit(), UnitFacts():
            return refuse_unit(action, facts, rules.services, own)
        case OperateUnit(), _:
            raise TypeError("a service is judged by what its manager says of it")
        case CleanFiles(), Area():
            return _refuse_area(action, facts, rules.areas)
        case CleanFiles(), _:
            raise TypeError("files are judged by the area that they lie in")
        case _, ProcessFacts():
            return _refuse_process(action, facts, rules.protect, own)
        case _:
            raise TypeError("a process is judged by what the kernel says of it")


def _rule(action: Action) -> str:
    match action:
        case OperateUnit():
            return f"policy.services.{kind_of(action)}"
        case CleanFiles(area=area):
            return f"policy.cleaning.{area}"
        case _:
            return f"policy.processes.{kind_of(action)}"


def _refuse_area(
    action: CleanFiles, area: Area, allowed: Sequence[Area]
) -> Refusal | None:
    rule = "policy.cleaning"
    if area not in allowed or area.name != action.area:
        reason = f"{action.area} is not listed among what may be cleaned"
        return Refusal(rule=rule, reason=reason)
    is_as_listed = action.folder == area.folder and action.older_than >= area.older_than
    if not is_as_listed or not all(area.has(file.path) for file in action.files):
        reason = f"{action.area} is listed in other words by now; propose again"
        return Refusal(rule=rule, reason=reason)
    return None


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
