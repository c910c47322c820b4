"""What Slack refuses about blocks and views, one limit each."""

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from handlers.workspace import ALICE, Workspace
from tests.workspace.pieces import Block, plain


def section(text: str = "x", **more: Any) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def press(**more: Any) -> Block:
    return {"type": "button", "text": plain("x"), **more}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def options(count: int, label: str = "x", value: str = "x") -> list[Block]:
    return [{"text": plain(label), "value": f"{value}{n}"} for n in range(count)]


def menu(found: list[Block]) -> Block:
    return {"type": "overflow", "action_id": "m", "options": found}


def ask(**changed: Any) -> Block:
    said = {
        "title": plain("Sure?"),
        "text": plain("Really."),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    return press(confirm=said | changed)


def rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def line(*leaves: Block) -> Block:
    return {"type": "rich_text_section", "elements": list(leaves)}


def entry(element: Block) -> Block:
    return {"type": "input", "label": plain("x"), "element": element}


def table(rows: int, columns: int, cell: Block | None = None) -> Block:
    cell = cell or {"type": "raw_text", "text": "x"}
    return {"type": "table", "rows": [[cell] * columns] * rows}


REFUSED = {
    "51 blocks": [section()] * 51,
    "an empty section": [section("")],
    "a section of 3,001": [section("x" * 3001)],
    "a section without text or fields": [{"type": "section"}],
    "11 fields": [{"type": "section", "fields": [plain("x")] * 11}],
    "a field of 2,001": [{"type": "section", "fields": [plain("x" * 2001)]}],
    "a header of 151": [{"type": "header", "text": plain("x" * 151)}],
    "a mrkdwn header": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "a header with a bare string": [{"type": "header", "text": "x"}],
    "a text object without text": [{"type": "header", "text": {"type": "plain_text"}}],
    "26 buttons": [actions(*(press(action_id=str(n)) for n in range(26)))],
    "an actions block without elements": [{"type": "actions"}],
    "11 context elements": [{"type": "context", "elements": [plain("x")] * 11}],
    "a button text of 76": [actions(press(text=plain("x" * 76)))],
    "a button value of 2,001": [actions(press(value="x" * 2001))],
    "a pink button": [actions(press(style="pink"))],
    "a confirm title of 101": [actions(ask(title=plain("x" * 101)))],
    "a confirm text of 301": [actions(ask(text=plain("x" * 301)))],
    "a confirm button of 31": [actions(ask(confirm=plain("x" * 31)))],
    "a deny button of 31": [actions(ask(deny=plain("x" * 31)))],
    "an option label of 76": [actions(menu(options(1, label="x" * 76)))],
    "an option value of 151": [actions(menu(options(1, value="x" * 150)))],
    "an option description of 76": [
        actions(menu([options(1)[0] | {"description": plain("x" * 76)}]))
    ],
    "6 overflow options": [actions(menu(options(6)))],
    "an action_id of 256": [actions(press(action_id="x" * 256))],
    "a block_id of 256": [section(block_id="x" * 256)],
    "a block_id twice": [section(block_id="b"), section(block_id="b")],
    "an action_id twice": [
        actions(press(action_id="a")),
        section(accessory=press(action_id="a")),
    ],
    "an unknown block": [{"type": "marquee"}],
    "an unknown element": [actions({"type": "slider"})],
    "an element that is no object": [{"type": "actions", "elements": ["x"]}],
    "a text input among actions": [actions({"type": "plain_text_input"})],
    "a button as an input": [entry(press())],
    "a placeholder of 151": [
        entry({"type": "plain_text_input", "placeholder": plain("x" * 151)})
    ],
    "11 radio buttons": [entry({"type": "radio_buttons", "options": options(11)})],
    "101 menu options": [entry({"type": "static_select", "options": options(101)})],
    "a hint of 2,001": [
        entry({"type": "plain_text_input"}) | {"hint": plain("x" * 2001)}
    ],
    "an image without alt text": [{"type": "image", "image_url": "http://x/"}],
    "an image without a picture": [{"type": "image", "alt_text": "x"}],
    "an accessory image without alt text": [
        section(accessory={"type": "image", "image_url": "http://x/"})
    ],
    "a context image without alt text": [
        {"type": "context", "elements": [{"type": "image", "image_url": "http://x/"}]}
    ],
    "an image title of 2,001": [
        {
            "type": "image",
            "alt_text": "x",
            "image_url": "http://x/",
            "title": plain("x" * 2001),
        }
    ],
    "a file without an id": [{"type": "file"}],
    "markdown of 12,001": [{"type": "markdown", "text": "x" * 12001}],
    "an unknown rich text": [rich({"type": "rich_text_poem", "elements": []})],
    "an unknown rich text leaf": [rich(line({"type": "blink", "text": "x"}))],
    "an empty rich text leaf": [rich(line({"type": "text", "text": ""}))],
    "a list of bare texts": [
        rich(
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [{"type": "text", "text": "x"}],
            }
        )
    ],
    "a list item with an unknown leaf": [
        rich(
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [line({"type": "blink"})],
            }
        )
    ],
    "101 rows": [table(101, 1)],
    "21 columns": [table(1, 21)],
    "an empty cell": [table(1, 1, {"type": "raw_text", "text": ""})],
    "an unknown cell": [table(1, 1, {"type": "sparkline"})],
    "a cell with an unknown leaf": [table(1, 1, rich(line({"type": "blink"})))],
    "a table of 10,001 characters": [
        table(11, 1, {"type": "raw_text", "text": "x" * 1000})
    ],
}


