import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from handlers.workspace import ALICE, GROUP, GUEST, OUTSIDER, Group, Workspace


def refused(error: SlackApiError) -> str:
    return str(error.response["error"])


def test_a_posted_message_stands_in_the_channel_and_in_its_history(
    workspace: Workspace, client: WebClient
) -> None:
    posted = client.chat_postMessage(channel=workspace.channel_id, text="hello")

    [message] = workspace.messages()
    assert (message.ts, message.text) == (posted["ts"], "hello")
    history = client.conversations_history(channel=workspace.channel_id)
    assert [m["text"] for m in history["messages"]] == ["hello"]


def test_a_reply_stands_in_the_thread_and_not_in_the_channel(
    workspace: Workspace, client: WebClient
) -> None:
    where = workspace.channel_id
    root = client.chat_postMessage(channel=where, text="root")["ts"]
    client.chat_postMessage(channel=where, text="reply", thread_ts=root)

    assert [m.text for m in workspace.thread(root)] == ["root", "reply"]
    assert [m.text for m in workspace.posts()] == ["root"]
    replies = client.conversations_replies(channel=where, ts=root)
    assert replies["messages"][0]["reply_count"] == 1


def test_history_is_paged_with_a_cursor(
    workspace: Workspace, client: WebClient
) -> None:
    for number in range(5):
        client.chat_postMessage(channel=workspace.channel_id, text=str(number))

    first = client.conversations_history(channel=workspace.channel_id, limit=3)
    rest = client.conversations_history(
        channel=workspace.channel_id,
        limit=3,
        cursor=first["response_metadata"]["next_cursor"],
    )

    assert [m["text"] for m in first["messages"]] == ["4", "3", "2"]
    assert [m["text"] for m in rest["messages"]] == ["1", "0"]
    assert not rest["has_more"]


def test_history_starts_after_oldest_unless_inclusive(
    workspace: Workspace, client: WebClient
) -> None:
    where = workspace.channel_id
    first = client.chat_postMessage(channel=where, text="first")["ts"]
    client.chat_postMessage(channel=where, text="second")

    after = client.conversations_history(channel=where, oldest=first)
    within = client.conversations_history(channel=where, oldest=first, inclusive=True)

    assert [m["text"] for m in after["messages"]] == ["second"]
    assert [m["text"] for m in within["messages"]] == ["second", "first"]


def test_an_update_keeps_the_blocks_it_does_not_name(
    workspace: Workspace, client: WebClient, card: str
) -> None:
    client.chat_update(channel=workspace.channel_id, ts=card, text="new")

    message = workspace.message(card)
    assert message.text == "new"
    assert message.button_texts() == ["Approve", "Reject"]
    assert message.edited_ts is not None


def test_an_update_with_an_empty_list_removes_the_blocks(
    workspace: Workspace, client: WebClient, card: str
) -> None:
    client.chat_update(channel=workspace.channel_id, ts=card, text="new", blocks=[])

    assert workspace.message(card).blocks == ()


def test_a_deleted_message_is_gone(
    workspace: Workspace, client: WebClient, card: str
) -> None:
    client.chat_delete(channel=workspace.channel_id, ts=card)

    assert workspace.messages() == []


def test_the_bot_may_not_edit_what_a_person_wrote(
    workspace: Workspace, client: WebClient
) -> None:
    workspace.say(ALICE.id, "mine")
    [message] = workspace.messages()

    with pytest.raises(SlackApiError) as caught:
        client.chat_update(channel=workspace.channel_id, ts=message.ts, text="yours")

    assert refused(caught.value) == "cant_update_message"


def test_an_ephemeral_message_is_seen_by_one_person_and_kept_in_no_history(
    workspace: Workspace, client: WebClient
) -> None:
    client.chat_postEphemeral(channel=workspace.channel_id, user=ALICE.id, text="psst")

    assert [m.text for m in workspace.ephemerals(ALICE.id)] == ["psst"]
    assert workspace.ephemerals(GUEST.id) == []
    assert workspace.messages() == []


