"""The end of somebody's shift: all that is theirs goes to the next person."""

from dataclasses import dataclass

from bot.person import Person
from bot.ports import Wakeable
from bot.storage import quiet, store
from bot.storage.record import Record
from remediation.ledger import lock
from remediation.ledger.audit import happened
from remediation.ledger.decision import NotDecided


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What went from one person to the next."""

    incidents: tuple[int, ...]
    mutes: tuple[str, ...]
    lock: bool


class Handover:
    """Moves open incidents, mutes and the lock in one transaction."""

    def __init__(self, *, record: Record, poster: Wakeable) -> None:
        self._database = record.database
        self._clock = record.clock
        self._poster = poster

    def all(self, who: Person, to: Person) -> Handed:
        """Give the next person all of one's own.

        Raises `NotDecided` where there is nothing, or where mutes or the lock would go
        to somebody who may not lift them.
        """
        now = self._clock.now()
        with self._database.write() as tx:
            mine = [i.number for i in store.opened(tx) if i.owner == who.id]
            handed = Handed(
                incidents=tuple(mine),
                mutes=tuple(quiet.kept_by(tx, who.id)),
                lock=lock.pass_on(tx, by=who.id, to=to.id),
            )
            _refuse_unless_it_may(handed, to)
            quiet.pass_on(tx, by=who.id, to=to.id)
            for number in mine:
                store.bump(tx, number, owner=to.id)
                # The poster draws the id at the end of the text as a person.
                text = f"handed this over to @{to.id}"
                kind = "incident.handed_over"
                happened(tx, kind, text, now, incident=number, actor=who.id)
            if handed.mutes or handed.lock:
                text = f"handed over {_quiet(handed)} to @{to.id}"
                happened(tx, "handed_over", text, now, actor=who.id)
        self._poster.wake()
        return handed


def _refuse_unless_it_may(handed: Handed, to: Person) -> None:
    if not (handed.incidents or handed.mutes or handed.lock):
        raise NotDecided("you own no incident, mute or lock")
    if (handed.mutes or handed.lock) and not to.is_approver:
        raise NotDecided("mutes and a lock can only go to an approver")


def _quiet(handed: Handed) -> str:
    mutes = [f"{len(handed.mutes)} mutes"] if handed.mutes else []
    return " and ".join([*mutes, *(["the lock"] if handed.lock else [])])
