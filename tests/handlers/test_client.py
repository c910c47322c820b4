"""Calling Slack: every failure is *again* or *never*, with a deadline."""

from urllib.error import URLError

import pytest
from slack_sdk import WebClient

from handlers.client import NETWORK_ERRORS, Failure, client, failure_of
from handlers.workspace import Workspace


def failed(slack: WebClient, method: str = "auth.test") -> Failure:
    with pytest.raises(NETWORK_ERRORS) as error:
        slack.api_call(method)
    return failure_of(error.value)


def test_a_rate_limit_waits_as_long_as_slack_says(
    slack: WebClient, workspace: Workspace
) -> None:
    workspace.faults.rate_limit(retry_after_seconds=7)
    assert failed(slack) == Failure(error="ratelimited", again=True, wait=7.0)


def test_a_wait_of_hours_is_shortened(slack: WebClient, workspace: Workspace) -> None:
    workspace.faults.rate_limit(retry_after_seconds=7200)
    assert failed(slack).wait == 120.0


def test_a_server_error_is_tried_again(slack: WebClient, workspace: Workspace) -> None:
    workspace.faults.server_error(status=503)
    found = failed(slack)
    assert found.again


def test_a_lost_answer_is_tried_again(slack: WebClient, workspace: Workspace) -> None:
    workspace.faults.cut_after("auth.test")
    found = failed(slack)
    assert found.again


def test_a_passing_refusal_is_tried_again(
    slack: WebClient, workspace: Workspace
) -> None:
    workspace.faults.refuse("auth.test", "internal_error")
    assert failed(slack) == Failure(error="internal_error", again=True)


def test_a_refusal_for_good_is_not_tried_again(
    slack: WebClient, workspace: Workspace
) -> None:
    workspace.faults.refuse("auth.test", "channel_not_found")
    assert failed(slack) == Failure(error="channel_not_found", again=False)


def test_what_the_server_lacks_is_told_apart(slack: WebClient) -> None:
    found = failed(slack, "calls.add")
    assert (found.again, found.missing) == (False, True)


def test_a_deadline_is_kept(workspace: Workspace) -> None:
    hurried = client(workspace.bot_token, workspace.api_url, timeout=0.2)
    workspace.faults.slow("auth.test", seconds=0.8)
    assert failed(hurried).again


def test_a_network_error_is_named_without_its_text() -> None:
    found = failure_of(URLError("http://secret.example"))
    assert found == Failure(error="URLError", again=True)


@pytest.mark.parametrize("url", [None, "http://x/api", "http://x/api/"])
def test_an_address_ends_with_a_slash(url: str | None) -> None:
    assert client("t", url, timeout=1).base_url.endswith("/api/")


def test_nothing_is_retried_behind_our_back() -> None:
    assert client("t", None, timeout=1).retry_handlers == []
