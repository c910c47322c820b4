"""A mention says the same words as the slash command; the answer goes into the thread."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from slack_bolt import App

from handlers.actions import Body
from handlers.commands import Commands
from handlers.desk import Desk, opaque
from handlers.guard import Denied
from handlers.reply import Spoken
from remediation.decision import NotDecided

_SEEN_SECONDS = 900.0
_MENTION = re.compile(r"^\s*<@[UW][A-Z0-9]+(?:\|[^>]*)?>\s*")


class Seen:
    """Event ids of the last quarter of an hour: Slack repeats events it thinks lost."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._at: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def once(self, event_id: str) -> Iterator[bool]:
        """Say whether this id is new. An event whose work fails is new again."""
        is_new = self._add(event_id)
        done = False
        try:
            yield is_new
            done = True
        finally:
            if is_new and not done:
                with self._lock:
                    self._at.pop(event_id, None)

    def _add(self, event_id: str) -> bool:
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
        with seen.once(str(body.get("event_id"))) as is_new:
            if is_new:
                _answer(desk, commands, event, body)

    app.event("app_mention")(mentioned)


def spoken_in(event: Body) -> Spoken:
    """Return where an event's person spoke; odd values come as ""."""
    return Spoken(
        channel=opaque(event.get("channel")) or "",
        thread_ts=opaque(event.get("thread_ts") or event.get("ts")) or "",
        user=opaque(event.get("user")) or "",
    )


def _answer(desk: Desk, commands: Commands, event: Body, body: Body) -> None:
    spoken = spoken_in(event)
    text = _MENTION.sub("", str(event.get("text") or ""))
    said = {
        "user_id": event.get("user"),
        "team_id": event.get("team") or body.get("team_id"),
        "channel_id": event.get("channel"),
    }
    try:
        answer = commands.carry_out(text, said, None)
    except (Denied, NotDecided) as refusal:
        # Refusals stay out of the thread.
        desk.reply.aside(spoken, commands.refusal(text, refusal))
        return
    if answer is not None:
        desk.reply.in_thread(spoken, answer)
