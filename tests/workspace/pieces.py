"""What the tests of the workspace build cards and apps from."""

from collections.abc import Callable
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler

Block = dict[str, Any]
Connect = Callable[[App], SocketModeHandler]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def button(text: str, action_id: str, **more: Any) -> Block:
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def modal(*blocks: Block, **more: Any) -> Block:
    return {
        "type": "modal",
        "callback_id": "why",
        "title": plain("Say why"),
        "submit": plain("Send"),
        "blocks": list(blocks),
        **more,
    }


def why(**more: Any) -> Block:
    return {
        "type": "input",
        "block_id": "why",
        "label": plain("Why"),
        "element": {"type": "plain_text_input", "action_id": "why"},
        **more,
    }
