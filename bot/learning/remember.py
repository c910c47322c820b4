"""Memory is a projection of the ledger: what ended becomes a case, in a thread of its own.

Level-triggered, like the poster: it reads the chain from where it stopped and writes a
case for every incident that ended or was commented since. A crash in between repeats a
case, which writes the same one again.
"""

from collections.abc import Callable
from typing import Final, Protocol

from bot.learning.retell import case_of
from bot.runtime.loop import Unfinished, one_by_one
from bot.storage import store
from bot.storage.record import Record
from bot.storage.store import REOPENED
from memory.case import Case
from remediation.ledger.audit import read

ENDS: Final = frozenset({"incident.resolved", "incident.false_alarm"})
"""Events after which an incident's case is written."""
COMMENT: Final = "feedback.given"
"""After it the case is written anew, unless it was forgotten meanwhile. One that
was folded into a pattern is taken out of it, so that the pattern's count is true."""
_CURSOR: Final = "remembered"
_BATCH: Final = 500


class Keeper(Protocol):
    """Whoever keeps cases."""

    def follow(self) -> None:
        """Notice what other processes changed."""

    def remember(self, case: Case) -> None:
        """Write the case, in place of an earlier one of the same key."""

    def forget(self, key: str) -> bool:
        """Delete a case; return whether there was one."""

    def knows(self, key: str) -> bool:
        """Whether the case is there, by itself or folded."""


class Remember:
    """Turns the end of incidents into cases."""

    def __init__(
        self, *, record: Record, memory: Keeper, failed: Callable[[str], None]
    ) -> None:
        self._failed = failed
        self._database = record.database
        self._ledger = record.ledger
        self._memory = memory

    def step(self) -> None:
        """Remember everything that ended since the last step."""
        self._memory.follow()
        while self._batch():
            pass

    def _batch(self) -> bool:
        with self._database.read() as tx:
            after = int(store.recall(tx, _CURSOR) or 0)
            events = read(tx, after=after, limit=_BATCH)
            ended = {s.event.incident for s in events if s.event.kind in ENDS}
            back = {s.event.incident for s in events if s.event.kind == REOPENED}
            open_ = [n for n in back if n and store.get(tx, n).is_open]
            commented = {s.event.incident for s in events if s.event.kind == COMMENT}
            known = {n for n in commented - ended if self._memory.knows(str(n))}
            cases = [
                case_of(incident, self._ledger.of(tx, incident.number))
                for incident in (store.get(tx, n) for n in ended | known if n)
                if not incident.is_open and not incident.is_drill
            ]
        for number in open_:
            # Memory holds what is over. At its next end it is written again.
            self._memory.forget(str(number))
        done = one_by_one(
            cases, self._memory.remember, name="memory", failed=self._failed
        )
        if cases and not done:
            # Not one case that is odd, but a memory that takes nothing now.
            raise Unfinished
        if events:
            with self._database.write() as tx:
                store.remember(tx, _CURSOR, str(events[-1].seq))
        return len(events) == _BATCH
