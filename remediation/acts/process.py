"""Carrying out one action on a process of this host: the only way in.

The caller has an approval. Here the process is held open, compared with what was
approved, policy and lock are asked once more, and what happened is observed.
"""

from typing import assert_never

from remediation.action import (
    LowerPriority,
    Pause,
    ProcessAction,
    RestorePriority,
    Resume,
    Terminate,
)
from remediation.acts.observe import process_now
from remediation.acts.pause import pause, resume
from remediation.acts.priority import lower_priority, restore_priority
from remediation.acts.terminate import terminate
from remediation.attempt import Attempt, Now, Progress, Recheck
from remediation.outcome import Outcome, Result
from remediation.target.facts import FactReader
from remediation.target.privilege import Gate, Unanswered


def perform(
    action: ProcessAction,
    *,
    recheck: Recheck,
    progress: Progress,
    now: Now,
    gate: Gate | None = None,
) -> Outcome:
    """Do the action and say what was seen; what is refused comes as an outcome too.

    recheck: asked with facts read after the process was opened, before the first
    signal and again before SIGKILL; words refuse (policy, lock). The identity itself
    is compared once more right before each signal.
    progress: told each step. What it or `recheck` raises stops the action at once.
    gate: acts where the bot's own user may not.
    Takes up to `grace` + 5 s for the signals and up to 3 s to see whether it came back.
    """
    attempt = Attempt(recheck=recheck, progress=progress, now=now, gate=gate)
    try:
        return _performed(action, attempt)
    except Unanswered as lost:
        seen, words = process_now(action.process, FactReader(action.host, gate))
        summary = (
            f"{action.label} (pid {action.process.pid}): {lost}; whether it was done is "
            f"not known, and it is not tried again. Seen now: {words}"
        )
        return attempt.end(Result.INTERRUPTED, seen, summary)


def _performed(action: ProcessAction, attempt: Attempt) -> Outcome:
    match action:
        case Terminate():
            return terminate(action, attempt)
        case LowerPriority():
            return lower_priority(action, attempt)
        case Pause():
            return pause(action, attempt)
        case Resume():
            return resume(action, attempt)
        case RestorePriority():
            return restore_priority(action, attempt)
    assert_never(action)
