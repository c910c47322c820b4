"""Closes the difference between the database and Slack, in order, one thing at a time.

Level-triggered: it looks at what is not posted yet and posts it. An outage, a 429, a
crash in between need no special path; the next look finds the same difference. A
post whose answer never came is looked for in Slack before it is sent again.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot import store
from bot.model import Incident, Level
from bot.pictures import Pictures
from bot.record import Record
from bot.store import CARD, Posting
from bot.telemetry import Telemetry
from handlers.blocks import thread
from handlers.blocks.card import card, card_id
from handlers.blocks.markup import Message, section
from handlers.client import NETWORK_ERRORS, Failure, failure_of
from remediation.audit import Sealed, current, read

log = logging.getLogger(__name__)


_BAD_BLOCKS = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}
)


class Again(Exception):
    """Slack cannot take it now; the same difference is closed later."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error)
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where posts go, and whom a critical one calls."""

    channel: str
    critical: tuple[str, ...]


class Pace:
    """At most one message per second into the channel."""

    def __init__(self, seconds: float = 1.05) -> None:
        self._seconds = seconds
        self._free_at = 0.0
        self.stopping = threading.Event()

    def wait(self) -> None:
        """Wait for the next slot; returns early when the poster stops."""
        delay = self._free_at - time.monotonic()
        if delay > 0:
            self.stopping.wait(delay)
        self._free_at = time.monotonic() + self._seconds


class Poster:
    """Posts and updates cards and thread lines."""

    def __init__(
        self,
        *,
        client: WebClient,
        record: Record,
        pictures: Pictures,
        place: Place,
        telemetry: Telemetry,
    ) -> None:
        self._client = client
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._pictures = pictures
        self._place = place
        self._telemetry = telemetry
        self._messages = Pace()
        self._edits = Pace()

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._messages.stopping.set()
        self._edits.stopping.set()

    def step(self) -> None:
        """Close the difference completely; the loop calls it whenever one may exist."""
        while not self._messages.stopping.is_set() and self._pass():
            pass

    def _pass(self) -> bool:
        """Bring every card up to date, then post one line of each thread.

        Returns whether there was a difference. A decision never waits behind a long
        thread: cards go first in every pass.
        """
        with self._database.write() as tx:
            behind = store.unposted(tx, self._place.channel)
        self._telemetry.unposted.set(len(behind))
        try:
            # One that fails holds up no other.
            sound = [posting for posting in behind if self._did(self._card, posting)]
            sound = [posting for posting in sound if self._did(self._line_of, posting)]
        except Again as again:
            log.warning("slack.later error=%s", again.failure.error)
            self._messages.stopping.wait(max(again.failure.wait, 0.5))
            return True
        return bool(sound)

    def _did(self, close: Callable[[Posting], None], posting: Posting) -> bool:
        try:
            close(posting)
        except Again:
            raise
        except Exception:
            # A border like the loop's own, for one incident: the others go on, and
            # this one is tried again with the loop's next look.
            log.exception("posting.failed incident=%s", posting.incident)
            self._telemetry.failed("poster")
            return False
        return True

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
        number = incident.number
        found = None
        if posting.attempting == CARD:
            found = self._find(card_id(incident), thread_ts=None)
        if found is None:
            doubtful = int(posting.doubtful or posting.attempting == CARD)
            self._mark(number, attempting=CARD, doubtful=doubtful)
            found = self._post(self._draw(incident), None)
        # First of all: from now on this card's buttons are known.
        self._mark(number, ts=found, version=incident.version, attempting=0)
        self._mark(number, permalink=self._permalink(found))

    def _update_card(self, posting: Posting, incident: Incident) -> None:
        message = self._draw(incident)
        self._edits.wait()
        try:
            self._update(posting, message)
        except SlackApiError as error:
            if failure_of(error).error in _BAD_BLOCKS:
                log.exception("blocks.refused")
                # The old card must not stay behind with buttons that are over.
                plain = (section(message.text),)
                self._update(posting, Message(text=message.text, blocks=plain))
            else:
                # Deleted, or not editable any more: the thread still tells all.
                log.error("card.lost number=%s error=%s", incident.number, error)  # noqa: TRY400 - as below
        self._mark(incident.number, version=incident.version)

    def _update(self, posting: Posting, message: Message) -> None:
        self._call(
            "chat.update",
            channel=posting.channel,
            ts=posting.ts or "",
            text=message.text,
            blocks=list(message.blocks),
        )

    def _draw(self, incident: Incident) -> Message:
        with self._database.read() as tx:
            proposals = self._ledger.of(tx, incident.number)
        critical = incident.level is Level.CRITICAL
        # The names stay on the card: taking them away would be an edit for nothing.
        calls = (
            self._place.critical if critical and not self._is_muted(incident) else ()
        )
        return card(incident, proposals, mentions=calls)

    # --- the thread ------------------------------------------------------------

    def _post_entry(self, posting: Posting, incident: Incident, entry: Sealed) -> None:
        kind = entry.event.kind
        if kind not in thread.CARD_TELLS and posting.ts is not None:
            if kind == "chart.due":
                self._post_chart(posting, incident)
            else:
                self._post_line(posting, incident, entry)
        self._mark(incident.number, seq=entry.seq, attempting=0)

    def _post_line(self, posting: Posting, incident: Incident, entry: Sealed) -> None:
        if posting.attempting == entry.seq:
            found = self._find(thread.line_id(entry), thread_ts=posting.ts)
            if found is not None:
                return
        self._mark(incident.number, attempting=entry.seq)
        try:
            self._post(self._line(incident, entry), posting.ts)
        except SlackApiError as error:
            # Refused for good: the ledger keeps it, and the thread goes on.
            log.error("line.lost seq=%s error=%s", entry.seq, error.response)  # noqa: TRY400 - the answer says all, the traceback nothing

    def _line(self, incident: Incident, entry: Sealed) -> Message:
        if entry.event.kind == "evidence.gathered":
            return thread.evidence(incident, entry)
        wakes = entry.event.kind in thread.WAKES and not self._is_muted(incident)
        owner = (incident.owner,) if incident.owner else ()
        return thread.line(
            entry, mentions=(owner or self._place.critical) if wakes else ()
        )

    def _is_muted(self, incident: Incident) -> bool:
        until = incident.muted_until
        return until is not None and self._clock.now().wall < until

    def _post_chart(self, posting: Posting, incident: Incident) -> None:
        picture = self._picture_of(incident)
        if picture is None:
            return
        self._messages.wait()
        try:
            self._client.files_upload_v2(
                channel=posting.channel,
                thread_ts=posting.ts,
                content=picture,
                filename=f"incident-{incident.number}.png",
                title=incident.title,
            )
        except (SlackApiError, *NETWORK_ERRORS) as error:
            # A picture is no decision: it is left out rather than holding up lines.
            self._telemetry.posted("files.upload", "gave up")
            log.warning("chart.left_out error=%s", failure_of(error).error)
        else:
            self._telemetry.posted("files.upload", "ok")

    def _picture_of(self, incident: Incident) -> bytes | None:
        try:
            return self._pictures.of_incident(incident)
        except Exception:
            # Like a source of evidence: without it the thread goes on.
            log.exception("chart.failed incident=%s", incident.number)
            return None

    # --- calls -----------------------------------------------------------------

    def tell_head(self, today: date) -> None:
        """Post the ledger's head once a day, if anything happened since the last.

        Whoever keeps that line can prove later that nothing before it was changed.
        """
        with self._database.read() as tx:
            told = (store.recall(tx, "head told") or "").split()
            last = current(tx)
        if str(last.seq) in told[1:] or told[:1] == [str(today)] or not last.seq:
            return
        try:
            self._post(thread.ledger_head(last), None)
        except (Again, SlackApiError) as error:
            log.warning("head.not_told error=%s", error)
            return
        with self._database.write() as tx:
            store.remember(tx, "head told", f"{today} {last.seq}")

    def _post(self, message: Message, thread_ts: str | None) -> str:
        try:
            return self._post_as(message.text, list(message.blocks), thread_ts)
        except SlackApiError as error:
            if failure_of(error).error not in _BAD_BLOCKS:
                raise
            log.exception("blocks.refused")
            return self._post_as(message.text[:3000], None, thread_ts)

    def _post_as(
        self, text: str, blocks: list[dict[str, object]] | None, thread_ts: str | None
    ) -> str:
        self._messages.wait()
        answer = self._call(
            "chat.postMessage",
            channel=self._place.channel,
            text=text,
            unfurl_links=False,
            unfurl_media=False,
            **({"blocks": blocks} if blocks else {}),
            **({"thread_ts": thread_ts} if thread_ts else {}),
        )
        return str(answer["ts"])

    def _call(self, method: str, **arguments: object) -> dict[str, object]:
        """Call Slack; raise `Again` for what may pass, `SlackApiError` for the rest."""
        try:
            answer = self._client.api_call(method, json=arguments).data
        except (SlackApiError, *NETWORK_ERRORS) as error:
            failure = failure_of(error)
            self._telemetry.posted(method, "retry" if failure.again else "gave up")
            if failure.again or not isinstance(error, SlackApiError):
                raise Again(failure) from error
            raise
        self._telemetry.posted(method, "ok")
        return answer if isinstance(answer, dict) else {}

    def _find(self, block_id: str, *, thread_ts: str | None) -> str | None:
        """Look for a post whose answer was lost; None when it is not there.

        Raises `Again` while Slack does not tell: posting unseen could double it.
        """
        method = "conversations.replies" if thread_ts else "conversations.history"
        params = {"channel": self._place.channel, "limit": "50"}
        if thread_ts:
            params["ts"] = thread_ts
        try:
            data = self._client.api_call(method, params=params).data
        except (SlackApiError, *NETWORK_ERRORS) as error:
            failure = failure_of(error)
            if failure.again:
                raise Again(failure) from error
            return None
        messages = data.get("messages", []) if isinstance(data, dict) else []
        return next((str(m["ts"]) for m in messages if _carries(m, block_id)), None)

    def _permalink(self, ts: str) -> str:
        params = {"channel": self._place.channel, "message_ts": ts}
        try:
            data = self._client.api_call("chat.getPermalink", params=params).data
        except (SlackApiError, *NETWORK_ERRORS):
            return ""
        return str(data.get("permalink", "")) if isinstance(data, dict) else ""

    def _mark(self, number: int, **fields: object) -> None:
        with self._database.write() as tx:
            store.posted(tx, number, **fields)


def _carries(message: object, block_id: str) -> bool:
    blocks = message.get("blocks") if isinstance(message, dict) else None
    return any(block.get("block_id") == block_id for block in blocks or [])
