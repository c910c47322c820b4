"""What has joined a storm: written down at once, told when the storm is told of again.

A storm has news each second and is told of once a minute. What joins it and is over
before that minute is would otherwise be known to nobody.
"""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from bot.alerts.triage import Updated
from bot.model import Incident
from bot.storage import store
from bot.storage.database import Database
from bot.text.words import joined_in_words
from remediation.ledger.audit import happened
from remediation.moment import Moment


class Joined:
    """Keys of conditions by the incident that has them and has not told of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._untold: dict[int, set[str]] = {}

    def keep(self, change: Updated) -> None:
        """Write the incident's conditions down, and leave its card as it is."""
        if not change.joined:
            return
        number = change.incident.number
        with self._database.write() as tx:
            kept = store.get(tx, number)
            if not kept.is_open:
                return
            store.keep(tx, replace(kept, findings=change.incident.findings))
        self._untold.setdefault(number, set()).update(change.joined)

    def tell(
        self, tx: Connection, incident: Incident, now: Moment, new: Collection[str] = ()
    ) -> None:
        """Write the events of what joined: now (`new`), and since it was told of last."""
        keys = {*new, *self._untold.get(incident.number, ())}
        joined = [finding for finding in incident.findings if finding.key in keys]
        for text in joined_in_words(joined):
            kind, number = "incident.joined", incident.number
            happened(tx, kind, text, now, incident=number)

    def is_told(self, number: int) -> None:
        """Take note that the events are durable."""
        self._untold.pop(number, None)

    def forget(self) -> None:
        """Begin with nothing."""
        self._untold.clear()
