from typing import Any

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from handlers.workspace import ALICE, BOB, NotFilled, NotPossible, View, Workspace
from tests.workspace.pieces import Block, Connect, button, modal, plain, why

Body = dict[str, Any]


@pytest.fixture
def opened(app: App, connect: Connect, workspace: Workspace, card: str) -> View:
    """The modal that Alice's click opened."""

    @app.action("approve")
    def approve(ack: Ack, client: WebClient, body: Body) -> None:
        view = modal(why(), notify_on_close=True, external_id="x-1")
        client.views_open(trigger_id=body["trigger_id"], view=view)
        ack()

    connect(app)
    workspace.click(ALICE.id, card, "Approve")
    return workspace.views(ALICE.id)[0]


def test_a_modal_is_open_for_the_clicker_alone(
    workspace: Workspace, opened: View
) -> None:
    assert opened.title == "Say why"
    assert workspace.views(BOB.id) == []


def test_what_is_submitted_reaches_the_listener_and_closes_the_modal(
    workspace: Workspace, app: App, opened: View
) -> None:
    heard: list[Body] = []

    @app.view("why")
    def submitted(ack: Ack, view: Body) -> None:
        heard.append(view["state"]["values"])
        ack()

    workspace.submit_view(ALICE.id, opened.id, {"why": "a deploy"})

    assert heard[0]["why"]["why"]["value"] == "a deploy"
    assert workspace.views(ALICE.id) == []


def test_an_answer_with_errors_keeps_the_modal_open(
    workspace: Workspace, app: App, opened: View
) -> None:
    @app.view("why")
    def submitted(ack: Ack) -> None:
        ack(response_action="errors", errors={"why": "Say more."})

    workspace.submit_view(ALICE.id, opened.id, {"why": "x"})

    assert workspace.views(ALICE.id)[0].errors == {"why": "Say more."}


@pytest.mark.parametrize(
    ("action", "titles"),
    [("update", ["Second"]), ("push", ["Say why", "Second"]), ("clear", [])],
)
def test_an_answer_decides_what_becomes_of_the_modal(
    workspace: Workspace, app: App, opened: View, action: str, titles: list[str]
) -> None:
    @app.view("why")
    def submitted(ack: Ack) -> None:
        more = {} if action == "clear" else {"view": modal(title=plain("Second"))}
        ack(response_action=action, **more)

    workspace.submit_view(ALICE.id, opened.id, {"why": "x"})

    assert [v.title for v in workspace.views(ALICE.id)] == titles


def test_an_answer_slack_refuses_is_an_error_in_the_modal(
    workspace: Workspace, app: App, opened: View
) -> None:
    @app.view("why")
    def submitted(ack: Ack) -> None:
        ack(response_action="update", view=modal(title=plain("x" * 25)))

    workspace.submit_view(ALICE.id, opened.id, {"why": "x"})

    assert workspace.views(ALICE.id)[0].errors == {"": "invalid_arguments"}


def test_an_empty_input_cannot_be_submitted(workspace: Workspace, opened: View) -> None:
    with pytest.raises(NotFilled, match="Why"):
        workspace.submit_view(ALICE.id, opened.id, {})


def test_nobody_submits_the_modal_of_another(
    workspace: Workspace, opened: View
) -> None:
    with pytest.raises(NotPossible):
        workspace.submit_view(BOB.id, opened.id, {"why": "x"})


def test_the_bot_hears_that_a_modal_was_closed_if_it_asked(
    workspace: Workspace, app: App, opened: View
) -> None:
    app.view_closed("why")(lambda ack: ack())

    done = workspace.close_view(ALICE.id, opened.id)

    assert done is not None
    assert done.acked
    assert workspace.views(ALICE.id) == []


