"""What Slack refuses about a message or a view, from its Block Kit reference.

Pure: blocks in, problems out. The sum limit of a message is undocumented and was
measured (about 13,200 characters, `msg_blocks_too_long`).
"""

from collections import Counter
from collections.abc import Iterator

from handlers.workspace.limits_blocks import BLOCKS
from handlers.workspace.limits_text import plain
from handlers.workspace.message import elements, texts
from handlers.workspace.wire import Json, Problem, Refused

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_BLOCK_CHARACTERS = 13_200
MESSAGE_CHARACTERS = 40_000
UPDATE_CHARACTERS = 4_000
TABLE_CHARACTERS = 10_000

_NOT_IN_VIEWS = frozenset({"markdown", "table", "file"})


def check_message(text: str, blocks: list[Json]) -> None:
    """Raise `Refused` as `chat.postMessage` would for this text and these blocks."""
    if len(text) > MESSAGE_CHARACTERS:
        raise Refused("msg_too_long")
    problems = list(block_problems(blocks, MESSAGE_BLOCKS, "/blocks"))
    if problems:
        raise Refused("invalid_blocks", *map(str, problems))
    if sum(map(len, texts(blocks))) > MESSAGE_BLOCK_CHARACTERS:
        raise Refused("msg_blocks_too_long")
    _check_tables([b for b in blocks if b["type"] == "table"])


def _check_tables(tables: list[Json]) -> None:
    if len(tables) > 1:
        raise Refused("invalid_attachments", "only_one_table_allowed")
    if sum(map(len, texts(tables))) > TABLE_CHARACTERS:
        raise Refused("invalid_blocks", "[ERROR] table exceeds 10000 characters")


def check_view(view: Json) -> None:
    """Raise `Refused` as `views.open` and `views.publish` would for this view."""
    problems = [*_frame_problems(view)]
    problems += _misplaced(view.get("blocks", []))
    problems += block_problems(view.get("blocks", []), VIEW_BLOCKS, "/view/blocks")
    if problems:
        raise Refused("invalid_arguments", *map(str, problems))


def _frame_problems(view: Json) -> Iterator[Problem]:
    kind = view.get("type")
    if kind not in ("modal", "home"):
        yield Problem(what=f"unsupported type: {kind}", where="/view/type")
    if kind == "modal":
        yield from plain(view, "title", 24, where="/view")
    has_input = any(b.get("type") == "input" for b in view.get("blocks", []))
    for key, needed in (("submit", has_input and kind == "modal"), ("close", False)):
        if needed or view.get(key) is not None:
            yield from plain(view, key, 24, where="/view")
    for key, most in (("private_metadata", 3000), ("callback_id", 255)):
        if len(view.get(key) or "") > most:
            yield Problem(
                what=f"must be less than {most + 1} characters", where=f"/view/{key}"
            )


def _misplaced(blocks: list[Json]) -> Iterator[Problem]:
    for index, block in enumerate(blocks):
        if block.get("type") in _NOT_IN_VIEWS:
            what = f"unsupported type: {block['type']}"
            yield Problem(what=what, where=f"/view/blocks/{index}/type")


def block_problems(blocks: list[Json], most: int, where: str) -> Iterator[Problem]:
    """Yield everything wrong with a list of blocks."""
    if len(blocks) > most:
        yield Problem(what=f"no more than {most} items allowed", where=where)
    for index, block in enumerate(blocks):
        pointer = f"{where}/{index}"
        check = BLOCKS.get(str(block.get("type")))
        if check is None:
            yield Problem(
                what=f"unsupported type: {block.get('type')}", where=f"{pointer}/type"
            )
            continue
        if len(str(block.get("block_id", ""))) > 255:
            yield Problem(
                what="must be less than 256 characters", where=f"{pointer}/block_id"
            )
        yield from check(block, pointer)
    yield from _twice(blocks, where)


def _twice(blocks: list[Json], where: str) -> Iterator[Problem]:
    block_ids = Counter(b["block_id"] for b in blocks if b.get("block_id"))
    known = [b for b in blocks if b.get("type") in BLOCKS]
    action_ids = Counter(str(e["action_id"]) for _, e in elements(known))
    for kind, counted in (("block_id", block_ids), ("action_id", action_ids)):
        for name, times in counted.items():
            if times > 1:
                yield Problem(what=f'{kind} "{name}" already exists', where=where)
