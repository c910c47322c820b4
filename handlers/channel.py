"""The incident channel: every call that writes there, at Slack's pace, failures mapped."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.runtime.telemetry import Telemetry
from handlers.blocks.markup import Message, section
from handlers.client import NETWORK_ERRORS, Failure, failure_of

log = logging.getLogger(__name__)

SECONDS = 1.0
"""Slack takes about one message a second into a channel, and as many edits."""
_BAD_BLOCKS = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}
)
_PAGES = 20
_PAGE = 200
_REVOKED = (
    "SLACK_BOT_TOKEN is not valid (any more): copy it from the app's page, and restart"
)
_INVITE = "invite the bot into slack.channel (/invite), or name another one"
_ADMIN = "an admin of the workspace forbids it: permit the app to post in slack.channel"
_SHUT = {
    "invalid_auth": _REVOKED,
    "not_authed": _REVOKED,
    "account_inactive": _REVOKED,
    "token_revoked": _REVOKED,
    "token_expired": _REVOKED,
    "channel_not_found": _INVITE,
    "not_in_channel": _INVITE,
    "is_archived": "slack.channel is archived: restore it, or name another one",
    "missing_scope": "the app lacks chat:write: install it again from the manifest",
    "no_permission": "the app lacks chat:write: install it again from the manifest",
    "restricted_action": _ADMIN,
    "restricted_action_read_only_channel": _ADMIN,
    "restricted_action_thread_only_channel": _ADMIN,
    "restricted_action_non_threadable_channel": _ADMIN,
    "access_denied": _ADMIN,
    "org_login_required": _ADMIN,
    "ekm_access_denied": _ADMIN,
    "team_access_not_granted": _ADMIN,
    "enterprise_is_restricted": _ADMIN,
}
"""What Slack refuses whatever is posted, and how a person mends it."""


class Again(Exception):
    """Slack cannot take it now; the same difference is closed later.

    mend: what a person has to do first, where only that helps.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error)
        self.failure = failure
        self.mend = _SHUT.get(failure.error)