@pytest.mark.parametrize("blocks", REFUSED.values(), ids=REFUSED)
def test_slack_refuses(
    workspace: Workspace, client: WebClient, blocks: list[Block]
) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=workspace.channel_id, text="x", blocks=blocks)

    assert caught.value.response["error"] == "invalid_blocks"
    assert caught.value.response["response_metadata"]["messages"]
    assert workspace.messages() == []


ALLOWED = {
    "50 blocks": [section()] * 50,
    "a section of 3,000": [section("x" * 3000)],
    "10 fields of 1,300": [{"type": "section", "fields": [plain("x" * 1300)] * 10}],
    "25 buttons": [actions(*(press(action_id=str(n)) for n in range(25)))],
    "a full confirm": [actions(ask(title=plain("x" * 100), text=plain("x" * 300)))],
    "5 overflow options": [actions(menu(options(5, label="x" * 75, value="x" * 149)))],
    "every rich text": [
        rich(
            line({"type": "text", "text": "x"}, {"type": "user", "user_id": "U1"}),
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [line({"type": "emoji", "name": "x"})],
            },
            {
                "type": "rich_text_preformatted",
                "elements": [{"type": "text", "text": "x"}],
            },
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "x"}]},
        )
    ],
    "a table of 100 rows and 20 columns": [table(100, 20)],
    "rich cells": [table(2, 2, rich(line({"type": "text", "text": "x"})))],
    "a picture of ours": [
        {"type": "image", "alt_text": "x", "slack_file": {"id": "F1"}}
    ],
    "small things": [
        {"type": "divider"},
        {"type": "markdown", "text": "**x**"},
        {"type": "file", "external_id": "x", "source": "remote"},
        {
            "type": "context",
            "elements": [
                plain("x"),
                {"type": "image", "image_url": "http://x/", "alt_text": "x"},
            ],
        },
        entry(
            {"type": "plain_text_input", "action_id": "p", "placeholder": plain("x")}
        ),
    ],
}


@pytest.mark.parametrize("blocks", ALLOWED.values(), ids=ALLOWED)
def test_slack_accepts(
    workspace: Workspace, client: WebClient, blocks: list[Block]
) -> None:
    client.chat_postMessage(channel=workspace.channel_id, text="x", blocks=blocks)

    assert len(workspace.messages()) == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": [section("x" * 2700)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "blocks": [table(1, 1), table(1, 1)]}, "invalid_attachments"),
    ],
)
def test_a_message_as_a_whole_has_limits(
    workspace: Workspace, client: WebClient, arguments: dict[str, Any], error: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=workspace.channel_id, **arguments)

    assert caught.value.response["error"] == error


def test_an_edit_has_less_room_than_a_post(
    workspace: Workspace, client: WebClient, card: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.chat_update(channel=workspace.channel_id, ts=card, text="x" * 4001)

    assert caught.value.response["error"] == "msg_too_long"


@pytest.mark.parametrize(
    "changed",
    [
        {"blocks": [section()] * 101},
        {"private_metadata": "x" * 3001},
        {"callback_id": "x" * 256},
        {"type": "popup"},
        {"type": "modal"},
        {"type": "modal", "title": plain("x" * 25)},
        {"type": "modal", "title": plain("x"), "submit": plain("x" * 25)},
        {
            "type": "modal",
            "title": plain("x"),
            "close": {"type": "mrkdwn", "text": "x"},
        },
        {
            "type": "modal",
            "title": plain("x"),
            "blocks": [entry({"type": "plain_text_input"})],
        },
        {"blocks": [table(1, 1)]},
        {"type": "modal", "title": plain("x")},
    ],
    ids=[
        "101 blocks",
        "metadata of 3,001",
        "callback_id of 256",
        "an unknown type",
        "a modal without a title",
        "a title of 25",
        "a submit of 25",
        "a mrkdwn close",
        "an input without a submit",
        "a table",
        "a modal as a Home tab",
    ],
)
def test_slack_refuses_the_view(
    workspace: Workspace, client: WebClient, changed: Block
) -> None:
    view = {"type": "home", "blocks": [section()]} | changed

    with pytest.raises(SlackApiError) as caught:
        client.views_publish(user_id=ALICE.id, view=view)

    assert caught.value.response["error"] == "invalid_arguments"
    assert workspace.home(ALICE.id) is None
