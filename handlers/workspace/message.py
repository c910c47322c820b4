"""A message in a channel or thread, and a file in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from handlers.workspace.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """An uploaded file. `data` are its bytes; `thread_ts` is where it was shared."""

    id: str
    name: str
    title: str
    mimetype: str
    data: bytes
    alt_text: str = ""
    channel: str = ""
    thread_ts: str | None = None

    def as_slack(self, origin: str) -> Json:
        """Return the file object; `origin` is this server's address."""
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title,
            "mimetype": self.mimetype,
            "filetype": self.name.rpartition(".")[2],
            "alt_txt": self.alt_text,
            "size": len(self.data),
            "url_private": f"{origin}/files/{self.id}",
            "permalink": f"{origin}/files/{self.id}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button in a message, as a person sees it."""

    message_ts: str
    action_id: str
    text: str
    value: str
    style: str

    @classmethod
    def of(cls, message_ts: str, element: Json) -> "Button":
        """Return the button this element draws."""
        return cls(
            message_ts=message_ts,
            action_id=element["action_id"],
            text=element["text"]["text"],
            value=element.get("value", ""),
            style=element.get("style", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it stands now; an edit makes a new value.

    visible_to: the person who sees an ephemeral message; None for a public one.
    version: counts edits, so that the page redraws only what changed.
    """

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: tuple[Json, ...] = ()
    thread_ts: str | None = None
    edited_ts: str | None = None
    file_ids: tuple[str, ...] = ()
    metadata: Json | None = None
    visible_to: str | None = None
    streaming: bool = False
    reactions: tuple[tuple[str, str], ...] = ()
    bot_id: str = ""
    app_id: str = ""
    version: int = 0

    @property
    def root_ts(self) -> str:
        """The ts of the thread this message belongs to, its own if it began one."""
        return self.thread_ts or self.ts

    @property
    def is_reply(self) -> bool:
        """Whether it stands in a thread and not in the channel."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def all_text(self) -> str:
        """Return every text a reader sees: of the message and of all its blocks."""
        return "\n".join([self.text, *texts(list(self.blocks))])

    def buttons(self) -> list[Json]:
        """Return the message's buttons, in order."""
        return [e for _, e in elements(self.blocks) if e.get("type") == "button"]

    def button_texts(self) -> list[str]:
        """Return what is written on the message's buttons, in order."""
        return [str(b["text"]["text"]) for b in self.buttons()]

    def as_slack(self) -> Json:
        """Return the message object as the Web API and payloads carry it."""
        body: Json = {
            "type": "message",
            "ts": self.ts,
            "user": self.user,
            "text": self.text,
        }
        optional: Json = {
            "bot_id": self.bot_id,
            "app_id": self.app_id,
            "blocks": list(self.blocks),
            "thread_ts": self.thread_ts,
            "metadata": self.metadata,
            "edited": self.edited_ts
            and {"user": self.bot_id or self.user, "ts": self.edited_ts},
            "reactions": _reactions(self.reactions),
        }
        return body | {key: value for key, value in optional.items() if value}


def elements(blocks: tuple[Json, ...] | list[Json]) -> Iterator[tuple[str, Json]]:
    """Yield (block_id, element) for everything a person can operate in these blocks."""
    for block in blocks:
        inside = [*block.get("elements", [])] if block["type"] == "actions" else []
        inside += [block.get("accessory"), block.get("element")]
        for element in inside:
            if isinstance(element, dict) and "action_id" in element:
                yield str(block.get("block_id", "")), element


def texts(node: Any) -> list[str]:  # noqa: ANN401 - walks whatever JSON holds
    """Return every string that stands under a key `text`, depth first."""
    if isinstance(node, list):
        return [text for item in node for text in texts(item)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if isinstance(node.get("text"), str) else []
    return own + [text for value in node.values() for text in texts(value)]


def _reactions(pairs: tuple[tuple[str, str], ...]) -> list[Json]:
    names = dict.fromkeys(name for name, _ in pairs)
    return [
        {"name": name, "users": [u for n, u in pairs if n == name]} for name in names
    ]
