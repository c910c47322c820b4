"""What is over for longer than the configuration keeps it goes by itself, once a day."""

import logging
from datetime import timedelta
from typing import Final

from bot.bygone import Bygone, Counts
from bot.ports import Clock
from bot.retention_section import RetentionSection
from bot.words import seconds
from remediation.purge import ChainBroken

log = logging.getLogger(__name__)

_LONGEST: Final = timedelta(seconds=10)
"""How long one day's round may take; what is left goes in the next."""


class Retention:
    """Purges by the team's own limit; without one, nothing."""

    def __init__(
        self, *, bygone: Bygone, clock: Clock, section: RetentionSection
    ) -> None:
        self._bygone = bygone
        self._clock = clock
        self._kept_for = section.incidents

    def step(self) -> None:
        """Take out what is due, for some seconds at most; say so in the log."""
        if self._kept_for is None:
            return
        gone, is_done = Counts(), False
        end = self._clock.now().after(_LONGEST)
        try:
            while not is_done and not self._clock.now().is_past(end):
                some = self._batch(self._kept_for)
                gone, is_done = gone + some, not some.incidents
        except ChainBroken:
            log.exception(
                "retention.stopped: the ledger was changed; nothing is purged before "
                "`countersign audit verify` finds it whole"
            )
        finally:
            self._tell(gone, is_done=is_done)

    def _batch(self, kept_for: timedelta) -> Counts:
        now = self._clock.now().wall
        why = f"kept for {seconds(kept_for)} (retention.incidents)"
        return self._bygone.take(now - kept_for, why=why, now=now)

    def _tell(self, gone: Counts, *, is_done: bool) -> None:
        if not gone.incidents:
            return
        self._bygone.finish()
        log.info(
            "retention.purged incidents=%d events=%d cases=%d done=%s",
            gone.incidents,
            gone.events,
            gone.cases,
            is_done,
        )
