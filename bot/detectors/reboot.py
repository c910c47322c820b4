"""The host started anew and nobody had asked for it.

Unit: unexpected reboots within a day, while the newest is at most half an hour old.
Window: none, it is an event, told at once and kept for that half hour. It is unexpected
where the bot was not told to end in the boot before: an orderly shutdown ends it first, a
panic, a reset or a lost power does not. Limits: one is a warning, a second within a day
critical (node-mixin and awesome-prometheus-alerts tell any reboot, wanted or not). The
time that the host was away is from the bot's last sign of life, written every minute, to
the start of the kernel. Culprits: none that are left.
"""

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field
from sqlalchemy.exc import DBAPIError

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.boots import SignOfLife
from bot.host.host import HostContext
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, NoAction
from bot.ports import NotTold
from bot.text.words import seconds
from remediation.moment import Moment

log = logging.getLogger(__name__)

STAYS: Final = timedelta(minutes=30)
_DAY: Final = timedelta(days=1)
_MOST: Final = 20
_IT_IS_OVER: Final = NoAction(
    rule="it is over",
    reason="the host is back; what made it start anew stands in the boot before",
    by_hand="journalctl -b -1 -n 100 --no-pager; last -x reboot shutdown | head",
)


class RebootSection(DetectorSection):
    """Limits in unexpected reboots within a day."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=60
    )
    for_: Duration = Field(default=timedelta(seconds=60), alias="for")
    warning: float = 1
    critical: float = 2


class Reboot:
    """Compares the boot with the one of the bot's last sign of life."""

    name = "reboot"
    Section = RebootSection

    def __init__(self, section: RebootSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Unexpected reboots",
            unit="",
            limits=section.limits(),
        )
        self._alive_before: datetime | None = None
        """When the bot last ran before a reboot that nobody had asked for."""
        self._crashed: tuple[datetime, ...] = ()
        self._boot_id = ""

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the host's own finding is always in the answer."""
        del watched
        if self._host.boots is None:
            raise NotTold("nothing keeps when this host was last alive")
        now = self._host.clock.now()
        if self._boot_id != now.boot_id:
            self._look_back(now)
        self._note(now)
        return [self._finding(now)]

    def _look_back(self, now: Moment) -> None:
        """Ask once how the boot before ended."""
        last = self._host.boots.last() if self._host.boots else None
        self._boot_id, self._alive_before = now.boot_id, None
        began = _began(now)
        recent = () if last is None else last.crashed
        crashed = tuple(at for at in recent if began - at < _DAY)[-_MOST:]
        if last is not None and last.boot_id == now.boot_id:
            # The bot itself started anew; what it found in this boot stays true.
            self._alive_before = last.alive_before
        elif last is not None and not last.is_ended:
            self._alive_before, crashed = last.at, (*crashed, began)
        self._crashed = crashed

    def _note(self, now: Moment) -> None:
        sign = SignOfLife(
            boot_id=now.boot_id,
            at=now.wall,
            crashed=self._crashed,
            alive_before=self._alive_before,
        )
        try:
            if self._host.boots is not None:
                self._host.boots.note(sign)
        except DBAPIError as error:
            # The sign stays older than it is; who measures must not end for that.
            log.warning("boot.not_noted error=%s", type(error.orig).__name__)

    def _finding(self, now: Moment) -> Finding:
        name, before = self._host.name, self._alive_before
        if before is None or now.boot >= STAYS.total_seconds():
            up = seconds(timedelta(seconds=now.boot))
            return self._gauge.finding(0, f"{name} has run for {up}.", now.wall)
        began = _began(now)
        away = max(began - before, timedelta(0))
        count = len(self._crashed)
        again = f", the {count}. time within a day" if count > 1 else ""
        summary = f"{name} started anew at {began:%H:%M:%S} UTC and nobody had asked for it{again}."
        found = self._gauge.finding(count, summary, now.wall)
        facts = (
            Fact(label="Up since", value=f"{began:%Y-%m-%d %H:%M:%S} UTC"),
            Fact(label="Last alive", value=f"{before:%Y-%m-%d %H:%M:%S} UTC"),
            Fact(label="Away", value=f"{seconds(away)} or up to a minute less"),
        )
        return replace(
            found,
            facts=facts,
            hold_for=timedelta(0),
            no_action=_IT_IS_OVER,
            began=began,
        )


def _began(now: Moment) -> datetime:
    return now.wall - timedelta(seconds=now.boot)


DETECTOR = Reboot
