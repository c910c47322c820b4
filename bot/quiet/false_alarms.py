"""Reads false alarms from the chain, and says once when a limit is to blame for them.

Level-triggered, like `learning/remember.py`, in a loop's thread and never on a click's path.
What it says is an event of the incident; the configuration is for people to change.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, select

from bot.model import Incident, Phase
from bot.ports import Wakeable
from bot.quiet.quieter import Suggestion, difference, subjects, suggestion, told
from bot.storage import store
from bot.storage.record import Record
from remediation.ledger.audit import happened, read
from remediation.moment import Moment

_CURSOR: Final = "false alarms read"
_BATCH: Final = 500
_REMEMBERED: Final = 1000
"""So many incidents of a host and condition are looked back on."""


class FalseAlarms:
    """Says what repeated false alarms suggest.

    sections: each detector with numeric limits, and its section of the configuration
    file as it stands there (empty where it does not).
    """

    def __init__(
        self,
        *,
        record: Record,
        sections: Mapping[str, Mapping[str, object]],
        poster: Wakeable,
    ) -> None:
        self._database = record.database
        self._clock = record.clock
        self._sections = sections
        self._poster = poster

    def step(self) -> None:
        """Take in every false alarm since the last step."""
        while self._batch():
            pass

    def _batch(self) -> bool:
        now = self._clock.now()
        with self._database.read() as tx:
            after = int(store.recall(tx, _CURSOR) or 0)
            events = read(tx, after=after, limit=_BATCH)
            # The newest first: of many in one batch it is the last that is one too many.
            alarms = [
                sealed.event.incident
                for sealed in reversed(events)
                if sealed.event.kind == "incident.false_alarm"
            ]
            said = [
                (number, made)
                for number in dict.fromkeys(alarms)
                if number is not None
                for made in self._suggested(tx, store.get(tx, number), now)
            ]
        if events:
            self._write(events[-1].seq, said, now)
        return len(events) == _BATCH

    def _suggested(
        self, tx: Connection, incident: Incident, now: Moment
    ) -> list[Suggestion]:
        detectors = dict.fromkeys(finding.detector for finding in incident.findings)
        made = (
            suggestion(name, subject, _history(tx, incident.host, name), now.wall)
            for name in detectors
            if name in self._sections
            for subject in subjects(incident, name)
        )
        return [found for found in made if found is not None]

    def _write(self, seq: int, said: list[tuple[int, Suggestion]], now: Moment) -> None:
        with self._database.write() as tx:
            for number, made in said:
                if store.recall(tx, _name(made)) is None:
                    self._tell(tx, number, made, now)
            store.remember(tx, _CURSOR, str(seq))
        if said:
            self._poster.wake()

    def _tell(self, tx: Connection, number: int, made: Suggestion, now: Moment) -> None:
        text = told(made, difference(made, self._sections[made.detector]))
        store.remember(tx, _name(made), str(number))
        happened(tx, "limit.suggested", text, now, incident=number)


def _name(made: Suggestion) -> str:
    """Return where it is kept that this was said: per condition, host, subject, limits."""
    limits = f"{made.before.warning}/{made.before.critical}"
    about = f"/{made.subject}" if made.subject else ""
    said = f"{made.host}/{made.detector}/{limits}{about}"
    return f"suggested {hashlib.sha256(said.encode()).hexdigest()[:30]}"


def _history(tx: Connection, host: str, detector: str) -> list[Incident]:
    """Return the host's resolved incidents with that condition, the newest first."""
    rows = store.incidents.c
    query = (
        select(rows.number)
        .where(rows.host == host, rows.phase == Phase.RESOLVED)
        # Only narrows down what is read: the findings themselves decide.
        .where(rows.body.contains(f'"detector":"{detector}"', autoescape=True))
        .order_by(rows.number.desc())
    )
    numbers = tx.execute(query.limit(_REMEMBERED)).scalars().all()
    return [store.get(tx, number) for number in numbers]
