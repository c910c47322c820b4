"""The workspace as a whole: started, looked at, waited for, run alone."""

import os
import re
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from slack_sdk import WebClient

from handlers.workspace import (
    ALICE,
    BOB,
    DEFAULT_PEOPLE,
    NotPossible,
    Person,
    Team,
    Workspace,
)


def test_it_gives_the_port_back_when_it_stops() -> None:
    with Workspace.start() as first:
        port = int(first.page_url.rsplit(":", 1)[1].strip("/"))

    with Workspace.start(port) as second:
        assert second.page_url == first.page_url


def test_it_says_so_when_the_port_is_taken() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(OSError, match="in use"),
    ):
        Workspace.start(other.getsockname()[1])


def test_nobody_acts_in_a_workspace_that_stopped() -> None:
    with Workspace.start() as stopped:
        pass

    with pytest.raises(RuntimeError, match="not running"):
        stopped.say(ALICE.id, "hello?")


def test_waiting_returns_what_was_waited_for(
    workspace: Workspace, client: WebClient
) -> None:
    client.chat_postMessage(channel=workspace.channel_id, text="hello")

    assert workspace.wait_for(lambda: workspace.messages()[0]).text == "hello"


@pytest.mark.usefixtures("card")
def test_waiting_in_vain_tells_the_story_so_far(workspace: Workspace) -> None:
    with pytest.raises(TimeoutError, match="web-1 is slow"):
        workspace.wait_for(lambda: workspace.messages()[7], timeout=0.1)


def test_a_card_is_found_by_what_it_says(workspace: Workspace, card: str) -> None:
    assert workspace.card("web-1").ts == card
    with pytest.raises(NotPossible, match="web-9"):
        workspace.card("web-9")
    with pytest.raises(NotPossible):
        workspace.message("1.2")


def test_a_button_is_found_by_its_text(workspace: Workspace, card: str) -> None:
    found = workspace.find_button("Approve")

    assert found is not None
    assert (found.message_ts, found.value, found.style) == (card, "p-1", "primary")
    assert workspace.find_button("Launch") is None
    assert workspace.find_button("Approve", "1.2") is None


def test_what_is_known_of_a_person_can_change(
    workspace: Workspace, client: WebClient
) -> None:
    gone = Person(id=BOB.id, name="bob", real_name="Bob Okafor", deleted=True)

    workspace.put_person(gone)

    assert client.users_info(user=BOB.id)["user"]["deleted"]
    assert len(DEFAULT_PEOPLE) == 5


def test_it_runs_alone_and_leaves_when_asked() -> None:
    program = [sys.executable, "-m", "handlers.workspace", "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as alone:
        assert alone.stdout is not None
        told = "".join(
            iter(
                alone.stdout.readline,
                "Ctrl-C ends it, and all that was said in it is gone.\n",
            )
        )
        found = dict(re.findall(r"^  export (\w+)=(.*)$", told, re.MULTILINE))
        client = WebClient(
            token=found["SLACK_BOT_TOKEN"], base_url=found["SLACK_API_URL"]
        )
        page = str(client.auth_test()["url"])
        assert f"Open  {page}" in told
        channel = client.conversations_info(channel=Team().channel_id)["channel"]
        assert f"{channel['id']}    #{channel['name']}" in told
        assert all(person.id in told for person in DEFAULT_PEOPLE)
        busy = [*program[:-1], str(urlsplit(page).port)]
        second = subprocess.run(
            busy, capture_output=True, text=True, timeout=30, check=False
        )
        assert second.returncode == 2
        assert "Name another --port" in second.stderr
        assert "Traceback" not in second.stderr
        os.kill(alone.pid, signal.SIGTERM)
        assert alone.wait(10) == 0
