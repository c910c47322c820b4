"""The Web API's upload in three steps: ask for an address, send the bytes, share."""

import mimetypes
from dataclasses import replace

from handlers.workspace.args import Args
from handlers.workspace.message import Message, StoredFile
from handlers.workspace.methods_chat import joined
from handlers.workspace.state import State
from handlers.workspace.wire import Json, Refused


def upload_url(state: State, args: Args) -> Json:
    """`files.getUploadURLExternal`."""
    name = args.need("filename")
    if args.number("length", 0) < 1:
        raise Refused("invalid_arguments", "[ERROR] must be greater than 0: length")
    file = StoredFile(
        id=state.new_id("F"),
        name=name,
        title=name,
        mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream",
        data=b"",
        alt_text=args.get("alt_txt") or args.get("alt_text"),
    )
    state.uploads[file.id] = file
    return {"file_id": file.id, "upload_url": f"{state.origin}/upload/{file.id}"}


def receive(state: State, file_id: str, data: bytes) -> bool:
    """Take the bytes of an announced file; False where none was announced."""
    with state.change():
        file = state.uploads.get(file_id)
        if file is not None:
            state.uploads[file_id] = replace(file, data=data)
        return file is not None


def complete_upload(state: State, args: Args) -> Json:
    """`files.completeUploadExternal`: the files appear as one message."""
    wanted = args.objects("files") or []
    channel_id = args.get("channel_id") or args.get("channels")
    channel = joined(state, channel_id) if channel_id else None
    thread_ts = args.get("thread_ts") or None
    files = [_finished(state, item, channel_id, thread_ts) for item in wanted]
    if not files:
        raise Refused("invalid_arguments", "[ERROR] missing required field: files")
    for file in files:
        del state.uploads[file.id]
        state.files[file.id] = file
    if channel is not None:
        state.put(
            Message(
                channel=channel.id,
                ts=state.stamp(),
                user=state.team.bot_user,
                bot_id=state.team.bot_id,
                app_id=state.team.app_id,
                text=args.get("initial_comment"),
                thread_ts=thread_ts,
                file_ids=tuple(f.id for f in files),
            )
        )
    return {"files": [f.as_slack(state.origin) for f in files]}


def _finished(
    state: State, item: Json, channel: str, thread_ts: str | None
) -> StoredFile:
    file = state.uploads.get(str(item.get("id")))
    if file is None or not file.data:
        raise Refused("file_not_found")
    title = str(item.get("title") or file.name)
    return replace(file, title=title, channel=channel, thread_ts=thread_ts)
