"""Answers that only one person sees; no address of a stranger is called."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from slack_sdk import WebClient

from handlers.blocks import answers
from handlers.channel import Channel
from handlers.reply import Reply, Spoken
from handlers.workspace import Workspace
from handlers.workspace.people import ALICE
from tests.fakes.serving import Quiet, serving

SAID = answers.plain("hello")


class Foreign(HTTPServer):
    """Somebody else's server, which must hear nothing."""

    heard = 0


class _Handler(Quiet, BaseHTTPRequestHandler):
    server: Foreign

    def do_POST(self) -> None:
        self.server.heard += 1
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    with serving(Foreign(("127.0.0.1", 0), _Handler)) as server:
        yield server


@pytest.fixture
def reply(slack: WebClient, quick: Channel, workspace: Workspace) -> Reply:
    return Reply(slack, workspace.api_url, quick)


def body(workspace: Workspace, **more: object) -> dict[str, object]:
    where = {"channel_id": workspace.channel_id, "user_id": ALICE.id}
    return {**where, **more}


def spoken(workspace: Workspace, ts: str) -> Spoken:
    return Spoken(channel=workspace.channel_id, thread_ts=ts, user=ALICE.id)


def texts(workspace: Workspace) -> list[str]:
    return [message.text for message in workspace.ephemerals(ALICE.id)]


def test_without_an_address_it_whispers_in_the_channel(
    reply: Reply, workspace: Workspace
) -> None:
    reply(body(workspace), SAID)
    assert texts(workspace) == ["hello"]


def test_a_click_names_its_place_in_another_shape(
    reply: Reply, workspace: Workspace
) -> None:
    reply({"user": {"id": ALICE.id}, "channel": {"id": workspace.channel_id}}, SAID)
    assert texts(workspace) == ["hello"]


def test_a_foreign_address_is_never_called(
    reply: Reply, workspace: Workspace, foreign: Foreign
) -> None:
    url = f"http://127.0.0.1:{foreign.server_port}/hook"
    reply(body(workspace, response_url=url), SAID)
    assert foreign.heard == 0
    assert texts(workspace) == ["hello"]


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://hooks.slack.com/actions/T1/2/3", True),
        ("http://hooks.slack.com/actions/T1/2/3", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://hooks.slack.com@evil.example/x", False),
        ("https://evil.example/hooks.slack.com", False),
        ("https://hooks.slack.com:8443/x", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_only_slacks_own_address_is_ours(reply: Reply, url: str, ours: bool) -> None:  # noqa: FBT001 - a table
    assert reply._is_ours(url) is ours


def test_the_servers_own_address_is_ours_only_where_it_was_set(
    slack: WebClient, quick: Channel, workspace: Workspace
) -> None:
    url = workspace.api_url.replace("/api/", "/hook/1")
    assert Reply(slack, workspace.api_url, quick)._is_ours(url)
    assert not Reply(slack, None, quick)._is_ours(url)


def test_an_address_that_no_longer_answers_falls_back_to_a_whisper(
    reply: Reply, workspace: Workspace
) -> None:
    url = workspace.api_url.replace("/api/", "/nothing/here")
    reply(body(workspace, response_url=url), SAID)
    assert texts(workspace) == ["hello"]


def test_a_lost_answer_raises_nothing(reply: Reply, workspace: Workspace) -> None:
    workspace.faults.outage(on=True)
    reply(body(workspace), SAID)
    reply.in_thread(spoken(workspace, "1.1"), SAID)
    assert not reply.picture(workspace.channel_id, b"\x89PNG", "cpu")
    assert texts(workspace) == []


def test_without_a_person_nobody_is_answered(
    reply: Reply, workspace: Workspace
) -> None:
    reply({}, SAID)
    assert workspace.calls == []


def test_an_answer_to_a_mention_stands_in_the_thread(
    reply: Reply, workspace: Workspace, slack: WebClient
) -> None:
    ts = slack.chat_postMessage(channel=workspace.channel_id, text="card")["ts"]
    reply.in_thread(spoken(workspace, ts), SAID)
    assert [m.text for m in workspace.thread(ts)] == ["card", "hello"]


def test_a_picture_arrives(reply: Reply, workspace: Workspace) -> None:
    assert reply.picture(workspace.channel_id, b"\x89PNG", "cpu")
    assert workspace.files[0].data == b"\x89PNG"
