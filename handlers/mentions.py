"""A mention says the same words as the slash command; the answer goes into the thread."""

import re
import threading
import time
from collections.abc import Callable

from slack_bolt import App

from handlers.actions import Body
from handlers.commands import Commands
from handlers.desk import Desk

_SEEN_SECONDS = 900.0
_MENTION = re.compile(r"^\s*<@[UW][A-Z0-9]+(?:\|[^>]*)?>\s*")


class Seen:
    """Event ids of the last quarter of an hour: Slack repeats events it thinks lost."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._at: dict[str, float] = {}
        self._lock = threading.Lock()

    def is_new(self, event_id: str) -> bool:
        """Say whether this id is new, and remember it."""
        now = self._monotonic()
        with self._lock:
            fresh = {k: at for k, at in self._at.items() if now - at < _SEEN_SECONDS}
            known = event_id in fresh
            self._at = {**fresh, event_id: now}
        return not known


def register(app: App, desk: Desk) -> None:
    """Wire mentions in the channel and in threads."""
    commands = Commands(desk)
    seen = Seen()

    def mentioned(event: Body, body: Body) -> None:
        if not seen.is_new(str(body.get("event_id"))):
            return
        text = _MENTION.sub("", str(event.get("text") or ""))
        said = {
            "user_id": event.get("user"),
            "team_id": event.get("team") or body.get("team_id"),
            "channel_id": event.get("channel"),
        }
        answer = commands.answer(text, said, None)
        thread = str(event.get("thread_ts") or event.get("ts"))
        if answer is not None:
            desk.reply.in_thread(str(event.get("channel")), thread, answer)

    app.event("app_mention")(mentioned)
