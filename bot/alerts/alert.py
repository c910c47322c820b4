"""From measurement to alert: pending(for) → firing → recovering → over.

A pure state machine per condition (host, detector, subject). Missing data keeps a
firing alert firing and can fire by itself; it never ends one. Spans are measured in
seconds since boot: a wall clock that is set must neither delay an alert nor end it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model import Finding, Level

FLAPS = 3
FLAP_WINDOW = timedelta(minutes=30)
FLAP_HOLD = timedelta(minutes=10)
"""Three relapses in half an hour: the alert is held until ten minutes are clear."""


class Stage(StrEnum):
    """Where an alert stands."""

    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a condition must last to fire, and be clear to be over."""

    hold_for: timedelta
    keep_for: timedelta

    def of(self, finding: Finding) -> "Timing":
        """Return the finding's own, where it has one."""
        hold, keep = finding.hold_for, finding.keep_for
        return Timing(
            hold_for=self.hold_for if hold is None else hold,
            keep_for=self.keep_for if keep is None else keep,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One condition that is not simply well.

    since: when it began, for people. began, stage_since: when it began and when it
    entered its stage. finding: the latest one. relapses: when it came back while or
    shortly after recovering. All but `since` in seconds since boot.
    """

    stage: Stage
    since: datetime
    began: float
    stage_since: float
    finding: Finding
    relapses: tuple[float, ...] = ()

    @property
    def key(self) -> str:
        """Name of the condition."""
        return self.finding.key

    @property
    def is_firing(self) -> bool:
        """Whether people should know of it."""
        return self.stage in (Stage.FIRING, Stage.RECOVERING)

    @property
    def is_flapping(self) -> bool:
        """Whether it comes and goes."""
        return len(self.relapses) >= FLAPS


def advance(
    before: Alert | None, finding: Finding, timing: Timing, at: float
) -> Alert | None:
    """Return the alert after one more measurement; None while all is well.

    at: when it was measured, in seconds since boot.
    """
    if before is None or before.stage is Stage.OVER:
        return _begin(before, finding, timing, at)
    alert = replace(before, finding=finding)
    if finding.level is Level.OK:
        return _clear(alert, timing, at)
    if finding.level is Level.UNKNOWN and before.is_firing:
        # No data: the last known badness stands, and nothing is counted as clear.
        known = before.finding if before.finding.level is not Level.OK else finding
        kept = replace(finding, level=known.level)
        return replace(_enter(alert, Stage.FIRING, at), finding=kept)
    return _raise(alert, timing, at)


def _begin(
    over: Alert | None, finding: Finding, timing: Timing, at: float
) -> Alert | None:
    relapses = _recent(over.relapses, at) if over else ()
    if finding.level is Level.OK:
        return replace(over, relapses=relapses) if over and relapses else None
    began = Alert(
        stage=Stage.PENDING,
        since=finding.began or finding.at,
        began=at,
        stage_since=at,
        finding=finding,
        relapses=relapses,
    )
    return _raise(began, timing, at)


def _raise(alert: Alert, timing: Timing, at: float) -> Alert:
    match alert.stage:
        case Stage.PENDING if at - alert.began >= timing.hold_for.total_seconds():
            return _enter(alert, Stage.FIRING, at)
        case Stage.RECOVERING:
            relapses = (*_recent(alert.relapses, at), at)
            return replace(_enter(alert, Stage.FIRING, at), relapses=relapses)
        case _:
            return alert


def _clear(alert: Alert, timing: Timing, at: float) -> Alert | None:
    if alert.stage is Stage.PENDING:
        return replace(alert, stage=Stage.OVER) if alert.relapses else None
    if alert.stage is Stage.FIRING:
        alert = _enter(alert, Stage.RECOVERING, at)
    keep = max(timing.keep_for, FLAP_HOLD) if alert.is_flapping else timing.keep_for
    if at - alert.stage_since < keep.total_seconds():
        return alert
    return _enter(replace(alert, relapses=(*alert.relapses, at)), Stage.OVER, at)


def _enter(alert: Alert, stage: Stage, at: float) -> Alert:
    if alert.stage is stage:
        return alert
    return replace(alert, stage=stage, stage_since=at)


def _recent(relapses: tuple[float, ...], at: float) -> tuple[float, ...]:
    return tuple(when for when in relapses if at - when < FLAP_WINDOW.total_seconds())
