"""The page's own addresses: who may use them, and what they say."""

import re
import threading
from typing import Any

import httpx
import pytest
from slack_bolt import App
from slack_sdk import WebClient

from handlers.workspace import ALICE, BOB, GROUP, GUEST, Stage, StageStep, Workspace
from tests.workspace.pieces import Connect, modal, why

Answer = dict[str, Any]


class Page:
    """What the script of the page would send."""

    def __init__(self, workspace: Workspace) -> None:
        self.origin = workspace.page_url
        index = httpx.get(self.origin)
        self.headers = index.headers
        key = re.search(r'name="page-key" content="([^"]+)"', index.text)
        assert key is not None
        self.key = {"x-workspace-page": key[1]}

    def act(self, user: str, **what: object) -> Answer:
        sent = {"user": user} | what
        answer = httpx.post(
            f"{self.origin}page/act", json=sent, headers=self.key, timeout=10
        )
        return dict(answer.json())

    def state(self, user: str) -> Answer:
        url = f"{self.origin}page/state?as={user}"
        return dict(httpx.get(url, headers=self.key).json())


@pytest.fixture
def page(workspace: Workspace) -> Page:
    return Page(workspace)


def test_no_script_but_our_own_may_run_in_it(page: Page) -> None:
    policy = page.headers["content-security-policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_name_that_is_not_loopback_is_refused(workspace: Workspace) -> None:
    answer = httpx.get(workspace.page_url, headers={"host": "evil.example"})

    assert answer.status_code == 421


def test_another_web_site_can_neither_read_nor_act(
    workspace: Workspace, page: Page
) -> None:
    state = f"{workspace.page_url}page/state?as={ALICE.id}"
    act = f"{workspace.page_url}page/act"
    foreign = page.key | {"sec-fetch-site": "cross-site"}

    assert httpx.get(state).status_code == 403
    assert httpx.get(state, headers=foreign).status_code == 403
    assert httpx.post(act, json={}).status_code == 403
    assert httpx.post(act, json={}, headers=foreign).status_code == 403


@pytest.mark.parametrize("name", ["nothing.js", "index.html", "%2e%2e%2fpage.py"])
def test_only_the_pages_own_files_are_served(workspace: Workspace, name: str) -> None:
    answer = httpx.get(f"{workspace.page_url}page/assets/{name}")

    assert answer.status_code == 404


def test_a_file_that_is_no_picture_is_only_downloaded(
    workspace: Workspace, client: WebClient
) -> None:
    client.files_upload_v2(content="<script>", filename="x.html")
    url = f"{workspace.page_url}page/files/{workspace.files[0].id}"

    answer = httpx.get(url)

    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert httpx.get(f"{workspace.page_url}page/files/F0").status_code == 404


def test_the_feed_tells_that_something_changed(
    workspace: Workspace, client: WebClient
) -> None:
    with httpx.stream("GET", f"{workspace.page_url}page/events") as feed:
        told = (line for line in feed.iter_lines() if line)
        first = next(told)
        client.chat_postMessage(channel=workspace.channel_id, text="news")
        assert next(told) != first


def test_everybody_sees_their_own_whispers_and_messages_only(
    workspace: Workspace, client: WebClient, page: Page
) -> None:
    where = workspace.channel_id
    client.chat_postEphemeral(channel=where, user=ALICE.id, text="psst")
    client.chat_postMessage(channel=ALICE.id, text="in private")

    assert [m["text"] for m in page.state(ALICE.id)["messages"]] == [
        "psst",
        "in private",
    ]
    assert page.state(BOB.id)["messages"] == []


def test_a_whisper_is_dismissed_by_its_reader_only(
    workspace: Workspace, client: WebClient, page: Page
) -> None:
    client.chat_postEphemeral(channel=workspace.channel_id, user=ALICE.id, text="x")
    ts = workspace.ephemerals()[0].ts

    page.act(BOB.id, kind="dismiss", message_ts=ts)
    assert len(workspace.ephemerals()) == 1

    page.act(ALICE.id, kind="dismiss", message_ts=ts)
    assert workspace.ephemerals() == []


def test_what_is_typed_is_escaped_and_names_become_mentions(
    workspace: Workspace, page: Page
) -> None:
    typed = "<b> & @bob, @sre-team, @nobody"
    page.act(ALICE.id, kind="say", channel=workspace.channel_id, text=typed)

    [message] = workspace.messages()
    assert message.text == (
        f"&lt;b&gt; &amp; <@{BOB.id}>, <!subteam^{GROUP.id}|@sre-team>, @nobody"
    )


def test_a_typed_command_reaches_the_bot_with_names_escaped(
    workspace: Workspace, app: App, connect: Connect, page: Page
) -> None:
    app.command("/sre")(lambda ack, command: ack(command["text"]))
    connect(app)

    text = "/sre handover @bob"
    done = page.act(ALICE.id, kind="say", channel=workspace.channel_id, text=text)

    assert done == {"error": "", "text": ""}
    assert workspace.ephemerals(ALICE.id)[0].text == f"handover <@{BOB.id}|bob>"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"kind": "say", "channel": "HERE", "text": "/ops x"}, "not a command"),
        (
            {"kind": "say", "channel": "HERE", "text": "/sre x", "thread_ts": "1.2"},
            "threads",
        ),
        ({"kind": "say", "channel": "C0", "text": "x"}, "channel_not_found"),
        (
            {"kind": "click", "target": "Approve", "message_ts": "1.2"},
            "sees no message",
        ),
        ({"kind": "click", "target": "x", "view_id": "V0"}, "no open view"),
        ({"kind": "submit", "view_id": "V0", "values": {}}, "no open modal"),
        ({"kind": "close", "view_id": "V0"}, "no open modal"),
        ({"kind": "stage", "step": "one"}, "no stage"),
        ({"kind": "dance"}, "unknown"),
    ],
)
def test_what_a_person_cannot_do_is_answered_in_words(
    workspace: Workspace, page: Page, what: dict[str, str], said: str
) -> None:
    here = {k: workspace.channel_id if v == "HERE" else v for k, v in what.items()}

    done = page.act(GUEST.id, **here)

    assert done["error"]
    assert said in done["text"]


