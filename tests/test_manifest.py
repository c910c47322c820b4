"""The Slack manifest asks for what the code uses, and for nothing else."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config.settings import Slack
from handlers.workspace import web_api
from tests.manifest import MANIFEST, faults

ROOT = Path(__file__).parent.parent
HANDLERS = "\n".join(
    file.read_text()
    for folder in ("handlers", "handlers/blocks")
    for file in sorted((ROOT / folder).glob("*.py"))
)
HISTORY = {"channels:history", "groups:history"}

# What Slack's reference says each method needs of a bot token.
SCOPES_OF: Mapping[str, set[str]] = {
    "apps.connections.open": set(),
    "assistant.threads.setStatus": {"assistant:write"},
    "auth.test": set(),
    "chat.appendStream": {"chat:write"},
    "chat.getPermalink": set(),
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.startStream": {"chat:write"},
    "chat.stopStream": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": HISTORY,
    "conversations.replies": HISTORY,
    "files.upload": {"files:write"},
    "usergroups.users.list": {"usergroups:read"},
    "users.info": {"users:read"},
    "views.open": set(),
    "views.publish": set(),
}
SCOPES_OF_EVENT: Mapping[str, set[str]] = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "message": {"im:history"},
}


@pytest.fixture
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(MANIFEST.read_text())
    return loaded


def methods() -> set[str]:
    """The methods of the Web API that the handlers call, as they are named there."""
    families = "|".join({name.partition(".")[0] for name in SCOPES_OF})
    named = re.findall(rf'"((?:{families})\.[a-zA-Z.]+)"', HANDLERS)
    called = re.findall(r"\.(views)_([a-z]+)\(", HANDLERS)
    return {*named, *(".".join(pair) for pair in called)}


def events() -> set[str]:
    return set(re.findall(r'app\.event\("(\w+)"\)', HANDLERS))


def test_every_method_and_event_is_known_here() -> None:
    assert methods() == set(SCOPES_OF)
    assert events() == set(SCOPES_OF_EVENT)


def test_the_scopes_are_those_of_methods_events_and_the_command(
    manifest: dict[str, Any],
) -> None:
    needed = {"commands"}
    needed |= {scope for method in methods() for scope in SCOPES_OF[method]}
    needed |= {scope for event in events() for scope in SCOPES_OF_EVENT[event]}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed
    assert "user" not in manifest["oauth_config"]["scopes"]


def test_the_events_are_those_that_are_listened_to(manifest: dict[str, Any]) -> None:
    subscribed = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert {event.partition(".")[0] for event in subscribed} == events()
    # Of messages only those to the bot alone are read.
    assert [e for e in subscribed if e.startswith("message")] == ["message.im"]


def test_the_command_is_the_default_one(manifest: dict[str, Any]) -> None:
    (command,) = manifest["features"]["slash_commands"]
    assert command["command"] == Slack().command
    # `handover @bob` arrives as a person's id only so.
    assert command["should_escape"] is True


def test_clicks_arrive_over_socket_mode(manifest: dict[str, Any]) -> None:
    settings = manifest["settings"]
    assert re.search(r"app\.(action|view)\(", HANDLERS)
    assert settings["interactivity"]["is_enabled"] is True
    assert settings["socket_mode_enabled"] is True
    # Rotated tokens would have to be written somewhere; the bot reads them once.
    assert settings["token_rotation_enabled"] is False


def test_the_home_tab_and_messages_to_the_bot_are_open(
    manifest: dict[str, Any],
) -> None:
    home = manifest["features"]["app_home"]
    assert home["home_tab_enabled"] and home["messages_tab_enabled"]
    assert home["messages_tab_read_only_enabled"] is False


def test_the_local_workspace_grants_the_same_scopes(manifest: dict[str, Any]) -> None:
    granted = {scope.strip() for scope in web_api.SCOPES.split(",")}
    assert granted == set(manifest["oauth_config"]["scopes"]["bot"])


def test_the_check_against_a_schema_names_place_and_fault() -> None:
    schema = {"properties": {"settings": {"additionalProperties": False}}}
    assert faults({"settings": {}}, schema) == []
    (fault,) = faults({"settings": {"socket_mode": True}}, schema)
    assert fault.startswith("settings: ") and "socket_mode" in fault
