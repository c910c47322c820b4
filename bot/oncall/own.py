"""Who owns an incident, and who stops the bot: take, hand over, escalate, close, lock.

Each is one transaction with its event, so the thread tells it too.
"""

from datetime import timedelta

from sqlalchemy import Connection

from bot.actions.calling import call_people
from bot.lore import FALSE_ALARM
from bot.model import Incident, Phase
from bot.person import Person
from bot.ports import Wakeable
from bot.storage import quiet, store
from bot.storage.record import Record
from remediation.ledger import lock
from remediation.ledger.audit import happened
from remediation.ledger.decision import NotDecided
from remediation.moment import Moment

AFTER_FALSE_ALARM = timedelta(hours=1)
"""How long the conditions of a false alarm stay muted."""


class Own:
    """What people do about incidents and the bot besides deciding proposals."""

    def __init__(self, *, record: Record, poster: Wakeable) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._poster = poster

    def take(self, number: int, who: Person) -> Incident:
        """Own the incident; escalation stops."""
        return self._change(number, who, "incident.taken", "took this", owner=who.id)

    def hand_over(self, number: int, who: Person, to: Person) -> Incident:
        """Give the incident to somebody else, who was verified like any person."""
        # The poster draws the id at the end of the text as a person.
        text = f"handed this over to @{to.id}"
        return self._change(number, who, "incident.handed_over", text, owner=to.id)

    def escalate(self, number: int, who: Person) -> Incident:
        """Call the people of slack.notify.critical into the thread, once."""
        with self._database.write() as tx:
            found = store.get(tx, number)
            if not found.is_open:
                raise NotDecided(f"incident {number} is resolved already")
            if found.phase is Phase.ESCALATED:
                raise NotDecided(f"incident {number} is escalated already")
            if found.is_drill:
                raise NotDecided(f"incident {number} is a drill, which calls nobody")
            now = self._clock.now()
            changed = call_people(tx, found, "escalated this", now, who.id)
        self._poster.wake()
        return changed

    def false_alarm(self, number: int, who: Person) -> Incident:
        """Close the incident as nothing; its conditions are quiet for a while.

        They still hold, so without the mute the next round would open it again.
        """
        who.must_approve("close an incident")
        now = self._clock.now()
        closed = {"phase": Phase.RESOLVED, "resolved_at": now.wall, "offered": None}
        text = "called this a false alarm"
        with self._database.write() as tx:
            incident = self._changed(
                tx,
                number,
                who,
                "incident.false_alarm",
                text,
                resolution=FALSE_ALARM,
                check=None,
                **closed,
            )
            self._ledger.supersede(tx, number, now=now)
            for finding in incident.findings:
                until = now.wall + AFTER_FALSE_ALARM
                quiet.mute(tx, finding.key, until=until, by=who.id)
        self._poster.wake()
        return incident

    def lock(self, why: str, who: Person) -> None:
        """Stop the whole bot: nothing is signalled from now on. Anyone may."""
        now = self._clock.now()
        with self._database.write() as tx:
            if not lock.set_lock(tx, by=who.id, why=why, at=now.wall):
                raise NotDecided("it is locked already")
            self._everywhere(tx, "bot.locked", f"locked Countersign: {why}", now, who)
        self._poster.wake()

    def unlock(self, who: Person) -> None:
        """Free the bot; approvers only."""
        who.must_approve("unlock")
        now = self._clock.now()
        with self._database.write() as tx:
            if not lock.free_lock(tx):
                raise NotDecided("it is not locked")
            self._everywhere(tx, "bot.unlocked", "unlocked Countersign", now, who)
        self._poster.wake()

    def _everywhere(
        self, tx: Connection, kind: str, text: str, now: Moment, who: Person
    ) -> None:
        # A lock concerns every open card; without any it still is an event.
        numbers = [incident.number for incident in store.opened(tx)]
        for number in numbers:
            happened(tx, kind, text, now, incident=number, actor=who.id)
            store.bump(tx, number)
        if not numbers:
            happened(tx, kind, text, now, actor=who.id)

    def _change(
        self, number: int, who: Person, kind: str, text: str, **fields: object
    ) -> Incident:
        with self._database.write() as tx:
            incident = self._changed(tx, number, who, kind, text, **fields)
        self._poster.wake()
        return incident

    def _changed(
        self,
        tx: Connection,
        number: int,
        who: Person,
        kind: str,
        text: str,
        **fields: object,
    ) -> Incident:
        if not store.get(tx, number).is_open:
            raise NotDecided(f"incident {number} is resolved already")
        incident = store.bump(tx, number, **fields)
        now = self._clock.now()
        happened(tx, kind, text, now, incident=number, actor=who.id)
        return incident
