"""What is over for longer than the configuration keeps it goes by itself, once a day.

A clock that leapt ahead makes everything old at once, so what goes waits until the bot has
lived a day with it. A bot that was off for long waits the same way.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from bot.config.retention import RetentionSection
from bot.host.boots import Boots, SignOfLife
from bot.keeping.bygone import Bygone, Counts
from bot.ports import Clock
from bot.storage import store
from bot.storage.database import Database
from bot.text.words import seconds
from remediation.ledger.purge import ChainBroken
from remediation.ledger.tables import events

log = logging.getLogger(__name__)

_LONGEST: Final = timedelta(seconds=10)
"""How long one day's round may take; what is left goes in the next."""


_LEAP: Final = timedelta(days=2)
"""The next look is a day later; a clock that is further ahead leapt, or the bot was off."""
_LIVED: Final = timedelta(hours=23)
"""A day, as the looks at it are not a day apart to the second."""
_KEY: Final = "retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the wall clock said. at: last. leapt_to: at the newest leap, if it still counts."""

    at: datetime
    leapt_to: datetime | None = None


_SEEN: TypeAdapter[_Seen] = TypeAdapter(_Seen)


class Retention:
    """Purges by the team's own limit; without one, nothing."""

    def __init__(
        self,
        *,
        bygone: Bygone,
        database: Database,
        clock: Clock,
        section: RetentionSection,
    ) -> None:
        self._bygone = bygone
        self._database = database
        self._clock = clock
        self._kept_for = section.incidents

    def step(self) -> None:
        """Take out what is due, for some seconds at most; say so in the log."""
        if self._kept_for is None or not self._is_credible(self._clock.now().wall):
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

    def _is_credible(self, now: datetime) -> bool:
        """Say whether the wall clock went on day by day, and keep what it says."""
        alive = Boots(self._database).last()
        with self._database.write() as tx:
            kept = store.recall(tx, _KEY)
            before = _SEEN.validate_json(kept) if kept else _first(tx, alive, now)
            seen = _followed(before, now)
            store.remember(tx, _KEY, _SEEN.dump_json(seen).decode())
        if seen.leapt_to == now:
            log.warning(
                "retention.waits: the clock is %s beyond what was known last; what is "
                "over is purged after a day with it",
                seconds(now - before.at),
            )
        return seen.leapt_to is None

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


def _followed(before: _Seen, now: datetime) -> _Seen:
    if now - before.at > _LEAP:
        return _Seen(at=now, leapt_to=now)
    leapt_to = before.leapt_to
    # Set back before the leap, or lived with since: it counts no more.
    if leapt_to is not None and not leapt_to <= now < leapt_to + _LIVED:
        leapt_to = None
    return _Seen(at=now, leapt_to=leapt_to)


def _first(tx: Connection, alive: SignOfLife | None, now: datetime) -> _Seen:
    """Return what is known where this was never looked at before."""
    newest = tx.execute(select(events.c.at).order_by(events.c.seq.desc()).limit(1))
    known = [datetime.fromisoformat(at) for at in newest.scalars()]
    known += [alive.at] if alive else []
    return _Seen(at=max(known, default=now))
