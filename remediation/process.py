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
from remediation.attempt import Attempt, Now, Progress, Recheck
from remediation.outcome import Outcome
from remediation.pause import pause, resume
from remediation.priority import lower_priority, restore_priority
from remediation.terminate import terminate


def perform(
    action: ProcessAction, *, recheck: Recheck, progress: Progress, now: Now
) -> Outcome:
    """Do the action and say what was seen; what is refused comes as an outcome too.

    recheck: asked with facts read after the process was opened, before the first
    signal and again before SIGKILL; words refuse (policy, lock). The identity itself
    is compared once more right before each signal.
    progress: told each step. What it or `recheck` raises stops the action at once.
    Takes up to `grace` + 5 s for the signals and up to 3 s to see whether it came back.
    """
    attempt = Attempt(recheck=recheck, progress=progress, now=now)
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
