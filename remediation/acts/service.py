"""Carrying out one action on a service: ask its manager, wait, and watch what comes of it.

A job that ends well proves nothing: a flaky service is started and dies. So what was
started must stay the same invocation, up and not restarted, for a while. The service's
own start limit is respected: nothing is started that would use it up.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from remediation.action import OperateUnit
from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NoSuchUnit,
    NotPermitted,
    ServiceManager,
    StillUnderWay,
)
from remediation.attempt import Attempt, Refused
from remediation.outcome import Outcome, Result, Seen
from remediation.target.unit import (
    UnitFacts,
    Verb,
    changed_unit,
    end_in_words,
    state_in_words,
)

LONGEST_JOB: Final = timedelta(minutes=5)
"""A job that takes longer is said to be under way; systemd goes on with it."""
LONGEST_WAIT: Final = timedelta(seconds=60)
"""A start limit's interval that is longer is not waited for, but refused."""

_BESIDES: Final = timedelta(seconds=15)
_STARTS: Final = frozenset({Verb.START, Verb.RESTART})
_STOPPED_FOR: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """How a service was seen last, how long after its job, and what was wrong then."""

    facts: UnitFacts
    lasted: timedelta
    trouble: str


def operate(
    action: OperateUnit,
    attempt: Attempt,
    manager: ServiceManager,
    *,
    stable_for: timedelta,
) -> Outcome:
    """Do the action once and say what was seen; what is refused is an outcome too.

    stable_for: how long it must stay up, as one invocation, to count as done.
    """
    name = action.unit.name
    try:
        before = _agreed(action, attempt, manager)
        before = _within_limit(action, before, attempt, manager)
        _run(action.verb, before, attempt, manager)
    except Refused as refused:
        return attempt.refused(name, refused)
    except (NotPermitted, NoSuchUnit) as denied:
        return attempt.refused(name, Refused(str(denied), Seen.UNKNOWN))
    except ManagerUnavailable as silent:
        summary = f"{name}: {silent}; whether it was done is not known"
        return attempt.end(Result.INTERRUPTED, Seen.UNKNOWN, summary)
    except StillUnderWay:
        return _unfinished(action, attempt, manager)
    except JobFailed as failed:
        return _failed(action, str(failed), attempt, manager)
    return _watched(action, before, attempt, manager, stable_for)


def _agreed(
    action: OperateUnit, attempt: Attempt, manager: ServiceManager
) -> UnitFacts:
    """Return the service as it is now; raise `Refused` unless everybody agrees."""
    facts = _look(action, manager)
    difference = changed_unit(action.unit, facts.identity) or _other_dependents(
        action, facts
    )
    if difference:
        raise Refused(difference, Seen.CHANGED)
    if reason := attempt.recheck(facts):
        raise Refused(reason, _as_seen(facts))
    return facts


def _other_dependents(action: OperateUnit, facts: UnitFacts) -> str | None:
    if not action.takes_dependents or set(facts.needed_by) == set(action.dependents):
        return None
    return f"other units need it now: {', '.join(facts.needed_by) or 'none'}"


def _look(action: OperateUnit, manager: ServiceManager) -> UnitFacts:
    try:
        return manager.facts(action.unit.name)
    except NoSuchUnit as gone:
        raise Refused(str(gone), Seen.CHANGED) from gone
    except (ManagerUnavailable, JobFailed) as silent:
        raise Refused(str(silent), Seen.UNKNOWN) from silent


def _within_limit(
    action: OperateUnit, facts: UnitFacts, attempt: Attempt, manager: ServiceManager
) -> UnitFacts:
    """See to it that a start spends nothing of the limit that the service needs.

    systemd counts the starts within the limit's interval, but does not tell the count.
    After an interval without a start it is zero, so that is what is waited for.
    """
    if action.verb not in _STARTS or not facts.burst or not facts.interval:
        return facts
    if facts.gave_up:
        _clear_limit(action, manager)
        attempt.say(f"cleared the start limit of {action.unit.name}")
        return facts
    wait = _until_free(facts)
    if wait <= timedelta(0):
        return facts
    limit = f"{facts.burst} starts in {facts.interval.total_seconds():g} s"
    if wait > LONGEST_WAIT:
        reason = f"it was started a moment ago and its start limit is {limit}"
        raise Refused(f"{reason}; try again later", _as_seen(facts))
    seconds = wait.total_seconds()
    attempt.say(f"waiting {seconds:.0f} s so that its start limit ({limit}) is kept")
    time.sleep(seconds)
    return _agreed(action, attempt, manager)


def _clear_limit(action: OperateUnit, manager: ServiceManager) -> None:
    try:
        manager.clear_start_limit(action.unit)
    except (ManagerUnavailable, JobFailed) as silent:
        raise Refused(str(silent), Seen.DOWN) from silent
    except StillUnderWay as slow:
        reason = "its start limit was not cleared in time; nothing was started"
        raise Refused(reason, Seen.DOWN) from slow


def _until_free(facts: UnitFacts) -> timedelta:
    if facts.last_start is None:
        return timedelta(0)
    since = timedelta(seconds=time.monotonic() - facts.last_start)
    return facts.interval - since + timedelta(seconds=0.1)


def _run(
    verb: Verb, facts: UnitFacts, attempt: Attempt, manager: ServiceManager
) -> None:
    deadline = _deadline(verb, facts)
    progress = _Patience(verb, facts, attempt)
    took = manager.run(verb, facts.identity, on_wait=progress.waited, deadline=deadline)
    attempt.say(f"{_PAST[verb]} {facts.name} in {took.total_seconds():.1f} s")


