"""Deleting the approved files: first as the bot's own user, what it may not, by the gate.

Every file is compared again right before it goes (`sweep.py`), and the lock is asked for
before each, while the gate is at work twice a second. What df would say is measured before and
after; what was left is counted with its reason.
"""

import errno
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from remediation.action import CleanFiles
from remediation.acts.folder import holding, is_silent
from remediation.acts.folder_lock import LOCKS, AtWork, NotPermitted
from remediation.acts.sweep import standing, sweeping
from remediation.attempt import Attempt, Refused
from remediation.outcome import Outcome, Result, Seen
from remediation.target.area import Area, FileIdentity, Spared, counted, in_words
from remediation.target.identity import boot_id
from remediation.target.privilege import (
    Gate,
    GateClosed,
    GateFailed,
    GateRefused,
    Unanswered,
)

_BATCH: Final = 50
_BATCH_CHARACTERS: Final = 12_000
_TOLD_EVERY: Final = 5.0


class _Halted(Exception):
    """Somebody stopped it on the way; its text says why."""


@dataclass(slots=True)
class _Tally:
    """What became of the files so far.

    note: why the gate did not do its part. under_way: what it was asked for last, while
    it has not told what became of it.
    """

    action: CleanFiles
    removed: list[FileIdentity] = field(default_factory=list)
    left: Counter[Spared] = field(default_factory=Counter)
    denied: list[FileIdentity] = field(default_factory=list)
    note: str = ""
    under_way: Sequence[FileIdentity] = ()
    told: float = field(default_factory=time.monotonic)

    def is_long(self) -> bool:
        """Say now and then that it has been a while."""
        if time.monotonic() - self.told < _TOLD_EVERY:
            return False
        self.told = time.monotonic()
        return True

    @property
    def gone(self) -> str:
        """Say how many files are deleted, of what size."""
        size = in_words(sum(file.size for file in self.removed))
        return f"{len(self.removed)} of {counted(len(self.action.files))} ({size})"


def clean(
    action: CleanFiles,
    attempt: Attempt,
    areas: Sequence[Area],
    *,
    locks: Mapping[str, str] = LOCKS,
) -> Outcome:
    """Delete them once and say what was seen; what is refused is an outcome too.

    areas: what may be cleaned now. locks: as in `sweeping`.
    """
    tally = _Tally(action)
    try:
        area = _agreed(action, attempt, areas)
        before = free_bytes(action.folder)
        _by_self(area, tally, attempt, locks)
        _by_gate(area, tally, attempt)
    except Refused as refused:
        return attempt.refused(f"{action.area} in {action.folder}", refused)
    except _Halted as halted:
        summary = f"Stopped on the way: {halted}. Deleted before: {tally.gone}"
        seen = Seen.UNKNOWN if tally.under_way else Seen.LEFT
        return attempt.end(Result.INTERRUPTED, seen, summary + _cut_short(tally))
    except Unanswered as lost:
        summary = (
            f"{lost}; whether its last files are gone is not known, and it is not tried "
            f"again. Deleted before: {tally.gone}"
        )
        return attempt.end(Result.INTERRUPTED, Seen.UNKNOWN, summary)
    return _ended(tally, attempt, before)


def free_bytes(folder: str) -> int:
    """Return what users may still take where the folder lies; raise `Refused`."""
    try:
        with holding(folder) as held:
            found = os.fstatvfs(held.descriptor)
    except OSError as error:
        raise _unopened(error) from error
    return found.f_bavail * found.f_frsize


def _unopened(error: OSError) -> Refused:
    return Refused(f"the folder cannot be opened ({error.strerror})", Seen.UNKNOWN)


def _agreed(action: CleanFiles, attempt: Attempt, areas: Sequence[Area]) -> Area:
    """Return the area as it is listed now; raise `Refused` unless everybody agrees."""
    if action.boot_id != boot_id():
        reason = "the host has been booted since, or it is another host"
        raise Refused(reason, Seen.CHANGED)
    area = next((area for area in areas if area.name == action.area), None)
    if area is None:
        raise Refused("it is not listed for cleaning any more", Seen.LEFT)
    if (objection := attempt.recheck(area)) is not None:
        raise Refused(objection, Seen.LEFT)
    if is_silent(action.folder):
        reason = "its file system gives no answer, so nothing was tried there"
        raise Refused(reason, Seen.UNKNOWN)
    return area


