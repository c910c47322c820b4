"""Slack's limits on what a person can operate: buttons, menus, inputs."""

from collections.abc import Callable, Mapping

from handlers.workspace.limits_text import (
    Problems,
    confirm,
    length,
    options,
    plain,
    style,
)
from handlers.workspace.wire import Json, Problem

Check = Callable[[Json, str], Problems]


def _button(element: Json, where: str) -> Problems:
    yield from plain(element, "text", 75, where=where)
    yield from length(str(element.get("value", "")), 0, 2000, where=f"{where}/value")
    yield from length(str(element.get("url", "")), 0, 3000, where=f"{where}/url")
    label = str(element.get("accessibility_label", ""))
    yield from length(label, 0, 75, where=f"{where}/accessibility_label")
    yield from style(element, where)


def _overflow(element: Json, where: str) -> Problems:
    yield from options(element, 5, where)


def _select(element: Json, where: str) -> Problems:
    if "option_groups" not in element:
        yield from options(element, 100, where)
    yield from _placeholder(element, where)


def _choices(element: Json, where: str) -> Problems:
    yield from options(element, 10, where)


def _placeholder(element: Json, where: str) -> Problems:
    if "placeholder" in element:
        yield from plain(element, "placeholder", 150, where=where)


ELEMENTS: Mapping[str, Check] = {
    "button": _button,
    "overflow": _overflow,
    "static_select": _select,
    "multi_static_select": _select,
    "radio_buttons": _choices,
    "checkboxes": _choices,
    "users_select": _placeholder,
    "multi_users_select": _placeholder,
    "conversations_select": _placeholder,
    "datepicker": _placeholder,
    "timepicker": _placeholder,
    "plain_text_input": _placeholder,
    "number_input": _placeholder,
}
_INPUT_ONLY = frozenset({"plain_text_input", "number_input"})
_ACTIONS_NEVER = _INPUT_ONLY | {"multi_static_select", "multi_users_select"}
_INPUT_NEVER = frozenset({"button", "overflow"})


def element_problems(element: object, where: str) -> Problems:
    """Yield what is wrong with one element, whatever block holds it."""
    if not isinstance(element, dict):
        yield Problem(what="must be an object", where=where)
        return
    check = ELEMENTS.get(str(element.get("type")))
    if check is None:
        what = f"unsupported type: {element.get('type')}"
        yield Problem(what=what, where=f"{where}/type")
        return
    action_id = str(element.get("action_id", ""))
    yield from length(action_id, 0, 255, where=f"{where}/action_id")
    yield from confirm(element, where)
    yield from check(element, where)


def in_actions(element: Json, where: str) -> Problems:
    """Check an element of an actions block."""
    yield from _allowed(element, where, never=_ACTIONS_NEVER)
    yield from element_problems(element, where)


def in_section(element: Json, where: str) -> Problems:
    """Check a section's accessory that is not an image."""
    yield from _allowed(element, where, never=_INPUT_ONLY)
    yield from element_problems(element, where)


def in_input(element: Json, where: str) -> Problems:
    """Check the element of an input block."""
    yield from _allowed(element, where, never=_INPUT_NEVER)
    yield from element_problems(element, where)


def _allowed(element: object, where: str, *, never: frozenset[str]) -> Problems:
    if isinstance(element, dict) and element.get("type") in never:
        what = f"unsupported type: {element['type']}"
        yield Problem(what=what, where=f"{where}/type")
