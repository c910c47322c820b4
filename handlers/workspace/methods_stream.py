"""The Web API's streaming answers and the "is thinking" line."""

from dataclasses import replace

from handlers.workspace.args import Args
from handlers.workspace.limits import check_message
from handlers.workspace.message import Message
from handlers.workspace.methods_chat import joined, own_message
from handlers.workspace.named import named
from handlers.workspace.state import State
from handlers.workspace.wire import Json, Refused


def start_stream(state: State, args: Args) -> Json:
    """`chat.startStream`: an answer that grows, in a thread."""
    channel = joined(state, args.need("channel"))
    thread_ts = args.need("thread_ts")
    for needed in ("recipient_user_id", "recipient_team_id"):
        if not channel.is_im and not args.get(needed):
            raise Refused(f"missing_{needed}")
    message = Message(
        channel=channel.id,
        ts=state.stamp(),
        user=state.team.bot_user,
        bot_id=state.team.bot_id,
        app_id=state.team.app_id,
        thread_ts=thread_ts,
        streaming=True,
    )
    state.statuses.pop((channel.id, thread_ts), None)
    grown = state.put(_grown(state, message, args))
    return {"channel": grown.channel, "ts": grown.ts}


def append_stream(state: State, args: Args) -> Json:
    """`chat.appendStream`."""
    message = state.put(_grown(state, _streaming(state, args), args))
    return {"channel": message.channel, "ts": message.ts}


def stop_stream(state: State, args: Args) -> Json:
    """`chat.stopStream`: the last words, and blocks below them."""
    message = _grown(state, _streaming(state, args), args)
    blocks = args.objects("blocks") or []
    check_message(message.text, blocks)
    done = replace(
        message,
        streaming=False,
        blocks=message.blocks + named(state, blocks),
        version=message.version + 1,
    )
    state.put(done)
    return {"channel": done.channel, "ts": done.ts, "message": done.as_slack()}


def set_status(state: State, args: Args) -> Json:
    """`assistant.threads.setStatus`; an empty status takes it away."""
    key = (state.channel(args.need("channel_id")).id, args.need("thread_ts"))
    status = args.get("status")
    if status:
        state.statuses[key] = status
    else:
        state.statuses.pop(key, None)
    return {}


def _streaming(state: State, args: Args) -> Message:
    channel = state.channel(args.need("channel"))
    message = own_message(state, channel, args.need("ts"), "message_not_owned_by_app")
    if not message.streaming:
        raise Refused("message_not_in_streaming_state")
    return message


def _grown(state: State, message: Message, args: Args) -> Message:
    chunks = args.objects("chunks") or []
    more = args.get("markdown_text") + "".join(str(c.get("text", "")) for c in chunks)
    text = message.text + more
    blocks = named(state, [{"type": "markdown", "text": text}] if text else [])
    return replace(message, text=text, blocks=blocks, version=message.version + 1)
