import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from handlers.workspace import Workspace

PNG = b"\x89PNG\r\n\x1a\n picture"


def test_an_uploaded_picture_stands_in_the_thread(
    workspace: Workspace, client: WebClient, card: str
) -> None:
    client.files_upload_v2(
        channel=workspace.channel_id,
        thread_ts=card,
        file=PNG,
        filename="cpu.png",
        title="CPU, last hour",
        alt_txt="CPU rises",
        initial_comment="See the chart",
    )

    [file] = workspace.files
    assert (file.data, file.mimetype, file.title) == (
        PNG,
        "image/png",
        "CPU, last hour",
    )
    assert (file.thread_ts, file.alt_text) == (card, "CPU rises")
    message = workspace.thread(card)[1]
    assert (message.text, message.file_ids) == ("See the chart", (file.id,))
    replies = client.conversations_replies(channel=workspace.channel_id, ts=card)
    assert replies["messages"][1]["files"][0]["name"] == "cpu.png"


def test_a_file_without_a_channel_is_in_no_message(
    workspace: Workspace, client: WebClient
) -> None:
    client.files_upload_v2(content="words", filename="notes.txt")

    assert workspace.files[0].mimetype == "text/plain"
    assert workspace.messages() == []


def test_a_file_is_given_to_the_bots_token_only(
    workspace: Workspace, client: WebClient
) -> None:
    shared = client.files_upload_v2(file=PNG, filename="cpu.png")["file"]
    url = shared["url_private"]
    token = {"Authorization": f"Bearer {workspace.bot_token}"}

    assert httpx.get(url, headers=token).content == PNG
    assert httpx.get(url).status_code == 404


def test_a_file_that_was_never_sent_cannot_be_shared(
    workspace: Workspace, client: WebClient
) -> None:
    asked = client.files_getUploadURLExternal(filename="a.png", length=5)

    with pytest.raises(SlackApiError) as caught:
        client.files_completeUploadExternal(files=[{"id": asked["file_id"]}])

    assert caught.value.response["error"] == "file_not_found"
    assert workspace.files == []


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("files.completeUploadExternal", {"files": []}),
        ("files.getUploadURLExternal", {"filename": "a.png", "length": 0}),
    ],
)
def test_an_upload_of_nothing_is_refused(
    client: WebClient, method: str, arguments: dict[str, object]
) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.api_call(method, json=arguments)

    assert caught.value.response["error"] == "invalid_arguments"


def test_an_upload_may_be_a_form(workspace: Workspace, client: WebClient) -> None:
    asked = client.files_getUploadURLExternal(filename="a.png", length=5)

    httpx.post(asked["upload_url"], files={"file": ("a.png", PNG)})

    client.files_completeUploadExternal(files=[{"id": asked["file_id"]}])
    assert workspace.files[0].data == PNG


def test_an_invented_upload_address_takes_nothing(workspace: Workspace) -> None:
    answer = httpx.post(f"{workspace.page_url}upload/F0", content=b"x")

    assert answer.status_code == 404
