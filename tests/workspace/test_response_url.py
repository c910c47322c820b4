import pytest
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from handlers.workspace import ALICE, BOB, Workspace
from tests.workspace.pieces import Connect


@pytest.fixture
def hook(app: App, connect: Connect, workspace: Workspace, card: str) -> WebhookClient:
    """The `response_url` of Alice's click on the card."""
    app.action("approve")(lambda ack: ack())
    connect(app)
    sent = workspace.click(ALICE.id, card, "Approve").sent
    return WebhookClient(sent["response_url"])


def test_an_answer_is_seen_by_the_clicker_alone(
    workspace: Workspace, app: App, connect: Connect, card: str
) -> None:
    @app.action("approve")
    def approve(ack: Ack, respond: Respond) -> None:
        ack()
        respond("not you", replace_original=False)

    connect(app)
    workspace.click(BOB.id, card, "Approve")

    [answer] = workspace.wait_for(lambda: workspace.ephemerals(BOB.id))
    assert answer.text == "not you"
    assert workspace.message(card).text == "web-1 is slow"


def test_an_answer_may_be_for_all_and_in_a_thread(
    workspace: Workspace, hook: WebhookClient, card: str
) -> None:
    hook.send_dict({"text": "done", "response_type": "in_channel", "thread_ts": card})

    assert [m.text for m in workspace.thread(card)] == ["web-1 is slow", "done"]


def test_an_answer_may_replace_the_card(
    workspace: Workspace, hook: WebhookClient, card: str
) -> None:
    hook.send(text="over", replace_original=True)

    assert workspace.message(card).text == "over"
    assert workspace.message(card).buttons() == []


def test_an_answer_may_delete_the_card(
    workspace: Workspace, hook: WebhookClient
) -> None:
    hook.send(delete_original=True)

    assert workspace.messages() == []


def test_an_ephemeral_card_can_be_clicked_replaced_and_deleted(
    workspace: Workspace, app: App, client: WebClient, connect: Connect, card: str
) -> None:
    app.action("approve")(lambda ack: ack())
    connect(app)
    blocks = list(workspace.message(card).blocks)
    client.chat_postEphemeral(
        channel=workspace.channel_id, user=ALICE.id, text="just you", blocks=blocks
    )
    [whisper] = workspace.ephemerals(ALICE.id)

    sent = workspace.click(ALICE.id, whisper.ts, "Approve").sent
    assert sent["container"]["is_ephemeral"]
    assert "message" not in sent

    answer = WebhookClient(sent["response_url"])
    answer.send(text="changed", replace_original=True)
    assert workspace.ephemerals(ALICE.id)[0].text == "changed"
    answer.send(delete_original=True)
    assert workspace.ephemerals(ALICE.id) == []
    assert answer.send(text="again", replace_original=True).status_code == 400


def test_it_serves_five_times(workspace: Workspace, hook: WebhookClient) -> None:
    answers = [hook.send(text=str(number)).status_code for number in range(6)]

    assert answers == [200, 200, 200, 200, 200, 404]
    assert len(workspace.ephemerals(ALICE.id)) == 5


def test_it_serves_for_half_an_hour(workspace: Workspace, hook: WebhookClient) -> None:
    before = workspace.state.now
    workspace.state.now = lambda: before() + 31 * 60

    assert hook.send(text="late").status_code == 404


def test_it_refuses_what_slack_refuses(hook: WebhookClient) -> None:
    answer = hook.send(text="x", blocks=[{"type": "marquee"}])

    assert answer.status_code == 400
    assert "invalid_blocks" in answer.body


def test_an_invented_address_answers_nothing(workspace: Workspace) -> None:
    invented = WebhookClient(workspace.page_url + "hook/x")

    assert invented.send(text="x").status_code == 404


def test_it_can_fail(workspace: Workspace, hook: WebhookClient) -> None:
    workspace.faults.server_error("response_url")

    assert hook.send(text="x").status_code == 500