def _by_self(
    area: Area, tally: _Tally, attempt: Attempt, locks: Mapping[str, str]
) -> None:
    """Delete what the bot's own user may; note what it may not."""
    files = tally.action.files
    approved = replace(area, older_than=tally.action.older_than)
    try:
        with sweeping(approved, locks) as sweep:
            for file in files:
                _ask(area, attempt)
                try:
                    _note(tally, file, sweep.remove(file))
                except NotPermitted:
                    tally.denied.append(file)
                if tally.is_long():
                    attempt.say(f"deleted {tally.gone} so far")
    except NotPermitted:
        tally.denied = list(files)
    except AtWork as working:
        raise Refused(str(working), Seen.LEFT) from working
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM):
            raise _unopened(error) from error
        tally.denied = list(files)


def _ask(area: Area, attempt: Attempt) -> None:
    if (reason := attempt.recheck(area)) is not None:
        raise _Halted(reason)


def _note(tally: _Tally, file: FileIdentity, reason: Spared | None) -> None:
    if reason is None:
        tally.removed.append(file)
    else:
        tally.left[reason] += 1


def _by_gate(area: Area, tally: _Tally, attempt: Attempt) -> None:
    """Have the gate delete what the bot's own user may not."""
    if not tally.denied:
        return
    if attempt.gate is None:
        tally.note = "the bot's own user may not delete them, and there is no gate"
        tally.left[Spared.DENIED] += len(tally.denied)
        return
    attempt.say(f"asking the gate for {counted(len(tally.denied))}")
    waiting = list(_batches(tally.denied))
    while waiting and not tally.note:
        _ask(area, attempt)
        tally.under_way = waiting.pop(0)
        _one_batch(attempt.gate, tally, lambda _: _ask(area, attempt))
        tally.under_way = ()
        if tally.is_long():
            attempt.say(f"deleted {tally.gone} so far")
    tally.left[Spared.HALTED] += sum(map(len, waiting))


def _one_batch(gate: Gate, tally: _Tally, on_wait: Callable[[timedelta], None]) -> None:
    action, batch = tally.action, tally.under_way
    try:
        left = gate.clean(action.boot_id, action.folder, batch, on_wait=on_wait)
    except (GateClosed, GateRefused, GateFailed) as no:
        tally.note = str(no)
        tally.left[Spared.DENIED] += len(batch)
        return
    for file in batch:
        _note(tally, file, left.get(file.path))


def _cut_short(tally: _Tally) -> str:
    """Say what is seen of the files that the gate was at."""
    if not tally.under_way:
        return ""
    count = counted(len(tally.under_way))
    try:
        found = standing(tally.action.folder, tally.under_way)
    except OSError:
        return f"; of {count} that the gate was at nothing is known"
    gone = sum(1 for reason in found.values() if reason is Spared.GONE)
    return f"; of {count} that the gate was at {gone} are gone, or one more"


def _batches(files: Sequence[FileIdentity]) -> Iterator[list[FileIdentity]]:
    """Yield them in parts that fit one line to the gate, whatever their names."""
    batch: list[FileIdentity] = []
    size = 0
    for file in files:
        if batch and (len(batch) == _BATCH or size > _BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += len(file.path)
    yield batch


def _ended(tally: _Tally, attempt: Attempt, before: int) -> Outcome:
    left = _left(tally)
    if not tally.removed:
        summary = f"No file was deleted in {tally.action.folder}{left}"
        return attempt.end(Result.REFUSED, Seen.LEFT, summary)
    try:
        free = in_words(free_bytes(tally.action.folder))
        room = f": {free} are free there, {in_words(before)} were"
    except Refused as gone:
        room = f"; how much is free now is not known: {gone}"
    summary = f"Deleted {tally.gone} in {tally.action.folder}{room}{left}"
    return attempt.end(Result.DONE, Seen.CLEANED, summary)


def _left(tally: _Tally) -> str:
    if not tally.left.total():
        return ""
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(tally.left.items()))
    note = f" ({tally.note})" if tally.note else ""
    return f". Left: {why}{note}"