def test_a_modal_is_updated_by_its_id_or_its_external_id(
    workspace: Workspace, client: WebClient, opened: View
) -> None:
    client.views_update(view_id=opened.id, view=modal(title=plain("Two")))
    assert workspace.views(ALICE.id)[0].title == "Two"

    client.views_update(
        view_id=opened.id, view=modal(title=plain("Three"), external_id="x-1")
    )
    client.views_update(external_id="x-1", view=modal(title=plain("Four")))
    assert workspace.views(ALICE.id)[0].title == "Four"


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"hash": "old"}, "hash_conflict"), ({"view_id": "V0"}, "not_found")],
)
def test_a_wrong_update_is_refused(
    client: WebClient, opened: View, changed: dict[str, str], error: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.views_update(**({"view_id": opened.id} | changed), view=modal())

    assert caught.value.response["error"] == error


def test_a_button_in_a_modal_may_push_another(
    workspace: Workspace, app: App, client: WebClient, opened: View
) -> None:
    row = {"type": "actions", "elements": [button("More", "more")]}

    @app.action("more")
    def more(ack: Ack, body: Body) -> None:
        if len(workspace.views(ALICE.id)) < 3:
            client.views_push(trigger_id=body["trigger_id"], view=modal(row))
        ack()

    client.views_update(view_id=opened.id, view=modal(row))
    for depth in (2, 3):
        top = workspace.views(ALICE.id)[-1]
        assert workspace.click_view(ALICE.id, top.id, "More").acked
        workspace.wait_for(lambda depth=depth: len(workspace.views(ALICE.id)) == depth)

    with pytest.raises(SlackApiError) as caught:
        client.views_push(trigger_id=fresh_trigger(workspace), view=modal())
    assert caught.value.response["error"] == "push_limit_reached"


def fresh_trigger(workspace: Workspace) -> str:
    top = workspace.views(ALICE.id)[-1]
    return str(workspace.click_view(ALICE.id, top.id, "More").sent["trigger_id"])


def test_a_modal_above_nothing_is_refused(
    workspace: Workspace, app: App, client: WebClient, connect: Connect, card: str
) -> None:
    trigger = trigger_of(workspace, app, connect, card)

    with pytest.raises(SlackApiError) as caught:
        client.views_push(trigger_id=trigger, view=modal())

    assert caught.value.response["error"] == "not_found"


def trigger_of(workspace: Workspace, app: App, connect: Connect, card: str) -> str:
    app.action("approve")(lambda ack: ack())
    connect(app)
    return str(workspace.click(ALICE.id, card, "Approve").sent["trigger_id"])


def test_a_trigger_opens_one_modal(
    workspace: Workspace, app: App, client: WebClient, connect: Connect, card: str
) -> None:
    trigger = trigger_of(workspace, app, connect, card)
    client.views_open(trigger_id=trigger, view=modal())

    with pytest.raises(SlackApiError) as caught:
        client.views_open(trigger_id=trigger, view=modal())

    assert caught.value.response["error"] == "exchanged_trigger_id"


def test_a_trigger_lives_three_seconds(
    workspace: Workspace, app: App, client: WebClient, connect: Connect, card: str
) -> None:
    trigger = trigger_of(workspace, app, connect, card)
    before = workspace.state.now
    workspace.state.now = lambda: before() + 3.1

    with pytest.raises(SlackApiError) as caught:
        client.views_open(trigger_id=trigger, view=modal())

    assert caught.value.response["error"] == "expired_trigger_id"


def test_an_invented_trigger_opens_nothing(client: WebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.views_open(trigger_id="1.2", view=modal())

    assert caught.value.response["error"] == "invalid_trigger_id"


def test_every_kind_of_input_is_read_as_slack_reads_it(
    workspace: Workspace, app: App, client: WebClient, opened: View
) -> None:
    choices = [{"text": plain(text), "value": text} for text in ("one", "two")]
    kinds: dict[str, Block] = {
        "select": {"type": "static_select", "options": choices},
        "boxes": {"type": "checkboxes", "options": choices},
        "kept": {"type": "checkboxes", "options": choices, "initial_options": choices},
        "person": {"type": "users_select"},
        "day": {"type": "datepicker", "initial_date": "2026-01-02"},
        "time": {"type": "timepicker"},
    }
    blocks = [
        why(block_id=name, element=element | {"action_id": name})
        for name, element in kinds.items()
    ]
    client.views_update(view_id=opened.id, view=modal(*blocks))
    app.view("why")(lambda ack: ack())

    filled = {"select": "two", "boxes": ["one"], "person": BOB.id, "time": "10:30"}
    sent = workspace.submit_view(ALICE.id, opened.id, filled).sent

    values = sent["view"]["state"]["values"]
    assert values["select"]["select"]["selected_option"] == choices[1]
    assert values["boxes"]["boxes"]["selected_options"] == [choices[0]]
    assert values["kept"]["kept"]["selected_options"] == choices
    assert values["person"]["person"]["selected_user"] == BOB.id
    assert values["day"]["day"]["selected_date"] == "2026-01-02"
    assert values["time"]["time"]["selected_time"] == "10:30"


def test_everybody_has_a_home_of_their_own(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    @app.event("app_home_opened")
    def opened(client: WebClient, event: Body) -> None:
        row = {"type": "actions", "elements": [button("Refresh", "refresh")]}
        client.views_publish(
            user_id=event["user"], view={"type": "home", "blocks": [row]}
        )

    app.action("refresh")(lambda ack: ack())
    connect(app)
    assert workspace.open_home(ALICE.id).acked
    home = workspace.wait_for(lambda: workspace.home(ALICE.id))

    assert workspace.home(BOB.id) is None
    assert workspace.click_view(ALICE.id, home.id, "Refresh").acked
    assert workspace.open_home(ALICE.id).sent["event"]["view"]["id"] == home.id


def test_a_home_is_published_to_somebody_who_exists_and_in_order(
    workspace: Workspace, client: WebClient
) -> None:
    view = {"type": "home", "blocks": []}
    client.views_publish(user_id=ALICE.id, view=view)

    for changed, error in (
        ({"user_id": "U0"}, "user_not_found"),
        ({"hash": "old"}, "hash_conflict"),
    ):
        with pytest.raises(SlackApiError) as caught:
            client.views_publish(**({"user_id": ALICE.id, "view": view} | changed))
        assert caught.value.response["error"] == error
    assert workspace.home(ALICE.id) is not None
