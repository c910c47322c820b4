"""Slack's limits on each kind of block."""

from collections.abc import Mapping

from handlers.workspace.limits_elements import Check, in_actions, in_input, in_section
from handlers.workspace.limits_text import (
    Problems,
    count,
    either,
    items,
    length,
    plain,
    rich,
)
from handlers.workspace.wire import Json, Problem

_RICH = frozenset(
    {
        "rich_text_section",
        "rich_text_list",
        "rich_text_preformatted",
        "rich_text_quote",
    }
)
_RICH_LEAVES = frozenset(
    {
        "text",
        "link",
        "user",
        "usergroup",
        "channel",
        "emoji",
        "date",
        "broadcast",
        "color",
        "team",
    }
)


def _header(block: Json, where: str) -> Problems:
    yield from plain(block, "text", 150, where=where)


def _section(block: Json, where: str) -> Problems:
    if "text" in block or "fields" not in block:
        yield from rich(block, "text", 3000, where=where)
    if "fields" in block:
        yield from count(block["fields"], 1, 10, where=f"{where}/fields")
    for index, field in enumerate(items(block, "fields")):
        yield from either(field, 2000, where=f"{where}/fields/{index}")
    accessory = block.get("accessory")
    if isinstance(accessory, dict) and accessory.get("type") == "image":
        yield from _image(accessory, f"{where}/accessory")
    elif accessory is not None:
        yield from in_section(accessory, f"{where}/accessory")


def _actions(block: Json, where: str) -> Problems:
    yield from count(block.get("elements"), 1, 25, where=f"{where}/elements")
    for index, element in enumerate(items(block, "elements")):
        yield from in_actions(element, f"{where}/elements/{index}")


def _context(block: Json, where: str) -> Problems:
    yield from count(block.get("elements"), 1, 10, where=f"{where}/elements")
    for index, element in enumerate(items(block, "elements")):
        pointer = f"{where}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            yield from _image(element, pointer)
        else:
            yield from either(element, 2000, where=pointer)


def _divider(_block: Json, _where: str) -> Problems:
    yield from ()


def _image(block: Json, where: str) -> Problems:
    yield from length(
        str(block.get("alt_text") or ""), 1, 2000, where=f"{where}/alt_text"
    )
    if not block.get("image_url") and not block.get("slack_file"):
        yield Problem(what="missing required field: image_url", where=where)
    yield from length(
        str(block.get("image_url", "")), 0, 3000, where=f"{where}/image_url"
    )
    if "title" in block:
        yield from plain(block, "title", 2000, where=where)


def _input(block: Json, where: str) -> Problems:
    yield from plain(block, "label", 2000, where=where)
    if "hint" in block:
        yield from plain(block, "hint", 2000, where=where)
    yield from in_input(block.get("element", {}), f"{where}/element")


def _markdown(block: Json, where: str) -> Problems:
    yield from length(str(block.get("text") or ""), 1, 12_000, where=f"{where}/text")


def _file(block: Json, where: str) -> Problems:
    if not block.get("external_id"):
        yield Problem(what="missing required field: external_id", where=where)


def _rich_text(block: Json, where: str) -> Problems:
    for index, element in enumerate(items(block, "elements")):
        pointer = f"{where}/elements/{index}"
        kind = element.get("type") if isinstance(element, dict) else None
        if kind not in _RICH:
            yield Problem(what=f"unsupported type: {kind}", where=f"{pointer}/type")
            continue
        yield from _rich_inside(element, pointer)


def _rich_inside(element: Json, where: str) -> Problems:
    inside = "rich_text_section" if element["type"] == "rich_text_list" else None
    for index, leaf in enumerate(items(element, "elements")):
        pointer = f"{where}/elements/{index}"
        kind = leaf.get("type")
        if (kind != inside) if inside else (kind not in _RICH_LEAVES):
            yield Problem(what=f"unsupported type: {kind}", where=f"{pointer}/type")
        elif inside:
            yield from _rich_inside(leaf, pointer)
        elif kind == "text":
            yield from length(
                str(leaf.get("text", "")), 1, 40_000, where=f"{pointer}/text"
            )


def _table(block: Json, where: str) -> Problems:
    yield from count(block.get("rows"), 1, 100, where=f"{where}/rows")
    for number, row in enumerate(items(block, "rows")):
        pointer = f"{where}/rows/{number}"
        yield from count(row, 1, 20, where=pointer)
        for column, cell in enumerate(row if isinstance(row, list) else []):
            yield from _cell(cell, f"{pointer}/{column}")


def _cell(cell: object, where: str) -> Problems:
    kind = cell.get("type") if isinstance(cell, dict) else None
    if kind not in ("raw_text", "rich_text", "raw_number"):
        yield Problem(what=f"unsupported type: {kind}", where=f"{where}/type")
    elif isinstance(cell, dict) and kind == "rich_text":
        yield from _rich_text(cell, where)
    elif isinstance(cell, dict) and kind == "raw_text":
        yield from length(str(cell.get("text", "")), 1, 10_000, where=f"{where}/text")


BLOCKS: Mapping[str, Check] = {
    "actions": _actions,
    "context": _context,
    "divider": _divider,
    "file": _file,
    "header": _header,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "section": _section,
    "table": _table,
}
