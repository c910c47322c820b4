"""Telling PagerDuty and a webhook of escalated incidents: a projection, as the thread is.

What was told is kept until the incident is over, so each is told once, and resolved once.
After a crash in between it is told again under the same key, which both sides fold.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.http.outgoing import NotDelivered, post
from bot.model import Incident, Level, Phase
from bot.ports import Wakeable
from bot.runtime.loop import Unfinished
from bot.storage import store
from bot.storage.record import Record
from bot.text.redact import redact
from remediation.ledger.audit import Event, append

log = logging.getLogger(__name__)

_SECONDS = 10.0
_TOLD, _FAILED = "told", "failed"

What = Literal["escalated", "resolved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is told. key: the same for all that is told about one incident."""

    what: What
    key: str
    incident: Incident
    link: str


class Pages(Protocol):
    """Somebody outside who calls people."""

    name: str

    def tell(self, page: Page) -> None:
        """Deliver it; raise `NotDelivered`."""


class PagerDuty:
    """PagerDuty's Events API v2."""

    name = "PagerDuty"

    def __init__(self, url: str, routing_key: str) -> None:
        self._url = url
        self._routing_key = routing_key

    def tell(self, page: Page) -> None:
        """Trigger or resolve the alert of this incident."""
        incident = page.incident
        body: dict[str, object] = {
            "routing_key": self._routing_key,
            "event_action": "trigger" if page.what == "escalated" else "resolve",
            "dedup_key": page.key,
            "payload": {
                "summary": _summary(incident),
                "source": incident.host,
                "severity": _SEVERITY[incident.level],
                "timestamp": incident.since.isoformat(),
                "component": incident.unit_name or "",
            },
        }
        if page.link:
            body["links"] = [{"href": page.link, "text": "The card in Slack"}]
        post(self._url, body, seconds=_SECONDS)


class Webhook:
    """A JSON document to an address of the team's own."""

    name = "the webhook"

    def __init__(self, url: str) -> None:
        self._url = url

    def tell(self, page: Page) -> None:
        """Send what is known about the incident."""
        post(self._url, _document(page), seconds=_SECONDS)


class Pager:
    """Tells each of them what they were not told yet. instance: names this bot."""

    def __init__(
        self, *, record: Record, poster: Wakeable, to: Sequence[Pages], instance: str
    ) -> None:
        self._database = record.database
        self._clock = record.clock
        self._poster = poster
        self._to = to
        self._instance = instance

    @property
    def has_anybody(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._to)

    def step(self) -> None:
        """Close the difference; raise `Unfinished` where somebody took nothing."""
        missed = [one.name for one in self._to if not self._caught_up(one)]
        if missed:
            raise Unfinished

    def _caught_up(self, one: Pages) -> bool:
        with self._database.read() as tx:
            told = store.notes(tx, _prefix(one))
            open_ = [i for i in store.opened(tx) if i.phase is Phase.ESCALATED]
            news = [i for i in open_ if told.get(str(i.number)) in (None, _FAILED)]
            over = [
                incident
                for number, state in told.items()
                if state == _TOLD
                and not (incident := store.get(tx, int(number))).is_open
            ]
        self._forget(one, [n for n, state in told.items() if state == _FAILED], open_)
        done = [self._tell(one, i, "escalated") for i in news]
        return all([*done, *(self._tell(one, i, "resolved") for i in over)])

    def _forget(
        self, one: Pages, failed: Sequence[str], open_: Sequence[Incident]
    ) -> None:
        """Forget what could not be told, and is over by now."""
        waiting = {str(incident.number) for incident in open_}
        stale = [number for number in failed if number not in waiting]
        if not stale:
            return
        with self._database.write() as tx:
            for number in stale:
                store.forget(tx, f"{_prefix(one)}{number}")

    def _tell(self, one: Pages, incident: Incident, what: What) -> bool:
        with self._database.read() as tx:
            card = store.posting(tx, incident.number)
        page = Page(
            what=what,
            key=f"countersign/{self._instance}/{incident.number}",
            incident=incident,
            link=card.permalink if card else "",
        )
        try:
            one.tell(page)
        except NotDelivered as failure:
            log.warning("page.failed to=%s why=%s", one.name, failure)
            self._failed(one, incident, what, str(failure))
            return False
        state = _TOLD if what == "escalated" else None
        self._note(one, incident, state, f"Told {one.name}: {what}", "page.sent")
        return True

    def _failed(self, one: Pages, incident: Incident, what: What, why: str) -> None:
        with self._database.read() as tx:
            said = store.recall(tx, f"{_prefix(one)}{incident.number}") == _FAILED
        if not said and what == "escalated":
            text = f"{one.name} could not be told: {why}. It is tried again"
            self._note(one, incident, _FAILED, text, "page.failed")

    def _note(
        self, one: Pages, incident: Incident, state: str | None, text: str, kind: str
    ) -> None:
        now, key = self._clock.now().wall, f"{_prefix(one)}{incident.number}"
        with self._database.write() as tx:
            if state is None:
                store.forget(tx, key)
            else:
                store.remember(tx, key, state)
            append(tx, Event(kind=kind, text=text, at=now, incident=incident.number))
        self._poster.wake()


def _prefix(one: Pages) -> str:
    return f"page:{one.name}:"


def _summary(incident: Incident) -> str:
    return redact(f"{incident.title}. {incident.lead.summary}")[:1000]


def _document(page: Page) -> Mapping[str, object]:
    incident = page.incident
    return {
        "version": 1,
        "event": page.what,
        "key": page.key,
        "incident": incident.number,
        "host": incident.host,
        "service": incident.unit_name,
        "level": incident.level.value,
        "title": redact(incident.title),
        "summary": _summary(incident),
        "since": incident.since.isoformat(),
        "link": page.link,
    }


_SEVERITY = {
    Level.OK: "info",
    Level.UNKNOWN: "warning",
    Level.WARNING: "warning",
    Level.CRITICAL: "critical",
}
"""PagerDuty's words: critical, error, warning, info."""