def test_a_click_a_form_and_the_home_tab_work_from_the_page(
    app: App, connect: Connect, page: Page, card: str
) -> None:
    @app.action("approve")
    def approve(ack: Any, client: WebClient, body: Answer) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=modal(why()))
        ack()

    app.view("why")(lambda ack: ack())
    app.event("app_home_opened")(lambda: None)
    connect(app)

    assert not page.act(ALICE.id, kind="click", target="approve", message_ts=card)[
        "error"
    ]
    view = page.state(ALICE.id)["views"][0]["id"]
    filled = {"why": "a deploy"}
    assert not page.act(ALICE.id, kind="submit", view_id=view, values=filled)["error"]
    assert page.state(ALICE.id)["views"] == []

    page.act(ALICE.id, kind="click", target="approve", message_ts=card)
    view = page.state(ALICE.id)["views"][0]["id"]
    assert not page.act(ALICE.id, kind="close", view_id=view)["error"]
    assert not page.act(ALICE.id, kind="open_home")["error"]


def test_a_press_on_the_stage_runs_in_a_thread_of_its_own(
    workspace: Workspace, page: Page
) -> None:
    pressed: list[tuple[str, str]] = []
    done = threading.Event()

    def on_stage(step: str) -> None:
        pressed.append((step, threading.current_thread().name))
        done.set()

    step = StageStep(id="one", title="Act one", text="It burns.", button="Light it")
    workspace.set_stage(Stage(title="Tour", steps=(step,)), on_stage)
    assert page.state(ALICE.id)["stage"]["steps"][0]["button"] == "Light it"

    page.act(ALICE.id, kind="stage", step="one")

    assert done.wait(5)
    assert pressed[0][0] == "one"
    assert pressed[0][1] != "local-workspace"
