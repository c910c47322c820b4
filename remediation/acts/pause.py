"""SIGSTOP with an end that is armed first, and SIGCONT."""

import time
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from signal import Signals
from typing import Final

from remediation import signals
from remediation.action import Pause, Resume
from remediation.acts.held import Target, holding
from remediation.attempt import Attempt, Refused
from remediation.outcome import Outcome, Result, Seen
from remediation.target import procfs
from remediation.target.facts import FactReader, ProcessFacts

_OBSERVE: Final = timedelta(seconds=1)
_LOOK_SECONDS: Final = 0.01
_STOPPED: Final = frozenset("Tt")


def pause(action: Pause, attempt: Attempt) -> Outcome:
    """Stop the process until the deadline, by the boot clock.

    The resume is armed first, in a helper that outlives the bot. Refused for a process
    that listens on a port (callers would hang) and for one that stands still already.
    """
    try:
        with _held(action, attempt) as target:
            _refuse_pause(action, target.check(attempt))
            return _stop(action, target, attempt)
    except Refused as refused:
        return attempt.refused(_name(action), refused)
    except signals.NotArmed as error:
        return attempt.refused(_name(action), Refused(str(error), Seen.RUNNING))


def resume(action: Resume, attempt: Attempt) -> Outcome:
    """Let the process run again and see that it does."""
    try:
        with _held(action, attempt) as target:
            if target.check(attempt).state not in _STOPPED:
                words = f"{target.name} is running; there was nothing to resume"
                return attempt.end(Result.DONE, Seen.RUNNING, words)
            target.send(Signals.SIGCONT)
            attempt.say(f"sent SIGCONT to {target.name}")
            return _observe_resumed(target, attempt)
    except Refused as refused:
        return attempt.refused(_name(action), refused)


def _held(action: Pause | Resume, attempt: Attempt) -> AbstractContextManager[Target]:
    reader = FactReader(action.host, attempt.gate)
    return holding(action.process, label=action.label, reader=reader)


def _name(action: Pause | Resume) -> str:
    return f"{action.label} (pid {action.process.pid})"


def _refuse_pause(action: Pause, facts: ProcessFacts) -> None:
    if facts.state in _STOPPED:
        raise Refused("it stands still already, by somebody else's doing", Seen.STOPPED)
    if facts.ports:
        ports = ", ".join(map(str, facts.ports[:5]))
        raise Refused(f"it listens on port {ports}; callers would hang", Seen.RUNNING)
    if action.duration <= timedelta(0):
        raise Refused("the pause has no length", Seen.RUNNING)


def _stop(action: Pause, target: Target, attempt: Attempt) -> Outcome:
    seconds = action.duration.total_seconds()
    _send_stop(action, target, attempt)
    if _becomes(target, stopped=True):
        words = f"{target.name} stands still and resumes by itself in {seconds:g} s"
        return attempt.end(Result.DONE, Seen.STOPPED, words)
    if target.exited():
        words = f"{target.name} exited before it stood still"
        return attempt.end(Result.FAILED, Seen.EXITED, words)
    # A stop that takes effect some time later is not what was approved.
    target.send(Signals.SIGCONT)
    words = f"{target.name} did not stand still within 1 s; the pause was taken back"
    return attempt.end(Result.FAILED, Seen.RUNNING, words)


def _send_stop(action: Pause, target: Target, attempt: Attempt) -> None:
    """Arm the resume, then SIGSTOP: the two as one by the gate where we may do neither."""
    seconds = action.duration.total_seconds()
    if _needs_gate(target):
        target.confirm()
        helper = target.through(lambda g: g.pause(target.approved, action.duration))
        armed_by = "the gate armed the resume"
        attempt.say(f"{armed_by} in {seconds:g} s (helper pid {helper})")
        attempt.say(f"the gate sent SIGSTOP to {target.name}")
        return
    deadline = time.clock_gettime(time.CLOCK_BOOTTIME) + seconds
    armed = signals.arm_resume(target.held.pidfd, deadline)
    attempt.say(f"armed the resume in {seconds:g} s (helper pid {armed.helper_pid})")
    target.send(Signals.SIGSTOP)
    attempt.say(f"sent SIGSTOP to {target.name}")


def _needs_gate(target: Target) -> bool:
    if target.reader.gate is None:
        return False
    try:
        signals.probe(target.held.pidfd)
    except PermissionError:
        return True
    except ProcessLookupError as error:
        raise Refused("it has already exited", Seen.EXITED) from error
    return False


def _observe_resumed(target: Target, attempt: Attempt) -> Outcome:
    if _becomes(target, stopped=False):
        return attempt.end(Result.DONE, Seen.RUNNING, f"{target.name} runs again")
    if target.exited():
        words = f"{target.name} exited as it was resumed"
        return attempt.end(Result.DONE, Seen.EXITED, words)
    words = f"{target.name} still stands still; a debugger may hold it"
    return attempt.end(Result.FAILED, Seen.STOPPED, words)


def _becomes(target: Target, *, stopped: bool) -> bool:
    """Watch for a second until all threads stand still, or none does."""
    deadline = time.monotonic() + _OBSERVE.total_seconds()
    while time.monotonic() < deadline:
        with suppress(OSError):  # a thread ended while we looked
            still = [s in _STOPPED for s in procfs.thread_states(target.pid)]
            if all(still) if stopped else not any(still):
                return not target.exited()
        if target.exited(_LOOK_SECONDS):
            return False
    return False