class Pace:
    """One call after the other, whichever thread it comes from, `seconds` apart.

    They are counted from the answer: when Slack took the last call nobody here knows.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._free_at = 0.0
        self._turn = threading.Lock()
        self.stopping = threading.Event()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the next slot and hold it; nobody waits when the bot stops."""
        if self.stopping.is_set():
            yield
            return
        with self._turn:
            delay = self._free_at - time.monotonic()
            if delay > 0:
                self.stopping.wait(delay)
            try:
                yield
            finally:
                self._free_at = time.monotonic() + self._seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Something to upload."""

    name: str
    title: str
    content: bytes


def _freely() -> None:
    """Let it be sent: nobody else posts there."""


class Channel:
    """Posts and edits there. Raises `Again` for what may pass, `SlackApiError` else.

    confirm: called right before each post and edit; what it raises keeps it from being
    sent. Slack cannot take back what a bot sends that leads no more.
    """

    def __init__(
        self,
        *,
        client: WebClient,
        channel_id: str,
        telemetry: Telemetry,
        pace_seconds: float = SECONDS,
        confirm: Callable[[], None] = _freely,
    ) -> None:
        self.id = channel_id
        self._client = client
        self._telemetry = telemetry
        self._confirm = confirm
        self._messages = Pace(pace_seconds)
        self._edits = Pace(pace_seconds)

    @property
    def stopping(self) -> threading.Event:
        """Set when the bot stops: nothing is waited for any more."""
        return self._messages.stopping

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._messages.stopping.set()
        self._edits.stopping.set()

    def turn(self) -> AbstractContextManager[None]:
        """Wait until one more message may go into the channel, and send it within."""
        return self._messages.turn()

    def post(self, message: Message, thread_ts: str | None = None) -> str:
        """Post a message, as plain text if its blocks are refused; return its ts."""
        try:
            return self._post(message.text, list(message.blocks), thread_ts)
        except SlackApiError as error:
            if failure_of(error).error not in _BAD_BLOCKS:
                raise
            log.exception("blocks.refused")
            return self._post(message.text, _alone(message), thread_ts)

    def update(self, ts: str, message: Message) -> None:
        """Edit a message; the old one must not stay because its blocks are refused."""
        try:
            self._update(ts, message.text, list(message.blocks))
        except SlackApiError as error:
            if failure_of(error).error not in _BAD_BLOCKS:
                raise
            log.exception("blocks.refused")
            self._update(ts, message.text, _alone(message))

    def upload(
        self, file: File, thread_ts: str | None = None, *, elsewhere: str | None = None
    ) -> bool:
        """Upload a file; False where it could not be: a picture holds up no line."""
        try:
            with self.turn() if elsewhere is None else nullcontext():
                if elsewhere is None:
                    self._confirm()
                self._client.files_upload_v2(
                    channel=elsewhere or self.id,
                    content=file.content,
                    filename=file.name,
                    title=file.title,
                    thread_ts=thread_ts,
                )
        except (SlackApiError, *NETWORK_ERRORS) as error:
            self._telemetry.posted("files.upload", "gave up")
            log.warning("file.left_out error=%s", failure_of(error).error)
            return False
        self._telemetry.posted("files.upload", "ok")
        return True

    def find(self, name: str, *, thread_ts: str | None) -> str | None:
        """Look for a post whose answer was lost; None when it is not there.

        name: of one of its blocks, or of its file.

        Raises `Again` while Slack does not tell: posting unseen could double it.
        """
        method = "conversations.replies" if thread_ts else "conversations.history"
        params = {"channel": self.id, "limit": str(_PAGE)}
        if thread_ts:
            params["ts"] = thread_ts
        # A thread comes oldest first, so the newest reply is on its last page.
        for _ in range(_PAGES if thread_ts else 1):
            page = self._page(method, params)
            messages = page.get("messages")
            for message in messages if isinstance(messages, list) else []:
                if _carries(message, name):
                    return str(message["ts"])
            params["cursor"] = _next(page)
            if not params["cursor"]:
                break
        return None

    def permalink(self, ts: str) -> str:
        """Return the message's address; "" if Slack does not tell."""
        params = {"channel": self.id, "message_ts": ts}
        try:
            data = self._client.api_call("chat.getPermalink", params=params).data
        except (SlackApiError, *NETWORK_ERRORS):
            return ""
        return str(data.get("permalink", "")) if isinstance(data, dict) else ""

    def _post(
        self, text: str, blocks: list[dict[str, object]], thread_ts: str | None
    ) -> str:
        with self.turn():
            answer = self._call(
                "chat.postMessage",
                channel=self.id,
                text=text,
                unfurl_links=False,
                unfurl_media=False,
                **({"blocks": blocks} if blocks else {}),
                **({"thread_ts": thread_ts} if thread_ts else {}),
            )
        return str(answer["ts"])

    def _update(self, ts: str, text: str, blocks: list[dict[str, object]]) -> None:
        with self._edits.turn():
            self._call("chat.update", channel=self.id, ts=ts, text=text, blocks=blocks)

    def _call(self, method: str, **arguments: object) -> dict[str, object]:
        self._confirm()
        try:
            answer = self._client.api_call(method, json=arguments).data
        except (SlackApiError, *NETWORK_ERRORS) as error:
            failure = failure_of(error)
            again = failure.again or failure.error in _SHUT
            self._telemetry.posted(method, "retry" if again else "gave up")
            if again or not isinstance(error, SlackApiError):
                raise Again(failure) from error
            raise
        self._telemetry.posted(method, "ok")
        return answer if isinstance(answer, dict) else {}

    def _page(self, method: str, params: dict[str, str]) -> dict[str, object]:
        try:
            data = self._client.api_call(method, params=params).data
        except (SlackApiError, *NETWORK_ERRORS) as error:
            failure = failure_of(error)
            if failure.again:
                raise Again(failure) from error
            return {}
        return data if isinstance(data, dict) else {}


def _alone(message: Message) -> list[dict[str, object]]:
    """Return a message's text as its only block, in which Slack looks for no link."""
    return [section(message.text)]


def _next(page: dict[str, object]) -> str:
    found = page.get("response_metadata")
    return str(found.get("next_cursor") or "") if isinstance(found, dict) else ""


def _carries(message: object, name: str) -> bool:
    if not isinstance(message, dict):
        return False
    blocks, files = message.get("blocks") or [], message.get("files") or []
    named = [block.get("block_id") for block in blocks]
    return name in (*named, *(file.get("name") for file in files))
