"""What the tests of the workspace build cards and apps from."""

import threading
from collections.abc import Callable
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler

from handlers.workspace import Workspace

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
        "submit": plain("Send it"),
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


def release(workspace: Workspace, *handlers: SocketModeHandler) -> None:
    """Disconnect apps at once.

    `handler.close()` waits up to ten seconds for websocket-client's reader, which
    sleeps in select() on the socket that was closed under it. So the server ends the
    connection first, and the rest of the close (a second) is nobody's time.
    """
    for handler in handlers:
        handler.client.auto_reconnect_enabled = False
        handler.client.current_session_runner.event.set()
    workspace.disconnect(hard=True)
    for handler in handlers:
        handler.client.current_session_runner.thread.join(5)
        threading.Thread(target=handler.close, daemon=True).start()
