"""Answers that grow, and the line that says somebody is looking, where Slack has them.

A workspace may lack the methods, the scope or the plan. What is missing is learned
once, kept for a while, and answered for by plain messages.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from handlers.blocks.markup import is_dead_markdown
from handlers.client import NETWORK_ERRORS, failure_of
from handlers.reply import Spoken

log = logging.getLogger(__name__)

LEARNED_SECONDS: Final = 3600.0
"""How long a missing method is not tried again."""
_PIECE: Final = 11_000
"""Slack takes 12,000 characters at once."""


class Stream:
    """Calls the optional methods; none of them ever raises."""

    def __init__(
        self, client: WebClient, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._monotonic = monotonic
        self._missing: dict[str, float] = {}
        self._lock = threading.Lock()

    def status(self, spoken: Spoken, words: str) -> None:
        """Show `words` behind the bot's name below the thread; "" takes them away."""
        where = {"channel_id": spoken.channel, "thread_ts": spoken.thread_ts}
        self._call("assistant.threads.setStatus", status=words, **where)

    def say(
        self,
        spoken: Spoken,
        team_id: str,
        pieces: Sequence[str],
        below: Sequence[Mapping[str, object]],
    ) -> bool:
        """Stream Markdown piece by piece, blocks below it; False where it must be posted.

        team_id: of the person who spoke; Slack asks for both in channels. All pieces
        are looked at as one text, so nothing comes alive where two of them meet.
        """
        if not _is_harmless(pieces):
            return False
        begun = self._call(
            "chat.startStream",
            channel=spoken.channel,
            thread_ts=spoken.thread_ts,
            recipient_user_id=spoken.user,
            recipient_team_id=team_id,
        )
        if begun is None:
            return False
        at = {"channel": spoken.channel, "ts": str(begun.get("ts"))}
        grown = all(
            self._call("chat.appendStream", markdown_text=piece, **at) is not None
            for piece in pieces
        )
        blocks = {"blocks": [dict(b) for b in below]} if below else {}
        done = grown and self._call("chat.stopStream", **blocks, **at) is not None
        if not done:
            # Left open, it would look as if more were to come.
            self._call("chat.stopStream", **at)
        return done

    def _call(self, method: str, **arguments: object) -> Mapping[str, object] | None:
        if self._is_missing(method):
            return None
        try:
            answer = self._client.api_call(method, json=arguments).data
        except (SlackApiError, *NETWORK_ERRORS) as error:
            failure = failure_of(error)
            if failure.missing:
                with self._lock:
                    self._missing[method] = self._monotonic()
            log.info("stream.without method=%s error=%s", method, failure.error)
            return None
        return answer if isinstance(answer, dict) else None

    def _is_missing(self, method: str) -> bool:
        with self._lock:
            learned = self._missing.get(method)
        return learned is not None and self._monotonic() - learned < LEARNED_SECONDS


def _is_harmless(pieces: Sequence[str]) -> bool:
    fit = all(len(piece) <= _PIECE for piece in pieces)
    return bool(pieces) and fit and is_dead_markdown("".join(pieces))