def test_a_permalink_of_a_reply_names_its_thread(
    workspace: Workspace, client: WebClient, card: str
) -> None:
    where = workspace.channel_id
    reply = client.chat_postMessage(channel=where, text="r", thread_ts=card)["ts"]

    link = client.chat_getPermalink(channel=where, message_ts=reply)["permalink"]

    assert link.startswith(f"{workspace.page_url}archives/{where}/p")
    assert f"thread_ts={card}" in link


def test_a_message_to_a_person_opens_a_direct_conversation(
    workspace: Workspace, client: WebClient
) -> None:
    posted = client.chat_postMessage(channel=ALICE.id, text="for you")

    opened = client.conversations_open(users=ALICE.id)["channel"]["id"]
    assert posted["channel"] == opened
    assert [m.text for m in workspace.messages(opened)] == ["for you"]


def test_a_reaction_is_counted_once(
    workspace: Workspace, client: WebClient, card: str
) -> None:
    where = {"channel": workspace.channel_id, "timestamp": card}
    client.reactions_add(name="eyes", **where)

    with pytest.raises(SlackApiError) as caught:
        client.reactions_add(name="eyes", **where)

    assert refused(caught.value) == "already_reacted"
    assert workspace.message(card).reactions == (("eyes", workspace.bot_user_id),)


def test_auth_test_names_the_bot_and_lists_its_scopes(
    workspace: Workspace, client: WebClient
) -> None:
    answer = client.auth_test()

    assert (answer["team_id"], answer["user_id"]) == (
        workspace.team_id,
        workspace.bot_user_id,
    )
    assert "chat:write" in answer.headers["x-oauth-scopes"]
    assert client.bots_info(bot=answer["bot_id"])["bot"]["name"] == "countersign"


def test_a_guest_and_an_outsider_are_told_apart_from_teammates(
    client: WebClient,
) -> None:
    people = {p["id"]: p for p in client.users_list()["members"]}

    assert people[GUEST.id]["is_restricted"]
    assert client.users_info(user=OUTSIDER.id)["user"]["is_stranger"]
    assert not people[ALICE.id]["is_restricted"]


def test_a_disabled_group_has_nobody(workspace: Workspace, client: WebClient) -> None:
    asked = client.usergroups_users_list(usergroup=GROUP.id)
    assert ALICE.id in asked["users"]

    workspace.put_group(
        Group(id=GROUP.id, handle="x", name="x", members=(ALICE.id,), enabled=False)
    )

    assert client.usergroups_users_list(usergroup=GROUP.id)["users"] == []
    assert client.usergroups_list()["usergroups"][0]["date_delete"] == 1