def _deadline(verb: Verb, facts: UnitFacts) -> timedelta:
    spans = {
        Verb.START: (facts.start_timeout,),
        Verb.STOP: (facts.stop_timeout,),
        Verb.RESTART: (facts.start_timeout, facts.stop_timeout),
        Verb.RELOAD: (facts.start_timeout,),
    }[verb]
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return LONGEST_JOB
    return min(sum(known, _BESIDES), LONGEST_JOB)


class _Patience:
    """Tells that a job is still under way, at ever longer distances."""

    def __init__(self, verb: Verb, facts: UnitFacts, attempt: Attempt) -> None:
        self._verb = verb
        self._facts = facts
        self._attempt = attempt
        self._next = timedelta(seconds=5)

    def waited(self, so_far: timedelta) -> None:
        """Say it if it is time to; right before a job is asked for, ask whether it may.

        Raises `Refused` then: the way to another host's gate takes seconds.
        """
        if not so_far and (reason := self._attempt.recheck(self._facts)):
            raise Refused(reason, _as_seen(self._facts))
        if so_far < self._next:
            return
        self._next = 2 * self._next
        limit = self._facts.stop_timeout
        kill = (
            f"; it is killed {limit.total_seconds():g} s after it was asked to stop"
            if limit and self._verb in (Verb.STOP, Verb.RESTART)
            else ""
        )
        seconds = so_far.total_seconds()
        self._attempt.say(
            f"{self._verb} of {self._facts.name} is under way for {seconds:.0f} s{kill}"
        )


def _watched(
    action: OperateUnit,
    before: UnitFacts,
    attempt: Attempt,
    manager: ServiceManager,
    stable_for: timedelta,
) -> Outcome:
    verb, name = action.verb, action.unit.name
    span = _STOPPED_FOR if verb is Verb.STOP else stable_for
    if verb is not Verb.STOP:
        attempt.say(f"watching for {span.total_seconds():g} s whether it stays up")
    try:
        stability = _stability(action, before, manager, span)
    except Refused as blind:
        summary = f"{name} was {_PAST[verb]}; then it could not be looked at: {blind}"
        return attempt.end(Result.INTERRUPTED, Seen.UNKNOWN, summary)
    state = state_in_words(stability.facts)
    if stability.trouble:
        after = f"{stability.lasted.total_seconds():.1f} s"
        summary = (
            f"{name} was {_PAST[verb]}, but {stability.trouble} after {after}: {state}"
        )
        return attempt.end(Result.FAILED, Seen.UNSTABLE, summary)
    held = f" and stayed so for {stability.lasted.total_seconds():.0f} s"
    summary = f"{name} was {_PAST[verb]}: {state}{held}"
    return attempt.end(Result.DONE, _as_seen(stability.facts), summary)


def _stability(
    action: OperateUnit, before: UnitFacts, manager: ServiceManager, span: timedelta
) -> _Watch:
    """Look again and again until the time is over or something is wrong.

    A look that fails is made up for by the next; raises `Refused` if the last one does.
    """
    began = time.monotonic()
    first: UnitFacts | None = None
    while True:
        lasted = timedelta(seconds=time.monotonic() - began)
        try:
            facts = _look(action, manager)
        except Refused:
            if lasted >= span:
                raise
        else:
            first = first or facts
            trouble = _trouble(action.verb, before, first, facts)
            if trouble or lasted >= span:
                return _Watch(facts=facts, lasted=lasted, trouble=trouble)
        time.sleep(manager.look_every)


def _trouble(verb: Verb, before: UnitFacts, first: UnitFacts, now: UnitFacts) -> str:
    """Say what went wrong since the job ended; empty while nothing did."""
    same_start = now.identity.invocation == before.identity.invocation
    if verb is Verb.STOP:
        return "" if now.is_down else "it runs again"
    if verb is Verb.RESTART and same_start and before.type != "oneshot":
        return "it was not started anew"
    if verb is Verb.RELOAD and not same_start:
        return "it was started anew"
    if not now.is_settled:
        return "it did not stay up" + _because(now)
    if (
        now.identity.invocation != first.identity.invocation
        or now.restarts > first.restarts
    ):
        return "it died and was started again by its manager"
    return ""


def _because(facts: UnitFacts) -> str:
    why = end_in_words(facts)
    return f" (it {why})" if why else ""


def _unfinished(
    action: OperateUnit, attempt: Attempt, manager: ServiceManager
) -> Outcome:
    state, seen = _state_now(action, manager)
    summary = (
        f"{action.verb} of {action.unit.name} has not ended within "
        f"{LONGEST_JOB.total_seconds():.0f} s; its manager goes on with it. Now: {state}"
    )
    return attempt.end(Result.INTERRUPTED, seen, summary)


def _failed(
    action: OperateUnit, why: str, attempt: Attempt, manager: ServiceManager
) -> Outcome:
    state, seen = _state_now(action, manager)
    summary = f"{action.verb} of {action.unit.name} failed ({why}). Now: {state}"
    return attempt.end(Result.FAILED, seen, summary)


def _state_now(action: OperateUnit, manager: ServiceManager) -> tuple[str, Seen]:
    try:
        facts = _look(action, manager)
    except Refused as blind:
        return str(blind), Seen.UNKNOWN
    return state_in_words(facts), _as_seen(facts)


def _as_seen(facts: UnitFacts) -> Seen:
    return Seen.RUNNING if facts.is_running else Seen.DOWN


_PAST: Final = {
    Verb.START: "started",
    Verb.STOP: "stopped",
    Verb.RESTART: "restarted",
    Verb.RELOAD: "reloaded",
}
