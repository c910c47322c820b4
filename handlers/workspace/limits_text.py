"""Slack's limits on texts, option lists and confirm dialogs: shared by all blocks."""

from collections.abc import Iterator
from typing import Any

from handlers.workspace.wire import Json, Problem

_PLAIN = ("plain_text",)
_ANY = ("plain_text", "mrkdwn")
Problems = Iterator[Problem]


def plain(holder: Json, key: str, most: int, *, where: str) -> Problems:
    """Check that `holder[key]` is a plain_text object of 1 to `most` characters."""
    yield from _text(holder.get(key), most, f"{where}/{key}", _PLAIN)


def rich(holder: Json, key: str, most: int, *, where: str) -> Problems:
    """Check that `holder[key]` is a plain_text or mrkdwn object of 1 to `most` characters."""
    yield from _text(holder.get(key), most, f"{where}/{key}", _ANY)


def either(text: object, most: int, *, where: str) -> Problems:
    """Check a plain_text or mrkdwn object that stands in a list."""
    yield from _text(text, most, where, _ANY)


def _text(text: object, most: int, where: str, kinds: tuple[str, ...]) -> Problems:
    if not isinstance(text, dict):
        yield Problem(what="missing required field: text", where=where)
        return
    if text.get("type") not in kinds:
        yield Problem(what=f"must be one of: {', '.join(kinds)}", where=f"{where}/type")
    if not isinstance(text.get("text"), str):
        yield Problem(what="missing required field: text", where=where)
        return
    yield from length(text["text"], 1, most, where=f"{where}/text")


def length(value: str, least: int, most: int, *, where: str) -> Problems:
    """Check how long a string is."""
    if len(value) < least:
        yield Problem(what=f"must be more than {least - 1} characters", where=where)
    if len(value) > most:
        yield Problem(what=f"must be less than {most + 1} characters", where=where)


def count(items: object, least: int, most: int, *, where: str) -> Problems:
    """Check how many items a list has."""
    if not isinstance(items, list):
        yield Problem(what="must be a list", where=where)
        return
    if len(items) < least:
        yield Problem(what=f"no less than {least} items allowed", where=where)
    if len(items) > most:
        yield Problem(what=f"no more than {most} items allowed", where=where)


def items(holder: Json, key: str) -> list[Any]:
    """Return a list, empty where there is none."""
    found = holder.get(key)
    return found if isinstance(found, list) else []


def options(holder: Json, most: int, where: str) -> Problems:
    """Check an element's options: their number, labels (75) and values (150)."""
    yield from count(holder.get("options"), 1, most, where=f"{where}/options")
    for index, option in enumerate(items(holder, "options")):
        pointer = f"{where}/options/{index}"
        yield from rich(option, "text", 75, where=pointer)
        value = option.get("value")
        yield from length(str(value or ""), 1, 150, where=f"{pointer}/value")
        if "description" in option:
            yield from rich(option, "description", 75, where=pointer)


def confirm(element: Json, where: str) -> Problems:
    """Check an element's confirm dialog, if it has one."""
    dialog = element.get("confirm")
    if dialog is None:
        return
    pointer = f"{where}/confirm"
    yield from plain(dialog, "title", 100, where=pointer)
    yield from rich(dialog, "text", 300, where=pointer)
    yield from plain(dialog, "confirm", 30, where=pointer)
    yield from plain(dialog, "deny", 30, where=pointer)
    yield from style(dialog, pointer)


def style(holder: Json, where: str) -> Problems:
    """Check a colour of a button: only `primary` and `danger` exist."""
    if holder.get("style") not in (None, "primary", "danger"):
        yield Problem(what="must be one of: primary, danger", where=f"{where}/style")
