"""Lower a process's priority and put it back: the nice value of each of its threads."""

import re
import resource
from pathlib import Path
from typing import Final

from remediation.action import LowerPriority, RestorePriority
from remediation.acts import renice
from remediation.acts.held import Target, holding
from remediation.attempt import Attempt, Refused
from remediation.outcome import Outcome, Result, Seen
from remediation.target.facts import FactReader, ProcessFacts
from remediation.target.privilege import GateFailed, Reniced

_CAP_SYS_NICE: Final = 23
"""Its bit in a capability set (linux/capability.h)."""


def lower_priority(action: LowerPriority, attempt: Attempt) -> Outcome:
    """Raise the nice value of every thread; the outcome holds the former one."""
    return _renice(action, attempt)


def restore_priority(action: RestorePriority, attempt: Attempt) -> Outcome:
    """Give every thread its former nice value; needs CAP_SYS_NICE."""
    return _renice(action, attempt)


def _renice(action: LowerPriority | RestorePriority, attempt: Attempt) -> Outcome:
    name = f"{action.label} (pid {action.process.pid})"
    reader = FactReader(action.host, attempt.gate)
    try:
        with holding(action.process, label=action.label, reader=reader) as target:
            facts = target.check(attempt)
            _refuse_needless(action, facts)
            target.confirm()
            return _apply(target, facts, action, attempt)
    except Refused as refused:
        return attempt.refused(name, refused)


def _refuse_needless(
    action: LowerPriority | RestorePriority, facts: ProcessFacts
) -> None:
    if isinstance(action, LowerPriority) and facts.nice >= action.nice:
        raise Refused(f"it already has nice {facts.nice}", Seen.RUNNING)


def _apply(
    target: Target,
    facts: ProcessFacts,
    action: LowerPriority | RestorePriority,
    attempt: Attempt,
) -> Outcome:
    nice, lowers = action.nice, isinstance(action, LowerPriority)
    undo = facts.nice if lowers and _may_set(facts, attempt) else None
    try:
        done = _set(target, nice, attempt)
    except PermissionError:
        words = f"{target.name} keeps nice {facts.nice}: CAP_SYS_NICE is missing"
        return attempt.end(Result.FAILED, Seen.RUNNING, words)
    except GateFailed as failed:
        words = f"{target.name}: {failed}"
        return attempt.end(Result.FAILED, Seen.UNKNOWN, words)
    if target.exited():
        renice.give_back(target.pid, nice, attempt)
        words = f"{target.name} exited while its priority was changed"
        return attempt.end(Result.FAILED, Seen.EXITED, words)
    words = f"{target.name} has nice {nice} instead of {facts.nice}{_counted(done)}"
    if lowers and undo is None:
        words = f"{words}; CAP_SYS_NICE is missing to put it back"
    result = Result.FAILED if done.others else Result.DONE
    return attempt.end(result, Seen.RUNNING, words, undo_nice=undo)


def _set(target: Target, nice: int, attempt: Attempt) -> Reniced:
    """Do it as the bot's own user, or where that may not, through the gate."""
    try:
        threads = renice.set_all(target, nice, attempt)
    except PermissionError:
        if attempt.gate is None:
            raise
        done = target.through(lambda gate: gate.renice(target.approved, nice))
        attempt.say(f"the gate set nice {nice} for {done.threads} threads")
        return done
    others = [found for found in renice.nices(target.pid) if found != nice]
    return Reniced(threads=threads, others=len(others))


def _counted(done: Reniced) -> str:
    others = f", {done.others} others have not" if done.others else ""
    return f" in {done.threads} threads{others}"


def _may_set(facts: ProcessFacts, attempt: Attempt) -> bool:
    """Say whether it could get its nice value back, by us or by the gate."""
    if _may_lower_to(facts.nice):
        return True
    return attempt.gate is not None and facts.by_gate and facts.nice >= 0


def _may_lower_to(nice: int) -> bool:
    """Say whether this process may lower a nice value to this one (capabilities(7))."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    if found and int(found[1], 16) >> _CAP_SYS_NICE & 1:
        return True
    allowed, _ = resource.getrlimit(resource.RLIMIT_NICE)
    # RLIMIT_NICE counts from 1 (nice 19) to 40 (nice -20).
    return allowed == resource.RLIM_INFINITY or nice >= 20 - allowed
