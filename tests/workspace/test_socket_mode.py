"""A real Bolt app on the other end of Socket Mode."""

import threading
import time
from typing import Any

import pytest
from slack_bolt import Ack, App, Say
from slack_sdk import WebClient

from handlers.workspace import ALICE, BOB, OUTSIDER, NotPossible, Workspace
from tests.workspace.pieces import Connect

Body = dict[str, Any]


def test_a_click_reaches_the_listener_as_slack_tells_it(
    workspace: Workspace, app: App, connect: Connect, card: str
) -> None:
    heard: list[Body] = []

    @app.action("approve")
    def approve(ack: Ack, body: Body) -> None:
        heard.append(body)
        ack()

    connect(app)
    delivery = workspace.click(ALICE.id, card, "Approve")

    assert delivery.acked
    assert delivery.seconds < 3
    [body] = heard
    assert body["user"] == {
        "id": ALICE.id,
        "username": "alice",
        "name": "alice",
        "team_id": workspace.team_id,
    }
    assert body["team"]["id"] == workspace.team_id
    assert body["channel"]["id"] == workspace.channel_id
    assert body["container"]["message_ts"] == card
    assert body["message"]["ts"] == card
    assert body["trigger_id"]
    assert body["response_url"]
    [action] = body["actions"]
    assert (action["action_id"], action["block_id"]) == ("approve", "decide")
    assert (action["value"], action["type"]) == ("p-1", "button")


def test_a_menus_option_reaches_the_listener(
    workspace: Workspace, app: App, connect: Connect, card: str
) -> None:
    chosen: list[str] = []

    @app.action("more")
    def more(ack: Ack, action: Body) -> None:
        chosen.append(action["selected_option"]["value"])
        ack()

    connect(app)
    assert workspace.choose(ALICE.id, card, "Escalate").acked
    assert workspace.choose(ALICE.id, card, "evidence", menu="more").acked

    assert chosen == ["escalate", "evidence"]


def test_a_click_can_be_forged(
    workspace: Workspace, app: App, connect: Connect, card: str
) -> None:
    heard: list[Body] = []

    @app.action("approve")
    def approve(ack: Ack, body: Body) -> None:
        heard.append(body)
        ack()

    connect(app)
    workspace.click("U0NOBODY", card, "Approve", value="p-9", channel="C0", team="T0")

    [body] = heard
    assert (body["user"]["id"], body["user"]["team_id"]) == ("U0NOBODY", "T0")
    assert (body["channel"]["id"], body["actions"][0]["value"]) == ("C0", "p-9")


def test_a_click_from_another_company_names_its_team(
    workspace: Workspace, app: App, connect: Connect, card: str
) -> None:
    heard: list[Body] = []

    @app.action("approve")
    def approve(ack: Ack, body: Body) -> None:
        heard.append(body)
        ack()

    connect(app)
    workspace.click(OUTSIDER.id, card, "approve")

    assert heard[0]["user"]["team_id"] == OUTSIDER.team_id != workspace.team_id


def test_nobody_can_press_a_button_that_is_not_there(
    workspace: Workspace, card: str
) -> None:
    with pytest.raises(NotPossible, match="Approve"):
        workspace.click(ALICE.id, card, "Launch")
    with pytest.raises(NotPossible):
        workspace.click(ALICE.id, "1.2", "Approve")


def test_a_listener_that_does_not_ack_is_an_operation_timeout(
    workspace: Workspace, app: App, connect: Connect, card: str
) -> None:
    release = threading.Event()

    @app.action("approve")
    def approve(ack: Ack) -> None:
        release.wait(10)
        ack()

    connect(app)
    delivery = workspace.click(ALICE.id, card, "Approve")
    release.set()

    assert (delivery.acked, delivery.error) == (False, "operation_timeout")
    assert 2.9 < delivery.seconds < 4


def test_a_click_without_a_bot_is_a_failed_dispatch(
    workspace: Workspace, card: str
) -> None:
    delivery = workspace.click(ALICE.id, card, "Approve")

    assert (delivery.acked, delivery.error) == (False, "dispatch_failed")


