"""What only one of several bots does: kept back while another leads, begun with the lead."""

import logging
from collections.abc import Callable, Sequence

from bot.runtime.loop import Loop
from bot.runtime.schedule import Schedule
from bot.storage.database import NotLeading
from bot.storage.lead import EVERY
from bot.wiring.core import Core

log = logging.getLogger(__name__)


class Leading:
    """Gives this bot's signs of life, and lets through what the leader does.

    loops: none where there is one bot only.
    """

    def __init__(self, core: Core, schedule: Schedule) -> None:
        self._core = core
        self._schedule = schedule
        self.is_alone = core.lead.standing() is None
        telemetry = core.telemetry
        beat = telemetry.stepping("lead", self._beat)
        loop = Loop("lead", beat, every=EVERY, failed=telemetry.failed)
        # Of its own: whatever else asks the database may hang with the beat.
        unhang = telemetry.stepping("lead's watch", core.lead.unhang)
        watch = Loop("lead's watch", unhang, every=EVERY, failed=telemetry.failed)
        self.loops: Sequence[Loop] = () if self.is_alone else (loop, watch)

    def only(
        self, work: Callable[[], None], otherwise: Callable[[], None] | None = None
    ) -> Callable[[], None]:
        """Return work that the leader does; it ends where the lead is lost meanwhile.

        otherwise: what a bot that follows does in its place.
        """

        def led() -> None:
            if not self._core.lead.leads():
                if otherwise is not None:
                    otherwise()
                return
            try:
                work()
            except NotLeading:
                log.info("lead.passed")

        return led

    def unhealthy(self) -> Sequence[str]:
        """Say where a beat hangs."""
        hangs = self._core.lead.hangs()
        return ["the lead's beat hangs: the database gives no answer"] if hangs else []

    def start(self) -> None:
        """Be there, and lead if nobody does, before anything else begins."""
        if not self.is_alone:
            self._beat()

    def stop(self) -> None:
        """Let another bot lead."""
        for loop in self.loops:
            loop.stop(2)
        self._core.lead.close()

    def _beat(self) -> None:
        lead = self._core.lead
        led_before = lead.leads()
        lead.beat(self._take_up)
        if not lead.leads():
            self._core.telemetry.following()
        elif not led_before:
            self._schedule.anew()
            self._core.poster.wake()

    def _take_up(self) -> None:
        self._core.respond.take_up()
        # What it learnt when it led before is older than what the other has learnt since.
        self._core.habits.forget()
