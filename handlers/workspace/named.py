"""Blocks as Slack stores them: every block has a block_id, every element an action_id."""

from collections.abc import Iterable

from handlers.workspace.state import State
from handlers.workspace.wire import Json

_OPERABLE = ("accessory", "element")


def named(state: State, blocks: Iterable[Json]) -> tuple[Json, ...]:
    """Return the blocks with the ids their author left out."""
    return tuple(_named_block(state, block) for block in blocks)


def _named_block(state: State, block: Json) -> Json:
    new: Json = {"block_id": state.new_id("b")} | block
    if new["type"] == "actions":
        new["elements"] = [_named_element(state, e) for e in new["elements"]]
    for key in _OPERABLE:
        if isinstance(new.get(key), dict) and new[key]["type"] != "image":
            new[key] = _named_element(state, new[key])
    return new


def _named_element(state: State, element: Json) -> Json:
    return {"action_id": state.new_id("a")} | element
