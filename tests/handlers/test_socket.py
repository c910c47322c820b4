"""Connecting by Socket Mode: once, and again after a cut."""

import threading
import time
from collections.abc import Iterator

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from handlers.socket import Socket
from handlers.workspace import Workspace

SETTLED_SECONDS = 1.2
"""Longer than the SDK takes to notice a session that another one replaced."""


@pytest.fixture
def bare(slack: WebClient, workspace: Workspace) -> Iterator[Socket]:
    """A connection that carries nothing."""
    made = Socket(App(client=slack), slack, workspace.app_token)
    yield made
    made.stop()


def monitored(socket: Socket) -> bool:
    """Whether the SDK makes a lost connection anew."""
    return socket._handler.client.current_app_monitor.is_alive()


@pytest.mark.usefixtures("connected")
def test_a_start_makes_one_connection_and_keeps_it(workspace: Workspace) -> None:
    workspace.wait_connected()
    time.sleep(SETTLED_SECONDS)
    assert len(workspace.calls_of("apps.connections.open")) == 1
    assert workspace.connections() == 1


@pytest.mark.usefixtures("connected")
def test_a_connection_that_is_cut_is_made_again(workspace: Workspace) -> None:
    workspace.wait_connected()
    time.sleep(SETTLED_SECONDS)
    workspace.disconnect(hard=True)
    workspace.wait_connected()
    assert len(workspace.calls_of("apps.connections.open")) == 2


def test_what_is_connected_is_watched(bare: Socket, workspace: Workspace) -> None:
    bare.start()
    workspace.wait_connected()
    bare._thread.join(5)
    assert monitored(bare)


def test_what_cannot_connect_is_watched_too(
    bare: Socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("handlers.socket._SETTLES_WITHIN", 0.2)
    monkeypatch.setattr(bare, "is_connected", lambda: False)
    bare.start()
    bare._thread.join(5)
    assert monitored(bare)
    assert "slack.not_connected error=no handshake" in caplog.text


def test_a_stop_before_it_is_connected_ends_it(
    bare: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    monkeypatch.setattr(bare, "is_connected", looked.set)
    bare.start()
    assert looked.wait(5)
    bare.stop()
    bare._thread.join(5)
    assert not bare._thread.is_alive()
    assert not monitored(bare)
