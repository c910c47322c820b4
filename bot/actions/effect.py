"""Did the action help? Pure: what was measured since, against what complained before."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from bot.model import Check, Finding, Level, Measured, Verification
from bot.text.words import figures
from remediation.moment import Moment
from remediation.verify import Measure, judge

_PATIENCE: Final = 2
_LONGEST: Final = timedelta(minutes=5)
"""A late round is waited for so many windows more, and never longer than that."""


def looked_at(check: Check, latest: Mapping[str, Measured], now: Moment) -> Check:
    """Return the check after one more round: since when all of it has been clear."""
    after = _since(check, latest)
    clear = all(f is not None and f.level is Level.OK for f in after)
    if clear is (check.clear is not None):
        return check
    return replace(check, clear=now if clear else None)


def is_due(
    check: Check, latest: Mapping[str, Measured], now: Moment, *, started: Moment
) -> bool:
    """Say whether the window is over and enough was measured to judge.

    A late or failed round is waited for, and by a bot that was down meanwhile for as
    long after its start.
    """
    if now.since(check.acted) < check.window:
        return False
    if all(
        f is not None and f.level is not Level.UNKNOWN for f in _since(check, latest)
    ):
        return True
    waited = min(now.since(check.acted), now.since(started))
    return waited >= check.window + min(_PATIENCE * check.window, _LONGEST)


def verified(check: Check, latest: Mapping[str, Measured]) -> Verification:
    """Judge the action by the conditions that complained before it."""
    after = _since(check, latest)
    measures = tuple(
        Measure(
            before=old.value,
            after=new.value if new else None,
            is_clear=new is not None and new.level is Level.OK,
            above=old.limits.above,
            name=old.detector,
        )
        for old, new in zip(check.before, after, strict=True)
    )
    return Verification(
        proposal=check.proposal,
        verdict=judge(measures),
        figures=figures(check.before, after),
        measures=measures,
        took=check.clear.since(check.acted) if check.clear else None,
    )


def _since(check: Check, latest: Mapping[str, Measured]) -> tuple[Finding | None, ...]:
    found = (latest.get(finding.key) for finding in check.before)
    return tuple(
        m.finding if m and m.at.since(check.acted).total_seconds() > 0 else None
        for m in found
    )
