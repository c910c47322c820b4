"""A running workspace, a plain Web API client, and a real Bolt app connected to it."""

from collections.abc import Iterator

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient

from handlers.workspace import Workspace
from tests.workspace.pieces import Connect, button, plain, release


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace.start() as started:
        yield started


@pytest.fixture
def client(workspace: Workspace) -> WebClient:
    return WebClient(
        token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[]
    )


@pytest.fixture
def app(client: WebClient) -> App:
    return App(client=client, token_verification_enabled=False)


@pytest.fixture
def connect(workspace: Workspace) -> Iterator[Connect]:
    """Connect an app over Socket Mode; call it again for a second connection."""
    handlers = []

    def connected(app: App) -> SocketModeHandler:
        handler = SocketModeHandler(app, workspace.app_token)
        handlers.append(handler)
        handler.connect()
        workspace.wait_connected()
        return handler

    yield connected
    release(workspace, *handlers)


@pytest.fixture
def card(workspace: Workspace, client: WebClient) -> str:
    """The ts of a posted card with Approve, Reject and a menu."""
    options = [
        {"text": plain(text), "value": text.lower()}
        for text in ("Evidence", "Escalate")
    ]
    confirm = {
        "title": plain("Really?"),
        "text": plain("It cannot be undone."),
        "confirm": plain("Yes, reject"),
        "deny": plain("No"),
    }
    blocks = [
        {"type": "header", "text": plain("web-1 is slow")},
        {
            "type": "actions",
            "block_id": "decide",
            "elements": [
                button("Approve", "approve", value="p-1", style="primary"),
                button("Reject", "reject", value="p-1", confirm=confirm),
                {"type": "overflow", "action_id": "more", "options": options},
            ],
        },
    ]
    posted = client.chat_postMessage(
        channel=workspace.channel_id, text="web-1 is slow", blocks=blocks
    )
    return str(posted["ts"])
