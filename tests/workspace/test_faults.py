import time
import urllib.error
from http.client import RemoteDisconnected

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from handlers.workspace import Workspace


def post(workspace: Workspace, client: WebClient) -> None:
    client.chat_postMessage(channel=workspace.channel_id, text="hello")


def test_a_429_says_how_long_to_wait_and_posts_nothing(
    workspace: Workspace, client: WebClient
) -> None:
    workspace.faults.rate_limit("chat.postMessage", retry_after_seconds=7)

    with pytest.raises(SlackApiError) as caught:
        post(workspace, client)

    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    assert workspace.messages() == []


def test_a_client_that_waits_gets_through_a_429(workspace: Workspace) -> None:
    patient = WebClient(
        token=workspace.bot_token,
        base_url=workspace.api_url,
        retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=1)],
    )
    workspace.faults.rate_limit("chat.postMessage")

    post(workspace, patient)

    assert len(workspace.messages()) == 1
    assert len(workspace.calls_of("chat.postMessage")) == 2


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_strikes_as_often_as_told(
    workspace: Workspace, client: WebClient, status: int
) -> None:
    workspace.faults.server_error("chat.postMessage", times=2, status=status)

    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            post(workspace, client)
        assert caught.value.response.status_code == status

    post(workspace, client)
    assert len(workspace.messages()) == 1


def test_a_fault_strikes_its_own_method_only(
    workspace: Workspace, client: WebClient
) -> None:
    workspace.faults.refuse("users.info", "internal_error")

    post(workspace, client)
    with pytest.raises(SlackApiError) as caught:
        client.users_info(user=workspace.bot_user_id)

    assert caught.value.response["error"] == "internal_error"


def test_a_slow_call_is_done_in_the_end(
    workspace: Workspace, client: WebClient
) -> None:
    workspace.faults.slow("chat.postMessage", seconds=0.3)
    began = time.monotonic()

    post(workspace, client)

    assert time.monotonic() - began > 0.3
    assert len(workspace.messages()) == 1


def test_a_connection_cut_after_the_call_leaves_the_caller_in_the_dark(
    workspace: Workspace, client: WebClient
) -> None:
    workspace.faults.cut_after("chat.postMessage")

    with pytest.raises((RemoteDisconnected, ConnectionError, urllib.error.URLError)):
        post(workspace, client)

    assert len(workspace.messages()) == 1


def test_an_outage_ends_when_it_is_told_to(
    workspace: Workspace, client: WebClient
) -> None:
    workspace.faults.outage(on=True)
    for call in (client.auth_test, lambda: post(workspace, client)):
        with pytest.raises(SlackApiError) as caught:
            call()
        assert caught.value.response.status_code == 503

    workspace.faults.outage(on=False)
    post(workspace, client)

    assert len(workspace.messages()) == 1


def test_what_was_struck_is_known(workspace: Workspace, client: WebClient) -> None:
    workspace.faults.rate_limit("chat.postMessage")

    with pytest.raises(SlackApiError):
        post(workspace, client)
    post(workspace, client)

    (strike,) = workspace.faults.struck
    assert (strike.method, strike.fault.kind) == ("chat.postMessage", "rate_limit")


def test_faults_can_be_taken_back(workspace: Workspace, client: WebClient) -> None:
    workspace.faults.server_error(times=5)
    workspace.faults.duplicate_envelopes(5)
    workspace.faults.outage(on=True)

    workspace.faults.clear()

    post(workspace, client)
    assert workspace.faults.strike_envelope() is None
