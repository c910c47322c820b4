"""Connecting by Socket Mode: once, and again after a cut."""

import time

import pytest

from handlers.workspace import Workspace

pytestmark = pytest.mark.usefixtures("connected")
SETTLED_SECONDS = 1.2
"""Longer than the SDK takes to notice a session that another one replaced."""


def test_a_start_makes_one_connection_and_keeps_it(workspace: Workspace) -> None:
    workspace.wait_connected()
    time.sleep(SETTLED_SECONDS)
    assert len(workspace.calls_of("apps.connections.open")) == 1
    assert workspace.connections() == 1


def test_a_connection_that_is_cut_is_made_again(workspace: Workspace) -> None:
    workspace.wait_connected()
    time.sleep(SETTLED_SECONDS)
    workspace.disconnect(hard=True)
    workspace.wait_connected()
    assert len(workspace.calls_of("apps.connections.open")) == 2