def test_the_bot_is_a_member_until_it_is_removed(
    workspace: Workspace, client: WebClient
) -> None:
    where = workspace.channel_id
    assert client.conversations_info(channel=where)["channel"]["is_member"]
    assert client.conversations_list()["channels"][0]["id"] == where

    workspace.set_members(ALICE.id)

    assert client.conversations_members(channel=where)["members"] == [ALICE.id]
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=where, text="hello?")
    assert refused(caught.value) == "not_in_channel"


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "C0", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "HERE"}, "no_text"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        (
            "chat.update",
            {"channel": "HERE", "ts": "1.2", "text": "x"},
            "message_not_found",
        ),
        (
            "chat.postEphemeral",
            {"channel": "HERE", "user": "U0", "text": "x"},
            "user_not_in_channel",
        ),
        ("conversations.replies", {"channel": "HERE", "ts": "1.2"}, "thread_not_found"),
        ("conversations.open", {"users": "U0"}, "user_not_found"),
        ("users.info", {"user": "U0"}, "user_not_found"),
        ("bots.info", {"bot": "B0"}, "bot_not_found"),
        ("usergroups.users.list", {"usergroup": "S0"}, "no_such_subteam"),
        (
            "conversations.history",
            {"channel": "HERE", "limit": "many"},
            "invalid_arguments",
        ),
        (
            "chat.postMessage",
            {"channel": "HERE", "blocks": "oops"},
            "invalid_blocks_format",
        ),
        ("views.publish", {"user_id": "U0", "view": []}, "invalid_arguments"),
        ("admin.users.remove", {}, "unknown_method"),
    ],
)
def test_a_wrong_call_is_refused_by_name(
    workspace: Workspace,
    client: WebClient,
    method: str,
    arguments: dict[str, str],
    error: str,
) -> None:
    given = {
        key: workspace.channel_id if value == "HERE" else value
        for key, value in arguments.items()
    }

    with pytest.raises(SlackApiError) as caught:
        client.api_call(method, json=given)

    assert refused(caught.value) == error


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("xoxb-wrong", "invalid_auth"),
        ("", "not_authed"),
        ("app", "not_allowed_token_type"),
    ],
)
def test_a_wrong_token_opens_nothing(
    workspace: Workspace, token: str, error: str
) -> None:
    given = workspace.app_token if token == "app" else token
    stranger = WebClient(token=given, base_url=workspace.api_url)

    with pytest.raises(SlackApiError) as caught:
        stranger.auth_test()

    assert refused(caught.value) == error


def test_arguments_may_travel_in_the_query_a_form_or_a_json_body(
    workspace: Workspace, client: WebClient
) -> None:
    wanted = {"channel": workspace.channel_id, "text": "x"}
    client.api_call("chat.postMessage", http_verb="GET", params=wanted)
    client.api_call("chat.postMessage", data=wanted)
    client.api_call("chat.postMessage", json=wanted)

    assert len(workspace.messages()) == 3
    assert [c.args["text"] for c in workspace.calls_of("chat.postMessage")] == ["x"] * 3
    assert all("token" not in call.args for call in workspace.calls)


def test_a_streamed_answer_grows_until_it_is_stopped(
    workspace: Workspace, client: WebClient, card: str
) -> None:
    where = workspace.channel_id
    client.assistant_threads_setStatus(
        channel_id=where, thread_ts=card, status="is thinking"
    )
    assert workspace.state.statuses
    begun = client.chat_startStream(
        channel=where,
        thread_ts=card,
        recipient_user_id=ALICE.id,
        recipient_team_id=workspace.team_id,
        markdown_text="It ",
    )
    client.chat_appendStream(channel=where, ts=begun["ts"], markdown_text="is **slow**")
    assert workspace.message(begun["ts"]).streaming
    client.chat_stopStream(channel=where, ts=begun["ts"], markdown_text=".")

    answer = workspace.message(begun["ts"])
    assert (answer.text, answer.streaming) == ("It is **slow**.", False)
    assert not workspace.state.statuses
    with pytest.raises(SlackApiError) as caught:
        client.chat_appendStream(channel=where, ts=begun["ts"], markdown_text="!")
    assert refused(caught.value) == "message_not_in_streaming_state"


def test_a_stream_in_a_channel_needs_its_recipient(
    workspace: Workspace, client: WebClient, card: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.chat_startStream(channel=workspace.channel_id, thread_ts=card)

    assert refused(caught.value) == "missing_recipient_user_id"


def test_a_status_can_be_taken_away(
    workspace: Workspace, client: WebClient, card: str
) -> None:
    where = {"channel_id": workspace.channel_id, "thread_ts": card}
    client.assistant_threads_setStatus(status="is reading", **where)
    client.assistant_threads_setStatus(status="", **where)

    assert not workspace.state.statuses


def test_markdown_text_goes_alone(workspace: Workspace, client: WebClient) -> None:
    where = workspace.channel_id
    client.chat_postMessage(channel=where, markdown_text="**yes**")
    assert workspace.card().blocks[0]["type"] == "markdown"

    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=where, text="x", markdown_text="**no**")

    assert refused(caught.value) == "markdown_text_conflict"
