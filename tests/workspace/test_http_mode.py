"""The other transport: signed requests to a request URL."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from handlers.workspace import ALICE, HttpMode, Workspace
from tests.workspace.pieces import button

SECRET = "shared"


class Listener:
    """A bot's request URL: keeps what came, answers what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], str]] = []
        self.answer = (200, "")
        self.wait = threading.Event()
        self.wait.set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/slack/events"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length).decode()
                listener.heard.append((dict(self.headers.items()), body))
                listener.wait.wait(10)
                status, text = listener.answer
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                """Stay silent."""

        return Handler


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    thread = threading.Thread(target=listening.server.serve_forever)
    thread.start()
    yield listening
    listening.wait.set()
    listening.server.shutdown()
    thread.join()
    listening.server.server_close()


@pytest.fixture
def workspace(listener: Listener) -> Iterator[Workspace]:
    http = HttpMode(request_url=listener.url, signing_secret=SECRET)
    with Workspace.start(http=http) as started:
        yield started


def test_every_request_is_signed(workspace: Workspace, listener: Listener) -> None:
    workspace.command(ALICE.id, "status & more")

    [(headers, body)] = listener.heard
    assert SignatureVerifier(SECRET).is_valid_request(body, headers)
    assert parse_qs(body)["text"] == ["status & more"]


def test_an_interaction_travels_as_a_payload(
    workspace: Workspace, listener: Listener, card: str
) -> None:
    assert workspace.click(ALICE.id, card, "Approve").acked

    [(_, body)] = listener.heard
    payload = json.loads(parse_qs(body)["payload"][0])
    assert payload["actions"][0]["action_id"] == "approve"


def test_an_event_travels_as_json(workspace: Workspace, listener: Listener) -> None:
    assert workspace.mention(ALICE.id, "hello").acked

    [(_, body)] = listener.heard
    assert json.loads(body)["event"]["type"] == "app_mention"


def test_a_retry_says_its_number_and_reason(
    workspace: Workspace, listener: Listener
) -> None:
    workspace.faults.retry_envelopes(reason="http_timeout")
    workspace.mention(ALICE.id, "hello")

    headers = listener.heard[1][0]
    assert headers["X-Slack-Retry-Num"] == "1"
    assert headers["X-Slack-Retry-Reason"] == "http_timeout"


def test_the_same_request_can_come_twice(
    workspace: Workspace, listener: Listener, card: str
) -> None:
    workspace.faults.duplicate_envelopes()

    assert workspace.click(ALICE.id, card, "Approve").acked
    assert len(listener.heard) == 2


@pytest.mark.parametrize("text", ['{"text": "all calm"}', "all calm", '"all calm"'])
def test_a_command_is_answered_by_the_body(
    workspace: Workspace, listener: Listener, text: str
) -> None:
    listener.answer = (200, text)
    workspace.command(ALICE.id, "status")

    assert workspace.ephemerals(ALICE.id)[0].text.strip('"') == "all calm"


def test_an_error_status_is_a_failed_dispatch(
    workspace: Workspace, listener: Listener, card: str
) -> None:
    listener.answer = (401, "who are you?")

    assert workspace.click(ALICE.id, card, "Approve").error == "dispatch_failed"


def test_a_bot_that_is_gone_is_a_failed_dispatch() -> None:
    http = HttpMode(request_url="http://127.0.0.1:9/", signing_secret=SECRET)
    with Workspace.start(http=http) as alone:
        assert alone.mention(ALICE.id, "hello").error == "dispatch_failed"


def test_an_answer_after_three_seconds_is_too_late(
    workspace: Workspace, listener: Listener, client: WebClient
) -> None:
    row = {"type": "actions", "elements": [button("Go", "go")]}
    ts = client.chat_postMessage(channel=workspace.channel_id, text="x", blocks=[row])[
        "ts"
    ]
    listener.wait.clear()

    assert workspace.click(ALICE.id, ts, "Go").error == "operation_timeout"
