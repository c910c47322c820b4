"""A mention, or a message to the bot alone; the answer goes into the thread.

The words of the slash command do the same here; anything else is a question.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from slack_bolt import App

from handlers.actions import Body
from handlers.desk import Desk, opaque
from handlers.guard import Denied
from handlers.reply import Spoken
from handlers.slash import Slash
from handlers.talk import Heard, Talk
from remediation.ledger.decision import NotDecided

_SEEN_SECONDS = 900.0
_MENTION = re.compile(r"^\s*<@[UW][A-Z0-9]+(?:\|[^>]*)?>\s*")
_ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_NUMBER = r"-?\d+"
_LETTERED = r"-?\d+[a-z]*"
_SPAN = r"\d+[a-z]+"
_ANYBODY = r"<@[^>\s]+>"
_ARGUMENTS: Final[Mapping[str, re.Pattern[str]]] = {
    verb: re.compile(rf"(?:{shape})?")
    for verb, shape in {
        "status": r"\S*[^\s?!,.]",
        **dict.fromkeys(("incidents", "report"), _SPAN),
        "runbook": r"[^?]*",
        # Brackets stand in PromQL, and hardly in a sentence.
        "chart": rf"\S+(?: {_SPAN}(?: [\w.-]+)?)?|.*[(\[{{].*",
        "kill": r"[^\s:]+:\d+",
        "handover": rf"(?:{_NUMBER} )?{_ANYBODY}",
        "mute": rf"\S+ {_SPAN}|\S*/\S*",
        "unmute": r"\S+",
        "maintenance": rf"\S+ (?:end|{_SPAN} [^?]+)",
        "reject": rf"{_LETTERED}(?: [^?]*)?",
        **dict.fromkeys(("approve", "simulate"), _LETTERED),
        **dict.fromkeys(
            ("show", "take", "escalate", "again", "undo", "postmortem"), _NUMBER
        ),
        **dict.fromkeys(
            ("restart", "start", "stop", "reload"),
            r"[\w@.:-]+\.service(?: [\w.-]+)?|(?!(?:it|this|that|them|now|here)$)[\w@:-]+",
        ),
        **dict.fromkeys(("unlock", "cost", "help", "drill"), ""),
        "lock:": r".+",
    }.items()
}
"""What must stand behind each verb, exactly: anything else is a sentence."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ears:
    """What an event is answered with."""

    desk: Desk
    slash: Slash
    seen: Seen
    talk: Talk


def register(app: App, desk: Desk) -> None:
    """Wire mentions in the channel and in threads, and messages to the bot alone."""
    seen = Seen()
    talk = Talk(app.client, desk, desk.converse, seen.once)
    ears = _Ears(desk=desk, slash=Slash(desk), seen=seen, talk=talk)

    def mentioned(event: Body, body: Body) -> None:
        _hear(ears, event, body)

    def written(event: Body, body: Body) -> None:
        # Edits, deletions and what bots write carry a subtype or a bot's id.
        is_ours = event.get("channel_type") == "im" and event.get("user")
        if is_ours and not event.get("subtype") and not event.get("bot_id"):
            _hear(ears, event, body)

    app.event("app_mention")(mentioned)
    app.event("message")(written)


def spoken_in(event: Body) -> Spoken:
    """Return where an event's person spoke; odd values come as ""."""
    return Spoken(
        channel=opaque(event.get("channel")) or "",
        thread_ts=opaque(event.get("thread_ts") or event.get("ts")) or "",
        user=opaque(event.get("user")) or "",
    )


def is_command(text: str) -> bool:
    """Say whether words are the slash command's, and not a sentence that begins alike.

    `show 12` is one, "show memory for 6 h" is none; neither is "kill 4242", which
    lacks the host. Words never act, so what changes anything must be said exactly: the
    bot is locked by `lock: WHY`, since "lock contention in postgres" is a question.
    """
    verb, *words = text.split() or ["help"]
    shape = _ARGUMENTS.get(verb.lower())
    return shape is not None and shape.fullmatch(" ".join(words)) is not None


def _hear(ears: _Ears, event: Body, body: Body) -> None:
    text = _MENTION.sub("", str(event.get("text") or ""))
    event_id = str(body.get("event_id"))
    if not is_command(text):
        heard = Heard(
            event_id=event_id,
            spoken=spoken_in(event),
            team_id=opaque(event.get("team") or body.get("team_id")),
            text=_typed(text),
        )
        ears.talk.hear(heard)
        return
    with ears.seen.once(event_id) as is_new:
        if is_new:
            _obey(ears, event, body, text)


def _typed(text: str) -> str:
    """Return what the person typed: Slack sends three characters as entities."""
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text


def _obey(ears: _Ears, event: Body, body: Body, text: str) -> None:
    spoken = spoken_in(event)
    said = {
        "user_id": event.get("user"),
        "team_id": event.get("team") or body.get("team_id"),
        "channel_id": event.get("channel"),
    }
    reply = ears.desk.reply
    try:
        answer = ears.slash.carry_out(text.replace("lock:", "lock", 1), said, None)
    except (Denied, NotDecided) as refusal:
        # Refusals stay out of the thread.
        reply.aside(spoken, ears.slash.refusal(text, refusal))
        return
    if answer is not None:
        reply.in_thread(spoken, answer)
