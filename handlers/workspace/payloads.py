"""What Slack sends for what a person did. Pure: values in, JSON out."""

from dataclasses import dataclass

from handlers.workspace.message import Message
from handlers.workspace.people import Team
from handlers.workspace.state import Channel, State
from handlers.workspace.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it: `team_id` is the team they belong to, `seen_team_id` where they did it."""

    id: str
    name: str
    team_id: str
    seen_team_id: str

    def as_slack(self) -> Json:
        """Return the `user` of an interaction."""
        return {
            "id": self.id,
            "username": self.name,
            "name": self.name,
            "team_id": self.team_id,
        }


def actor(state: State, user: str, team: str | None = None) -> Actor:
    """Return who acts; `team` forges the team they act from."""
    person = state.people.get(user)
    home = state.team.id
    return Actor(
        id=user,
        name=state.username(user),
        team_id=team or (person.team_id if person else home),
        seen_team_id=team or home,
    )


def _frame(kind: str, team: Team, actor: Actor) -> Json:
    return {
        "type": kind,
        "user": actor.as_slack(),
        "api_app_id": team.app_id,
        "token": "local-workspace",
        "team": {"id": actor.seen_team_id, "domain": team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_action(
    team: Team, actor: Actor, message: Message, *, channel: Channel, action: Json
) -> Json:
    """Return a click in a message. An ephemeral message is not part of its own click."""
    ephemeral = message.visible_to is not None
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    body = _frame("block_actions", team, actor) | {
        "container": container,
        "channel": {"id": channel.id, "name": channel.name},
        "state": {"values": {}},
        "actions": [action],
    }
    return body if ephemeral else body | {"message": message.as_slack()}


def view_action(team: Team, actor: Actor, view: Json, action: Json) -> Json:
    """Return a click in a modal or on the Home tab."""
    return _frame("block_actions", team, actor) | {
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "actions": [action],
    }


def view_submission(team: Team, actor: Actor, view: Json) -> Json:
    """Return the press of a modal's submit button."""
    return _frame("view_submission", team, actor) | {"view": view, "response_urls": []}


def view_closed(team: Team, actor: Actor, view: Json, *, cleared: bool) -> Json:
    """Return a modal closed without submitting."""
    return _frame("view_closed", team, actor) | {"view": view, "is_cleared": cleared}


def slash_command(
    team: Team, actor: Actor, *, command: str, text: str, channel: Channel
) -> Json:
    """Return a slash command; all values are strings, as in a form."""
    return {
        "token": "local-workspace",
        "team_id": actor.seen_team_id,
        "team_domain": team.domain,
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.is_im else channel.name,
        "user_id": actor.id,
        "user_name": actor.name,
        "command": command,
        "text": text,
        "api_app_id": team.app_id,
        "is_enterprise_install": "false",
    }


def event(team: Team, inner: Json, *, event_id: str, at: float) -> Json:
    """Wrap an event for the Events API."""
    authorization = {
        "enterprise_id": None,
        "team_id": team.id,
        "user_id": team.bot_user,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "type": "event_callback",
        "token": "local-workspace",
        "team_id": team.id,
        "context_team_id": team.id,
        "context_enterprise_id": None,
        "api_app_id": team.app_id,
        "event": inner,
        "event_id": event_id,
        "event_time": int(at),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def said(kind: str, message: Message, team_id: str, channel: Channel) -> Json:
    """Return a person's message as the event `app_mention` or `message`."""
    inner: Json = {
        "type": kind,
        "user": message.user,
        "team": team_id,
        "text": message.text,
        "ts": message.ts,
        "channel": channel.id,
        "event_ts": message.ts,
        "client_msg_id": f"local-{message.ts}",
    }
    if message.thread_ts:
        inner["thread_ts"] = message.thread_ts
    if kind == "message":
        inner["channel_type"] = "im" if channel.is_im else "channel"
    return inner


def home_opened(
    user: str, *, channel: str, tab: str, ts: str, view: Json | None
) -> Json:
    """Return `app_home_opened`; `view` is the Home tab as the person saw it until now."""
    inner: Json = {
        "type": "app_home_opened",
        "user": user,
        "channel": channel,
        "tab": tab,
        "event_ts": ts,
    }
    return inner if view is None else inner | {"view": view}
