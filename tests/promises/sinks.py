"""Everything the bot wrote anywhere, as bytes: what a secret or a live mention is looked for in."""

import json
from collections.abc import Iterator

from handlers.workspace.wire import Json
from handlers.workspace.workspace import Workspace
from tests.scenarios.stage import Bot


def files_of(bot: Bot) -> Iterator[tuple[str, bytes]]:
    """The state folder byte by byte (database, write-ahead log) and the log."""
    for path in sorted(bot.folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(bot.folder)), path.read_bytes()


def calls_of(workspace: Workspace) -> Iterator[tuple[str, bytes]]:
    """Every Web API call as it arrived, refused ones too."""
    for call in workspace.calls:
        yield call.method, json.dumps(call.args, default=str).encode()


def spoken_blocks(workspace: Workspace) -> Iterator[Json]:
    """Every text object that Slack would interpret or show, of everything posted."""
    holders: list[object] = [m.blocks for m in workspace.messages()]
    holders += [m.blocks for m in workspace.ephemerals()]
    with workspace.state.lock:
        holders += [home.blocks for home in workspace.state.homes.values()]
        holders += [view.blocks for view in workspace.state.views.values()]
    for holder in holders:
        yield from _texts(holder)
    for message in (*workspace.messages(), *workspace.ephemerals()):
        yield {"type": "mrkdwn", "text": message.text}


def _texts(value: object) -> Iterator[Json]:
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
