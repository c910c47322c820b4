"""`response_url`: five answers within half an hour to whoever clicked or commanded."""

import secrets
from dataclasses import replace

from handlers.workspace.args import Args
from handlers.workspace.message import Message
from handlers.workspace.methods_chat import draft
from handlers.workspace.state import (
    HOOK_LIFE_SECONDS,
    HOOK_USES,
    Channel,
    Hook,
    State,
)
from handlers.workspace.wire import Json, Refused


def new_hook(
    state: State, *, channel: str, user: str, message: Message | None = None
) -> str:
    """Return a `response_url` for this person, who clicked in `message` if any."""
    hook_id = secrets.token_urlsafe(12)
    state.hooks[hook_id] = Hook(
        channel=channel,
        user=user,
        made_at=state.now(),
        message_ts=message.ts if message else None,
    )
    return f"{state.origin}/hook/{hook_id}"


def answer_hook(state: State, hook_id: str, values: Json) -> None:
    """Do what was posted to a `response_url`; raise `Refused`."""
    hook = _spend(state, hook_id)
    args = Args(values=values)
    if args.yes("delete_original"):
        _delete(state, _original(state, hook))
    elif args.yes("replace_original"):
        _replace(state, _original(state, hook), args)
    else:
        channel = state.channels.get(hook.channel) or Channel(
            id=hook.channel, name="", members=[]
        )
        respond(state, channel, hook.user, args)


def respond(state: State, channel: Channel, user: str, args: Args) -> None:
    """Post an answer to a person: for them alone unless it says `in_channel`."""
    public = args.get("response_type") == "in_channel"
    message = replace(
        draft(state, channel, args),
        ts=state.stamp(),
        visible_to=None if public else user,
    )
    state.put(message)


def _spend(state: State, hook_id: str) -> Hook:
    hook = state.hooks.get(hook_id)
    if hook is None:
        raise Refused("no_service")
    if state.now() - hook.made_at > HOOK_LIFE_SECONDS:
        raise Refused("expired_url")
    if hook.uses >= HOOK_USES:
        raise Refused("used_url")
    hook.uses += 1
    return hook


def _original(state: State, hook: Hook) -> Message:
    ts = hook.message_ts or ""
    found = state.ephemerals.get(ts) or state.messages.get((hook.channel, ts))
    if found is None:
        raise Refused("message_not_found")
    return found


def _delete(state: State, message: Message) -> None:
    if message.visible_to is None:
        del state.messages[message.channel, message.ts]
    else:
        del state.ephemerals[message.ts]


def _replace(state: State, message: Message, args: Args) -> None:
    channel = state.channels[message.channel]
    new = draft(state, channel, args)
    state.put(
        replace(
            message,
            text=new.text,
            blocks=new.blocks,
            edited_ts=state.stamp(),
            version=message.version + 1,
        )
    )
