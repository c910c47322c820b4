"""Answers that only one person sees."""

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from handlers.blocks.markup import Message, context
from handlers.channel import Channel, File
from handlers.client import NETWORK_ERRORS, failure_of

log = logging.getLogger(__name__)

_HOOKS = "hooks.slack.com"
_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Where somebody spoke: channel, thread and who."""

    channel: str
    thread_ts: str
    user: str


class Reply:
    """Sends ephemeral answers. A lost answer is logged; it never undoes a decision."""

    def __init__(
        self, client: WebClient, api_url: str | None, channel: Channel
    ) -> None:
        self._client = client
        self._channel = channel
        self._api_origin = _origin(api_url) if api_url else None

    def __call__(self, body: Mapping[str, object], message: Message) -> None:
        """Answer whoever sent this payload, by its response_url, else in the channel.

        What the answer has no room for goes into the thread of the card that was clicked.
        """
        if message.whole:
            note = context(self._uploaded(body, message.whole))
            message = replace(message, blocks=(*message.blocks, note))
        url = body.get("response_url")
        if isinstance(url, str) and self._is_ours(url) and self._hook(url, message):
            return
        self._ephemeral(body, message)

    def in_thread(self, spoken: Spoken, message: Message) -> None:
        """Answer for everybody, in the thread where somebody spoke."""
        self._try(
            "chat.postMessage",
            channel=spoken.channel,
            thread_ts=spoken.thread_ts,
            message=message,
        )

    def aside(self, spoken: Spoken, message: Message) -> None:
        """Answer only whoever spoke, in that thread."""
        self._try(
            "chat.postEphemeral",
            channel=spoken.channel,
            user=spoken.user,
            thread_ts=spoken.thread_ts,
            message=message,
        )

    def picture(self, channel_id: str, content: bytes, title: str) -> bool:
        """Upload a picture into a channel; False where the server takes none."""
        file = File(name="chart.png", title=title, content=content)
        return self._channel.upload(file, elsewhere=channel_id)

    def file(self, file: File, channel_id: str, thread_ts: str) -> bool:
        """Upload a file into a thread; False where the server takes none."""
        return self._channel.upload(file, thread_ts, elsewhere=channel_id)

    def _uploaded(self, body: Mapping[str, object], whole: str) -> str:
        """Put a list into the card's thread as a file; say where it is to be found."""
        container = body.get("container")
        box = container if isinstance(container, dict) else {}
        channel_id, ts = box.get("channel_id"), box.get("message_ts")
        if not isinstance(channel_id, str) or not isinstance(ts, str):
            return "Simulate on the card puts the whole list into its thread."
        file = File(name="list.txt", title="The whole list", content=whole.encode())
        if self.file(file, channel_id, ts):
            return "The whole list is a file in the card's thread."
        return (
            "The whole list could not be uploaded, so what is not shown can be read on "
            "the host only. Check the app's scope files:write, then simulate again."
        )

    def _hook(self, url: str, message: Message) -> bool:
        try:
            answer = WebhookClient(url, timeout=_SECONDS).send(
                text=message.text,
                blocks=list(message.blocks),
                response_type="in_channel" if message.is_public else "ephemeral",
                replace_original=False,
            )
        except NETWORK_ERRORS as error:
            log.warning("reply.hook_failed error=%s", failure_of(error).error)
            return False
        return answer.status_code == 200

    def _ephemeral(self, body: Mapping[str, object], message: Message) -> None:
        user, channel = body.get("user"), body.get("channel")
        user_id = user.get("id") if isinstance(user, dict) else body.get("user_id")
        channel_id = (
            channel.get("id") if isinstance(channel, dict) else body.get("channel_id")
        )
        if isinstance(user_id, str) and isinstance(channel_id, str):
            self._try(
                "chat.postEphemeral", channel=channel_id, user=user_id, message=message
            )

    def _try(self, method: str, *, message: Message, **arguments: str) -> None:
        quiet = {"unfurl_links": False, "unfurl_media": False}
        body = {
            **quiet,
            **arguments,
            "text": message.text,
            "blocks": list(message.blocks),
        }
        is_seen = method == "chat.postMessage"
        try:
            with self._channel.turn() if is_seen else nullcontext():
                self._client.api_call(method, json=body)
        except (SlackApiError, *NETWORK_ERRORS) as error:
            log.warning("reply.lost error=%s", failure_of(error).error)

    def _is_ours(self, url: str) -> bool:
        """Allow Slack's hook host, and the origin of SLACK_API_URL where it is set."""
        try:
            origin = _origin(url)
        except ValueError:  # brackets that are no IPv6 address
            return False
        return origin in (("https", _HOOKS), self._api_origin)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
