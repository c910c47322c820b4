"""What the listeners work with: the core's services, the guard and the way to answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.actions.ask import Ask
from bot.actions.simulate import Simulate
from bot.charts.plots import Plots
from bot.converse.converse import Converse
from bot.decide import Decide
from bot.drill.drill import Drill
from bot.learning.drafts import Drafts
from bot.learning.feedback import Feedbacks
from bot.learning.postmortems import Postmortems
from bot.llm.spending import Purse
from bot.model import Incident
from bot.oncall.handover import Handover
from bot.oncall.own import Own
from bot.origin import Origin
from bot.person import Person
from bot.quiet.silence import Silence
from bot.report.reports import Reports
from bot.runbooks.shelf import Shelf
from bot.runtime.telemetry import Telemetry
from bot.status import Status
from bot.storage import store
from bot.storage.database import Database
from handlers.blocks.card import card_id, card_in, numbered
from handlers.guard import Guard
from handlers.reply import Reply
from remediation.ledger.decision import NotDecided
from remediation.ledger.ledger import Ledger
from remediation.ledger.proposal import Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One of each. `channel` is where decisions are made, `command` how we are called."""

    host: str
    channel: str
    command: str
    configuration: Mapping[str, str]
    guard: Guard
    reply: Reply
    decide: Decide
    ask: Ask
    drill: Drill
    own: Own
    silence: Silence
    handover: Handover
    simulate: Simulate
    status: Status
    plots: Plots
    database: Database
    ledger: Ledger
    telemetry: Telemetry
    feedback: Feedbacks
    drafts: Drafts
    postmortems: Postmortems
    reports: Reports
    purse: Purse
    shelf: Shelf
    converse: Converse

    def incident(self, number: int) -> Incident:
        """Return the incident; raise `NotDecided` for an unknown number."""
        with self.database.read() as tx:
            try:
                return store.get(tx, number)
            except store.Unknown as unknown:
                raise NotDecided(f"there is no incident {number}") from unknown

    def on_card(self, origin: Origin) -> int:
        """Return the incident whose card this is; raise `NotDecided`."""
        with self.database.read() as tx:
            number = store.by_message(tx, origin.channel, origin.ts)
            if number is None:
                number = _claimed(tx, origin)
        if number is None:
            raise NotDecided("this button does not stand on the card it was made for")
        return number

    def proposals(self, number: int) -> list[Proposal]:
        """Return the incident's proposals in the order of their letters."""
        with self.database.read() as tx:
            return self.ledger.of(tx, number)

    def named(self, number: int, letter: str) -> Proposal:
        """Return proposal `12b`; without a letter the one on the card."""
        incident = self.incident(number)
        for proposal in self.proposals(number):
            chosen = proposal.id == incident.offered if not letter else False
            if proposal.letter == letter or chosen:
                return proposal
        raise NotDecided(f"there is no proposal {number}{letter}")

    def link(self, number: int) -> str:
        """Return the card's permalink, or "" while it has none."""
        posting = self.posting(number)
        return posting.permalink if posting else ""

    def posting(self, number: int) -> store.Posting | None:
        """Return where the incident stands in Slack; None before its first post."""
        with self.database.read() as tx:
            return store.posting(tx, number)

    def person(self, body: Mapping[str, object]) -> Person:
        """Verify whoever sent this payload; raise `Denied`."""
        user_id, team_id = sender(body)
        return self.guard.person(user_id, team_id)


def sender(body: Mapping[str, object]) -> tuple[str | None, str | None]:
    """Return user id and team id of an interaction or a command, as Slack sent them.

    The user's own team wins over the team in which it happened: in a shared channel
    they differ.
    """
    user = body.get("user")
    team = body.get("team")
    if isinstance(user, dict):
        own = user.get("team_id") or (
            team.get("id") if isinstance(team, dict) else None
        )
        return opaque(user.get("id")), opaque(own or body.get("team_id"))
    return opaque(body.get("user_id")), opaque(body.get("team_id"))


def origin_of(body: Mapping[str, object]) -> Origin:
    """Return the message a button stands on, from the payload's container."""
    container = body.get("container")
    channel = body.get("channel")
    message = body.get("message")
    box = container if isinstance(container, dict) else {}
    place = channel if isinstance(channel, dict) else {}
    shown = message if isinstance(message, dict) else {}
    return Origin(
        channel=opaque(box.get("channel_id") or place.get("id")) or "",
        ts=opaque(box.get("message_ts")) or "",
        card=card_in(shown.get("blocks")),
    )


def _claimed(tx: Connection, origin: Origin) -> int | None:
    """Return whose card this is by its own word, where Slack's answer does not tell.

    Another bot's incident may have the same number; not the same moment too.
    """
    number = numbered(origin.card)
    if number is None:
        return None
    card = store.posting(tx, number)
    if not store.is_card(tx, card, origin.channel, origin.ts):
        return None
    return number if card_id(store.get(tx, number)) == origin.card else None


def opaque(value: object) -> str | None:
    """Return an id or timestamp as Slack writes them; None for anything odder.

    A NUL or a lone surrogate, which JSON can carry, would fail in the database.
    """
    fits = isinstance(value, str) and value.isascii() and value.isprintable()
    return str(value) if fits else None
