"""Asking for a drill, and what becomes of its child: linked to a card, let go, forgotten.

Any bot takes the wish, which is a row; the one that leads starts the child. Nothing here
decides or acts: the card, the vote and the signal are those of every incident.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import Connection

from bot.drill.child import Child, NotStarted
from bot.model import Incident
from bot.person import Person
from bot.ports import Wakeable
from bot.storage import quiet, store
from bot.storage.record import Record
from remediation.ledger import docket
from remediation.ledger.audit import happened
from remediation.ledger.decision import NotDecided
from remediation.ledger.lock import locked
from remediation.ledger.proposal import Proposal, State
from remediation.moment import Moment
from remediation.rules.drilled import Drilled

log = logging.getLogger(__name__)

PATIENCE: Final = timedelta(seconds=30)
"""A wish that is older is forgotten; so is a child that no card has come for."""
_WISH: Final = "drill wanted"
_LIVE: Final = (State.PENDING, State.APPROVED, State.EXECUTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who asked for a drill, and when."""

    by: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """A drill of this very bot. over: why its child was let go, "" before that."""

    child: Child
    by: str
    began: Moment
    number: int | None = None
    over: str = ""


_WISHES: Final[TypeAdapter[Wish]] = TypeAdapter(Wish)


class Drill:
    """Starts a drill when somebody asks, one at a time, and sees to its end.

    lasts: after which its child ends in any case. drilled: told whom the drill may end.
    unseen: why the bot does not see its host, "" where it does. start: starts the child.
    """

    def __init__(
        self,
        *,
        host: str,
        record: Record,
        lasts: timedelta,
        drilled: Drilled,
        poster: Wakeable,
        unseen: str = "",
        start: Callable[[timedelta], Child] = Child.start,
    ) -> None:
        self._host = host
        self._database = record.database
        self._led = record.led.database
        self._clock = record.clock
        self.lasts = lasts
        self._drilled = drilled
        self._poster = poster
        self._unseen = unseen
        self._start = start
        self.running: Rehearsal | None = None

    def ask(self, who: Person) -> None:
        """Have a drill begin; raise `NotDecided` where it cannot."""
        who.must_approve("start a drill")
        if self._unseen:
            reason = f"a drill ends a process of {self._host}: {self._unseen}"
            raise NotDecided(reason)
        now = self._clock.now()
        with self._database.write() as tx:
            if reason := self._hindered(tx, now):
                raise NotDecided(reason)
            wish = Wish(by=who.id, at=now.wall)
            store.remember(tx, _WISH, _WISHES.dump_json(wish).decode())

    def step(self) -> None:
        """Bring the child in line with the wish and the incident; the leader's loop."""
        now = self._clock.now()
        with self._database.read() as tx:
            wish = _wish(tx)
            if wish is None and self.running is None:
                return
            drills = _open_drills(tx)
        if self.running is not None:
            if wish is not None:  # it could not be dropped when its child began
                self._drop_wish()
            self._look_after(self.running, drills, now)
        elif wish is not None:
            self._answer(wish, drills, now)

    def _hindered(self, tx: Connection, now: Moment) -> str:
        stopped = locked(tx)
        if stopped is not None:
            return f"Countersign is locked ({stopped.why}); a drill would end there"
        if any(row.target == self._host for row in quiet.kept(tx, now)):
            return f"{self._host} is muted or in maintenance, so no card would come"
        if under_way := _open_drills(tx):
            return f"incident {under_way[0].number} is a drill that is not over yet"
        wish = _wish(tx)
        is_fresh = wish is not None and _is_fresh(wish, now)
        return "a drill has just been asked for" if is_fresh else ""

    def _answer(self, wish: Wish, drills: Sequence[Incident], now: Moment) -> None:
        """Start the child. The wish is dropped after that: a crash in between keeps it."""
        if drills:
            return  # of a bot before this one, and over in a moment
        if _is_fresh(wish, now):
            try:
                child = self._start(self.lasts)
            except NotStarted as why:
                log.warning("drill.not_started why=%s", why)
            else:
                self._drilled.begin(child.identity)
                self.running = Rehearsal(child=child, by=wish.by, began=now)
                log.info("drill.started pid=%s", child.identity.pid)
        self._drop_wish()

    def _drop_wish(self) -> None:
        with self._led.write() as tx:
            store.forget(tx, _WISH)

    def _look_after(
        self, running: Rehearsal, drills: Sequence[Incident], now: Moment
    ) -> None:
        mine = [i for i in drills if i.lead.subject == running.child.subject]
        if mine and running.number is None:
            self._link(running, mine[0].number)
        if reason := self._over(running, mine, now):
            self._let_go(running, reason)
        if running.child.is_over and not mine:
            self._drilled.end()
            self.running = None

    def _over(self, running: Rehearsal, mine: Sequence[Incident], now: Moment) -> str:
        """Say why the child is needed no more; "" while a decision is awaited or done."""
        if running.over or running.child.is_over:
            return ""
        if not mine:
            is_late = now.since(running.began) > PATIENCE
            closed = "its card was closed" if running.number is not None else ""
            return closed or ("no card came for it" if is_late else "")
        with self._database.read() as tx:
            # Both at one instant: an action that ends begins its check.
            incident = store.get(tx, mine[0].number)
            proposals = docket.of(tx, incident.number)
        if incident.check is not None or any(p.state in _LIVE for p in proposals):
            return ""
        return _reason(incident, proposals)

    def _let_go(self, running: Rehearsal, reason: str) -> None:
        running.over = reason
        self._drilled.end()
        running.child.let_go()
        log.info("drill.let_go why=%s", reason)

    def _link(self, running: Rehearsal, number: int) -> None:
        """Tell the thread who asked; it is theirs, and nobody explains it further."""
        text, now = "asked for this drill; nothing is wrong", self._clock.now()
        with self._led.write() as tx:
            happened(tx, "drill.asked", text, now, incident=number, actor=running.by)
            store.bump(tx, number, owner=running.by, is_asked=True, is_explained=True)
        running.number = number
        self._poster.wake()


def _wish(tx: Connection) -> Wish | None:
    kept = store.recall(tx, _WISH)
    return None if kept is None else _WISHES.validate_json(kept)


def _is_fresh(wish: Wish, now: Moment) -> bool:
    return timedelta(0) <= now.wall - wish.at <= PATIENCE


def _open_drills(tx: Connection) -> list[Incident]:
    return [i for i in store.opened(tx) if i.is_drill]


def _reason(incident: Incident, proposals: Sequence[Proposal]) -> str:
    if not proposals:
        none = incident.no_action
        return f"nothing was offered ({none.reason})" if none else "nothing was offered"
    match proposals[-1].state:
        case State.REJECTED:
            return "it was rejected"
        case State.EXPIRED:
            return "nobody decided in time"
        case State.SUPERSEDED:
            return "what was offered was taken back"
        case State.REFUSED:
            return "its action was refused at the last look"
        case _:
            return "its action did not end it"
