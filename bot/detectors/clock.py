"""The clock is not synchronised, or it was moved.

Unit: seconds that it may be wrong by, and, of the subject `jump`, seconds by which it was
moved against the clock since boot, once it had been right. Window: none; a jump is told at once and kept for ten
minutes. Limits: an hour without an answer of a time server lets the kernel's own bound
grow by 1.8 s, so 5 s are half a night shift without one, and at 16 s the kernel calls the
clock unsynchronised (node-mixin's NodeClockNotSynchronising); from a minute on tokens are
refused. It must last ten minutes, as after a boot it takes some until a server answers. A
host where no time service runs, and whose clock nobody ever set right while the bot ran,
does not tell; where the bot may not ask the kernel (`ProtectClock=`), timedatectl is asked.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.kernel import timex
from bot.kernel.roots import Roots
from bot.kernel.timex import ClockState
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount, seconds
from remediation.moment import Moment
from remediation.programs import ProgramFailed, output

JUMP: Final = "jump"
STAYS: Final = timedelta(minutes=10)
TIMEDATECTL: Final = Path("/usr/bin/timedatectl")
_UNBOUND: Final = 16.0
"""Seconds at which the kernel gives up (NTP_PHASE_LIMIT)."""
_LEAST: Final = 0.5
"""Seconds below which a difference of the clocks is slewing or reading them apart."""
# What a running time service leaves there: chrony, timesyncd, ntpd, openntpd.
_SERVICES: Final = (
    *("chrony/chronyd.pid", "chronyd.pid", "systemd/timesync"),
    *("ntpd.pid", "ntpd.sock", "openntpd.pid"),
)
_NO_HAND: Final = NoAction(
    rule="clock",
    reason="no action of the bot sets a clock; that hurts databases and clusters",
    by_hand="timedatectl; chronyc tracking; chronyc sources -v",
)


class ClockSection(DetectorSection):
    """Limits in seconds."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=30
    )
    for_: Duration = Field(default=timedelta(minutes=10), alias="for")
    warning: float = 5
    critical: float = 60


class Clock:
    """Measures how wrong the wall clock may be, and whether it jumped."""

    name = "clock"
    Section = ClockSection

    def __init__(
        self,
        section: ClockSection,
        host: HostContext,
        *,
        read: Callable[[Roots], ClockState] = timex.read,
        run: Path = Path("/run"),
        timedatectl: Path = TIMEDATECTL,
    ) -> None:
        self.section = section
        self._host = host
        self._read = read
        self._run = run
        self._timedatectl = timedatectl
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Clock error",
            unit="s",
            limits=section.limits(),
        )
        self._before: Moment | None = None
        self._jump: tuple[Moment, float] | None = None
        self._was_right = False

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: a jump in any case, the error where somebody keeps the time."""
        now = self._host.clock.now()
        jumped = self._jumped(now)
        shown = [jumped] if jumped.level is not Level.OK or JUMP in watched else []
        try:
            return [self._error(self._state(), now), *shown]
        except NotTold:
            if not shown:
                raise
            return [*shown, *([self._gauge.unknown(now.wall)] if "" in watched else [])]

    def _state(self) -> ClockState:
        try:
            state = self._host.sampler.look(self._read).value
        except (NotTold, OSError):
            state = self._from_timedatectl()
        self._was_right = self._was_right or state.is_synchronised
        if self._was_right or any((self._run / name).exists() for name in _SERVICES):
            return state
        raise NotTold("no time service runs here, and nobody keeps the clock right")

    def _from_timedatectl(self) -> ClockState:
        wanted = ("show", "--property=NTPSynchronized", "--value")
        try:
            is_right = output(self._timedatectl, *wanted).strip() == "yes"
        except ProgramFailed as error:
            raise NotTold("neither the kernel nor timedatectl tells it") from error
        largest = 0.0 if is_right else _UNBOUND
        return ClockState(is_synchronised=is_right, largest_error=largest)

    def _error(self, state: ClockState, now: Moment) -> Finding:
        value = min(state.largest_error, _UNBOUND)
        if not state.is_synchronised:
            value = _UNBOUND
        may = f"may be wrong by {amount(value, 's')}"
        if not state.is_synchronised:
            may = "is not synchronised"
        summary = f"The clock of {self._host.name} {may}."
        found = self._gauge.finding(value, summary, now.wall)
        if found.level is Level.OK:
            return found
        kept = "yes" if state.is_synchronised else "no"
        facts = (
            Fact(label="May be wrong by", value=self._gauge.said(value, found.level)),
            Fact(label="Synchronised", value=kept),
        )
        return replace(found, facts=facts, no_action=_NO_HAND)

    def _jumped(self, now: Moment) -> Finding:
        """Compare both clocks with the round before."""
        before, self._before = self._before, now
        if before is not None and before.boot_id == now.boot_id:
            moved = (now.wall - before.wall).total_seconds() - (now.boot - before.boot)
            # What sets a clock right for the first time moves it, as after a boot.
            if abs(moved) >= _LEAST and self._was_right:
                self._jump = now, moved
        if self._jump is None or not _is_recent(self._jump[0], now):
            self._jump = None
            none = f"The clock of {self._host.name} was not moved."
            return self._gauge.finding(0, none, now.wall, JUMP)
        moved = self._jump[1]
        ahead = "ahead" if moved > 0 else "back"
        span = seconds(timedelta(seconds=abs(moved)))
        summary = f"The clock of {self._host.name} was set {ahead} by {span}."
        found = self._gauge.finding(abs(moved), summary, now.wall, JUMP)
        facts = (Fact(label="Moved", value=f"{span} {ahead}"),)
        return replace(
            found,
            label="Clock moved by",
            facts=facts,
            hold_for=timedelta(0),
            no_action=_NO_HAND,
        )


def _is_recent(at: Moment, now: Moment) -> bool:
    return at.boot_id == now.boot_id and now.boot - at.boot < STAYS.total_seconds()


DETECTOR = Clock
