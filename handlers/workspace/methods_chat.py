"""The Web API's `chat.*`: post, edit, delete, whisper, link."""

from dataclasses import replace

from handlers.workspace.args import Args
from handlers.workspace.limits import UPDATE_CHARACTERS, check_message
from handlers.workspace.message import Message
from handlers.workspace.named import named
from handlers.workspace.state import Channel, State
from handlers.workspace.wire import Json, Refused


def post_message(state: State, args: Args) -> Json:
    """`chat.postMessage`."""
    channel = joined(state, args.need("channel"))
    message = state.put(replace(draft(state, channel, args), ts=state.stamp()))
    state.statuses.pop((message.channel, message.root_ts), None)
    return _sent(message)


def post_ephemeral(state: State, args: Args) -> Json:
    """`chat.postEphemeral`: seen by one member of the channel, kept in no history."""
    channel = joined(state, args.need("channel"))
    user = args.need("user")
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    message = replace(draft(state, channel, args), ts=state.stamp(), visible_to=user)
    return {"message_ts": state.put(message).ts}


def update(state: State, args: Args) -> Json:
    """`chat.update`; blocks stay as they were where the call names none."""
    channel = state.channel(args.need("channel"))
    old = own_message(state, channel, args.need("ts"), "cant_update_message")
    if len(args.get("text")) > UPDATE_CHARACTERS:
        raise Refused("msg_too_long")
    new = draft(state, channel, args)
    kept = old.blocks if args.objects("blocks") is None else new.blocks
    changed = replace(
        old,
        text=new.text,
        blocks=kept,
        metadata=new.metadata or old.metadata,
        edited_ts=state.stamp(),
        version=old.version + 1,
    )
    return _sent(state.put(changed)) | {"text": changed.text}


def delete(state: State, args: Args) -> Json:
    """`chat.delete`."""
    channel = state.channel(args.need("channel"))
    message = own_message(state, channel, args.need("ts"), "cant_delete_message")
    del state.messages[message.channel, message.ts]
    return {"channel": message.channel, "ts": message.ts}


def permalink(state: State, args: Args) -> Json:
    """`chat.getPermalink`."""
    channel = state.channel(args.need("channel"))
    message = state.message(channel.id, args.need("message_ts"))
    link = f"{state.origin}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def joined(state: State, channel_id: str) -> Channel:
    """Return a channel the bot is a member of; raise `Refused`."""
    channel = state.channel(channel_id)
    if state.team.bot_user not in channel.members:
        raise Refused("not_in_channel")
    return channel


def own_message(state: State, channel: Channel, ts: str, error: str) -> Message:
    """Return a message the bot may change; raise `Refused(error)` for another's."""
    message = state.message(channel.id, ts)
    if message.user != state.team.bot_user:
        raise Refused(error)
    return message


def draft(state: State, channel: Channel, args: Args) -> Message:
    """Return the message these arguments describe, without a ts; raise `Refused`."""
    blocks = args.objects("blocks") or []
    text = args.get("text")
    if markdown := args.get("markdown_text"):
        if text or blocks:
            raise Refused("markdown_text_conflict")
        blocks = [{"type": "markdown", "text": markdown}]
    if not text and not blocks and not args.objects("attachments"):
        raise Refused("no_text")
    check_message(text, blocks)
    return Message(
        channel=channel.id,
        ts="",
        user=state.team.bot_user,
        bot_id=state.team.bot_id,
        app_id=state.team.app_id,
        text=text,
        blocks=named(state, blocks),
        thread_ts=args.get("thread_ts") or None,
        metadata=args.object("metadata"),
    )


def _sent(message: Message) -> Json:
    return {"channel": message.channel, "ts": message.ts, "message": message.as_slack()}
