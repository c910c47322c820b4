"""SIGTERM, wait, SIGKILL: for one process, its tree or its cgroup.

Order: the oldest first, so parents before their children. A parent that is told first
ends its children in its own way and starts no new ones in place of those it loses.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, assert_never

from remediation.action import Terminate
from remediation.acts import aftermath
from remediation.acts.course import Course, await_ends
from remediation.acts.held import Target, holding
from remediation.attempt import Attempt, Refused
from remediation.outcome import Outcome, Result, Seen
from remediation.target import cgroup
from remediation.target.facts import FactReader, ProcessFacts, pids_below, pids_in
from remediation.target.identity import (
    Gone,
    ProcessIdentity,
    Unobservable,
    is_same_process,
    open_process,
)

KILL_WAIT: Final = timedelta(seconds=5)
"""How long a process has after SIGKILL before it counts as still there."""

_ENDED: Final = frozenset({Seen.EXITED, Seen.ZOMBIE})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """All that is to end. facts: of the root, whose course is the first."""

    action: Terminate
    facts: ProcessFacts
    courses: Sequence[Course]

    @property
    def root(self) -> Course:
        return self.courses[0]

    @property
    def pids(self) -> frozenset[int]:
        return frozenset(course.target.pid for course in self.courses)

    def alive(self) -> list[Course]:
        return [course for course in self.courses if not course.target.exited()]


def terminate(action: Terminate, attempt: Attempt) -> Outcome:
    """End the approved processes and say what became of each.

    Nothing is signalled unless every process that lives is the approved one, nobody
    new is among them, and policy and lock agree about all of them. Processes of the
    action that ended by themselves are named and do no harm.
    """
    name = f"{action.label} (pid {action.process.pid})"
    reader = FactReader(action.host, attempt.gate)
    with ExitStack() as stack:
        try:
            targets = _open_all(action, attempt, stack, reader)
            group = _check(action, targets, attempt)
            since = aftermath.ticks_now()
            group.root.ask()
        except Refused as refused:
            return attempt.refused(name, refused)
        attempt.say(f"sent SIGTERM to {group.root.target.name}")
        _ask_members(group, attempt)
        await_ends(group.courses, action.grace)
        _force_survivors(group, attempt)
        return _conclude(group, attempt, since=since, reader=reader)


def _open_all(
    action: Terminate, attempt: Attempt, stack: ExitStack, reader: FactReader
) -> list[Target]:
    root = holding(action.process, label=action.label, reader=reader)
    targets = [stack.enter_context(root)]
    for member in sorted(action.members, key=_age):
        opened = holding(member, label="", reader=reader)
        try:
            target = stack.enter_context(opened)
        except Refused as refused:
            if refused.seen not in _ENDED:
                raise
            attempt.say(f"pid {member.pid} had already exited")
            continue
        if is_same_process(member, target.held.identity):
            targets.append(target)
        else:
            attempt.say(
                f"pid {member.pid} had already exited; its pid is another's now"
            )
    return targets


def _check(action: Terminate, targets: Sequence[Target], attempt: Attempt) -> _Group:
    # The root last: its facts are the freshest when the first signal goes.
    for target in targets[:0:-1]:
        target.check(attempt)
    facts = targets[0].check(attempt)
    courses = [Course(target=target) for target in targets]
    group = _Group(action=action, facts=facts, courses=courses)
    if action.scope == "cgroup" and facts.cgroup == cgroup.ROOT:
        raise Refused("it shares the root cgroup with the whole machine", Seen.ALIVE)
    if new := _strangers(group):
        raise Refused(f"there are processes nobody approved: {_pids(new)}", Seen.ALIVE)
    return group


def _strangers(group: _Group) -> list[int]:
    """List the live processes of the tree or cgroup that are not in the action."""
    match group.action.scope:
        case "process":
            return []
        case "tree":
            live = pids_below(group.action.process.pid)
        case "cgroup":
            live = pids_in(group.facts.cgroup)
        case never:
            assert_never(never)
    return [pid for pid in live if pid not in group.pids and _is_alive(pid)]


def _ask_members(group: _Group, attempt: Attempt) -> None:
    for course in group.courses[1:]:
        try:
            course.ask()
        except Refused as refused:
            attempt.say(f"sent nothing to {course.target.name}: {refused}")
        else:
            attempt.say(f"sent SIGTERM to {course.target.name}")
    if new := _strangers(group):
        attempt.say(f"started meanwhile and left alone: {_pids(new)}")


def _force_survivors(group: _Group, attempt: Attempt) -> None:
    survivors = [course for course in group.alive() if course.left_alone is None]
    for course in survivors:
        course.force(attempt)
        if course.left_alone is None:
            attempt.say(f"sent SIGKILL to {course.target.name}")
        else:
            why = course.left_alone
            attempt.say(f"sent no SIGKILL to {course.target.name}: {why}")
    await_ends([c for c in survivors if c.forced_at is not None], KILL_WAIT)


def _conclude(
    group: _Group, attempt: Attempt, *, since: int, reader: FactReader
) -> Outcome:
    back = None
    if group.root.target.exited():
        back = aftermath.successor(
            group.facts, since=since, known=group.pids, reader=reader
        )
    seen = {course.target.pid: course.seen() for course in group.courses}
    summary = f"{group.root.target.name} {group.root.in_words()}{_others(group)}"
    if left := [kind for kind in seen.values() if kind not in _ENDED]:
        return attempt.end(Result.FAILED, left[0], summary)
    if back is not None:
        again = f"{summary}, but {back.by} has started it again as pid {back.pid}"
        return attempt.end(Result.DONE, Seen.RESPAWNED, again)
    return attempt.end(Result.DONE, seen[group.root.target.pid], summary)


def _others(group: _Group) -> str:
    others = group.courses[1:]
    if not others:
        return ""
    alive = [course for course in others if not course.target.exited()]
    if not alive:
        return f"; {_counted(len(others))} of its {group.action.scope} exited too"
    told = "; ".join(f"pid {c.target.pid} {c.in_words()}" for c in alive[:5])
    return f"; of {_counted(len(others))} of its {group.action.scope}, {told}"


def _counted(number: int) -> str:
    return "1 other" if number == 1 else f"{number} others"


def _pids(pids: Sequence[int]) -> str:
    more = f" and {len(pids) - 8} more" if pids[8:] else ""
    return f"pid {', '.join(map(str, pids[:8]))}{more}"


def _is_alive(pid: int) -> bool:
    try:
        with open_process(pid):
            return True
    except Gone:
        return False
    except Unobservable:
        return True


def _age(identity: ProcessIdentity) -> tuple[int, int]:
    return identity.start_ticks, identity.pid