def test_a_command_is_answered_to_its_author_alone(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    @app.command("/sre")
    def sre(ack: Ack, command: Body) -> None:
        ack(f"you said {command['text']}")

    connect(app)
    assert workspace.command(ALICE.id, f"handover <@{BOB.id}|bob>").acked

    [answer] = workspace.ephemerals(ALICE.id)
    assert answer.text == f"you said handover <@{BOB.id}|bob>"


def test_a_command_can_be_answered_to_all(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    @app.command("/sre")
    def sre(ack: Ack) -> None:
        ack(text="for all", response_type="in_channel")

    connect(app)
    workspace.command(ALICE.id, "status")

    assert workspace.card("for all").user == workspace.bot_user_id


def test_a_commands_author_is_told_that_it_failed(workspace: Workspace) -> None:
    assert not workspace.command(ALICE.id, "status").acked

    [notice] = workspace.ephemerals(ALICE.id)
    assert notice.text == "/sre failed: dispatch_failed"


def test_an_answer_slack_refuses_is_shown_to_the_commands_author(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    @app.command("/sre")
    def sre(ack: Ack) -> None:
        ack(text="x", blocks=[{"type": "marquee"}])

    connect(app)
    workspace.command(ALICE.id, "status")

    assert "invalid_blocks" in workspace.ephemerals(ALICE.id)[0].text


def test_a_mention_is_heard_and_answered_in_its_thread(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    @app.event("app_mention")
    def mentioned(say: Say, event: Body) -> None:
        say("because", thread_ts=event["ts"])

    connect(app)
    delivery = workspace.mention(ALICE.id, "why is it slow?")

    asked = delivery.sent["event"]["ts"]
    answer = workspace.wait_for(lambda: workspace.thread(asked)[1])
    assert answer.text == "because"
    assert delivery.sent["event_id"].startswith("Ev")


def test_a_message_without_a_mention_is_not_for_the_bot(workspace: Workspace) -> None:
    assert workspace.say(ALICE.id, "good morning") is None


def test_a_direct_message_is_heard_without_a_mention(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    @app.event("message")
    def heard(say: Say, event: Body) -> None:
        say(f"got {event['text']} by {event['channel_type']}")

    connect(app)
    workspace.message_bot(ALICE.id, "hi")

    own = workspace.state.im(ALICE.id).id
    workspace.wait_for(lambda: workspace.messages(own)[1].text == "got hi by im")


def test_the_same_envelope_can_come_twice(
    workspace: Workspace, app: App, connect: Connect, card: str
) -> None:
    heard: list[str] = []

    @app.action("approve")
    def approve(ack: Ack) -> None:
        heard.append("click")
        ack()

    connect(app)
    workspace.faults.duplicate_envelopes()
    assert workspace.click(ALICE.id, card, "Approve").acked

    workspace.wait_for(lambda: heard == ["click", "click"])


def test_a_retry_has_a_new_envelope_and_the_same_event(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    heard: list[str] = []

    @app.event("app_mention")
    def mentioned(body: Body) -> None:
        heard.append(body["event_id"])

    connect(app)
    workspace.faults.retry_envelopes(reason="timeout", after_seconds=0.05)
    first = workspace.mention(ALICE.id, "hello")

    assert first.again is not None
    assert first.again.acked
    assert first.again.envelope_id != first.envelope_id
    workspace.wait_for(lambda: len(heard) == 2)
    assert len(set(heard)) == 1


def test_a_delivery_can_be_late(
    workspace: Workspace, app: App, connect: Connect, card: str
) -> None:
    app.action("approve")(lambda ack: ack())
    connect(app)
    workspace.faults.delay_envelopes(0.3)

    began = time.monotonic()
    assert workspace.click(ALICE.id, card, "Approve").acked

    assert time.monotonic() - began > 0.3


def test_an_envelope_goes_to_one_connection_in_turn(
    workspace: Workspace, app: App, client: WebClient, connect: Connect, card: str
) -> None:
    heard: list[str] = []
    other = App(client=client, token_verification_enabled=False)

    @app.action("approve")
    def first(ack: Ack) -> None:
        heard.append("first")
        ack()

    @other.action("approve")
    def second(ack: Ack) -> None:
        heard.append("second")
        ack()

    connect(app)
    connect(other)
    workspace.wait_for(lambda: workspace.connections() == 2)

    for _ in range(4):
        assert workspace.click(ALICE.id, card, "Approve").acked

    assert sorted(heard) == ["first", "first", "second", "second"]


@pytest.mark.parametrize("hard", [False, True], ids=["asked to go", "cut off"])
def test_the_bot_comes_back_after_a_disconnect(
    workspace: Workspace, app: App, connect: Connect, card: str, *, hard: bool
) -> None:
    app.action("approve")(lambda ack: ack())
    connect(app)

    workspace.disconnect(hard=hard)

    assert workspace.connections() == 0
    workspace.wait_connected()
    assert workspace.click(ALICE.id, card, "Approve").acked


def test_a_ticket_opens_one_connection(workspace: Workspace, app: App) -> None:
    from websocket import WebSocketBadStatusException, create_connection

    answer = app.client.apps_connections_open(app_token=workspace.app_token)
    create_connection(answer["url"]).close()

    with pytest.raises(WebSocketBadStatusException):
        create_connection(answer["url"])
