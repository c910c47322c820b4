"""Closes the difference between the database and Slack, in order, one thing at a time.

Level-triggered: it looks at what is not posted yet and posts it. An outage, a 429, a
crash in between need no special path; the next look finds the same difference. A
post whose answer never came is looked for in Slack before it is sent again.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date

from slack_sdk.errors import SlackApiError

from bot.charts.pictures import Pictures
from bot.model import Incident, Level
from bot.quiet import unpaged
from bot.runtime.loop import attempt, one_by_one
from bot.runtime.telemetry import Telemetry
from bot.storage import store
from bot.storage.database import NotLeading
from bot.storage.record import Record
from bot.storage.store import CARD, REOPENED, Posting
from handlers.blocks import thread
from handlers.blocks.card import card, card_id
from handlers.blocks.markup import Message
from handlers.channel import Again, Channel, File
from handlers.client import failure_of
from remediation.ledger.audit import Sealed, current, read
from remediation.rules.rule import Circle

log = logging.getLogger(__name__)
_SHUT_SECONDS = 5.0
"""Between tries while Slack refuses whatever is posted."""


class Poster:
    """Posts and updates cards and thread lines.

    critical: whom the first post of a critical incident mentions. everybody: all who may
    approve.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        record: Record,
        pictures: Pictures,
        critical: tuple[str, ...],
        everybody: tuple[str, ...],
        telemetry: Telemetry,
    ) -> None:
        self._channel = channel
        self.shut = ""
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._pictures = pictures
        self._critical = critical
        self._everybody = everybody
        self._has_glass = record.ledger.book.break_glass != Circle()
        self._telemetry = telemetry
        self._digest_told: date | None = None

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._channel.stop()

    def step(self) -> None:
        """Close the difference completely; the loop calls it whenever one may exist."""
        while not self._channel.stopping.is_set() and self._pass():
            pass

    def _pass(self) -> bool:
        """Bring every card up to date, then post one line of each thread.

        Returns whether there was a difference. A decision never waits behind a long
        thread: cards go first in every pass.
        """
        with self._database.write() as tx:
            behind = store.unposted(tx, self._channel.id)
        self._telemetry.unposted.set(len(behind))
        try:
            sound = self._each(behind, self._card)
            sound = self._each(sound, self._line_of)
        except Again as again:
            if again.mend is not None:
                self._say_shut(again)
                return False
            log.warning("slack.later error=%s", again.failure.error)
            self._channel.stopping.wait(max(again.failure.wait, 0.5))
            return True
        self.shut = ""
        return bool(sound)

    def _say_shut(self, again: Again) -> None:
        error = again.failure.error
        log.error("slack.refused error=%s nothing is posted: %s", error, again.mend)
        self._telemetry.failed("poster")
        self.shut = f"Slack refuses what is posted ({error}): {again.mend}"
        self._channel.stopping.wait(_SHUT_SECONDS)

    def _each(
        self, postings: Sequence[Posting], close: Callable[[Posting], None]
    ) -> list[Posting]:
        def closing(posting: Posting) -> None:
            # What was purged since the look has nothing to post any more.
            with suppress(store.Unknown):
                close(posting)

        failed = self._telemetry.failed
        return one_by_one(
            postings,
            closing,
            name="poster",
            failed=failed,
            passing=(Again, NotLeading),
        )

    def _card(self, posting: Posting) -> None:
        with self._database.read() as tx:
            incident = store.get(tx, posting.incident)
        if posting.ts is None:
            self._post_card(posting, incident)
        elif posting.version < incident.version:
            self._update_card(posting, incident)

    def _line_of(self, before: Posting) -> None:
        number = before.incident
        with self._database.read() as tx:
            posting = store.posting(tx, number)
            incident = store.get(tx, number)
            after = posting.seq if posting else 0
            entries = read(tx, incident=number, after=after, limit=1)
        if posting is not None and entries:
            self._post_entry(posting, incident, entries[0])

    # --- the card --------------------------------------------------------------

    def _post_card(self, posting: Posting, incident: Incident) -> None:
        number, version = incident.number, 0
        found = None
        if posting.attempting == CARD:
            # What it shows was true when it was sent: it is drawn anew in any case.
            found = self._channel.find(card_id(incident), thread_ts=None)
        if found is None:
            doubtful = int(posting.doubtful or posting.attempting == CARD)
            self._mark(number, attempting=CARD, doubtful=doubtful)
            found = self._channel.post(self._draw(incident), None)
            version = incident.version
        # First of all: from now on this card's buttons are known.
        self._mark(number, ts=found, version=version, attempting=0)
        self._mark(number, permalink=self._channel.permalink(found))

    def _update_card(self, posting: Posting, incident: Incident) -> None:
        try:
            self._channel.update(posting.ts or "", self._draw(incident))
        except SlackApiError as error:
            # Deleted, or not editable any more: the thread still tells all.
            failure = failure_of(error).error
            log.warning("card.lost number=%s error=%s", incident.number, failure)
            if incident.is_open and incident.returned:
                # Deleted when it was over: what came back needs a card again.
                self._mark(incident.number, ts=None, attempting=0)
                return
        self._mark(incident.number, version=incident.version)

    def _draw(self, incident: Incident) -> Message:
        with self._database.read() as tx:
            proposals = self._ledger.of(tx, incident.number)
        is_drill = incident.is_drill
        critical = incident.level is Level.CRITICAL and not is_drill
        # The names stay on the card: taking them away would be an edit for nothing.
        calls = self._critical if critical and not self._is_muted(incident) else ()
        return card(
            incident,
            proposals,
            mentions=calls,
            glass=self._has_glass,
            undoes=not self._ledger.book.observes,
        )

    # --- the thread ------------------------------------------------------------

    def _post_entry(self, posting: Posting, incident: Incident, entry: Sealed) -> None:
        kind = entry.event.kind
        if kind not in thread.CARD_TELLS and posting.ts is not None:
            if kind == "chart.due":
                self._post_chart(posting, incident, entry)
            else:
                self._post_line(posting, incident, entry)
        self._mark(incident.number, seq=entry.seq, attempting=0)

    def _post_line(self, posting: Posting, incident: Incident, entry: Sealed) -> None:
        if posting.attempting == entry.seq:
            found = self._channel.find(thread.line_id(entry), thread_ts=posting.ts)
            if found is not None:
                return
        self._mark(incident.number, attempting=entry.seq)
        try:
            self._channel.post(self._line(incident, entry), posting.ts)
        except SlackApiError as error:
            # Refused for good: the ledger keeps it, and the thread goes on.
            failure = failure_of(error).error
            log.warning("line.lost seq=%s error=%s", entry.seq, failure)

    def _line(self, incident: Incident, entry: Sealed) -> Message:
        if entry.event.kind == "evidence.gathered":
            return thread.evidence(incident, entry)
        return thread.line(entry, mentions=self._called(incident, entry.event.kind))

    def _called(self, incident: Incident, kind: str) -> tuple[str, ...]:
        if incident.is_drill:
            return ()
        if kind in thread.CALLS_EVERYBODY:
            return self._everybody
        if kind not in thread.WAKES or self._is_muted(incident):
            return ()
        if incident.owner:
            return (incident.owner,)
        # What wakes nobody when it comes wakes nobody when it comes back.
        is_mild = incident.level is not Level.CRITICAL or incident.flapping
        is_mild = is_mild and kind == REOPENED
        return () if is_mild else self._critical

    def _is_muted(self, incident: Incident) -> bool:
        until = incident.muted_until
        return until is not None and self._clock.now().wall < until

    def _post_chart(self, posting: Posting, incident: Incident, entry: Sealed) -> None:
        name = f"incident-{incident.number}-{entry.seq}.png"
        if posting.attempting == entry.seq:
            found = self._channel.find(name, thread_ts=posting.ts)
            if found is not None:
                return
        # Like a source of evidence: without it the thread goes on.
        picture = attempt(
            lambda: self._pictures.of_incident(incident),
            instead=None,
            name="chart",
            failed=self._telemetry.failed,
        )
        if picture is None:
            return
        self._mark(incident.number, attempting=entry.seq)
        file = File(name=name, title=incident.title, content=picture)
        self._channel.upload(file, posting.ts)

    # --- the ledger's head -----------------------------------------------------

    def tell_head(self, today: date) -> None:
        """Post the ledger's head once a day, if anything happened since the last.

        Whoever keeps that line can prove later that nothing before it was changed.
        """
        with self._database.read() as tx:
            told = (store.recall(tx, "head told") or "").split()
            last = current(tx)
        if str(last.seq) in told[1:] or told[:1] == [str(today)] or not last.seq:
            self._telemetry.head_told()
            return
        try:
            self._channel.post(thread.ledger_head(last), None)
        except (Again, SlackApiError) as error:
            log.warning("head.not_told error=%s", error)
            return
        with self._database.write() as tx:
            store.remember(tx, "head told", f"{today} {last.seq}")
        self._telemetry.head_told()

    def tell_digest(self, today: date) -> None:
        """Post once a day what was seen and called nobody; nothing where that is nothing.

        What comes after that waits for the next day. Called each minute.
        """
        if self._digest_told == today:
            return
        with self._database.read() as tx:
            seen = unpaged.all_of(tx)
            told = store.recall(tx, "digest told") == str(today)
        if not told and seen and not self._is_digest_posted(seen):
            return
        self._digest_told = today
        if told:
            return
        with self._database.write() as tx:
            unpaged.forget(tx, seen)
            store.remember(tx, "digest told", str(today))

    def _is_digest_posted(self, seen: Sequence[unpaged.Seen]) -> bool:
        try:
            self._channel.post(thread.digest(seen), None)
        except (Again, SlackApiError) as error:
            log.warning("digest.not_told error=%s", error)
            return False
        return True

    def _mark(self, number: int, **fields: object) -> None:
        with self._database.write() as tx:
            store.posted(tx, number, **fields)
