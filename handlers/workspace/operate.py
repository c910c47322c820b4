"""Which element a person means, and what Slack says of its use. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from handlers.workspace.wire import Json


class NotPossible(LookupError):
    """A person cannot do this: what they want to operate is not on their screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person operates.

    target: a button's text, an action_id, or the text or value of a menu's option.
    option: for a menu named by its action_id, the option's text or value.
    value: forges the button's value.
    """

    target: str
    option: str | None = None
    value: str | None = None


def operate(found: Iterable[tuple[str, Json]], choice: Choice) -> Json:
    """Return the entry of `actions` for this choice; raise `NotPossible`."""
    seen = []
    for block_id, element in found:
        seen.append(label(element))
        action = _action(element, choice)
        if action is not None:
            return action | {
                "type": element["type"],
                "action_id": element["action_id"],
                "block_id": block_id,
            }
    raise NotPossible(f"nothing is called {choice.target!r}; there are {seen}")


def label(element: Json) -> str:
    """Return what a person would call an element."""
    if element["type"] == "button":
        return str(element["text"]["text"])
    return str(element["action_id"])


def _action(element: Json, choice: Choice) -> Json | None:
    named = choice.target in (element["action_id"], label(element))
    match element["type"]:
        case "button" if named and choice.option is None:
            return _pressed(element, choice)
        case "users_select" if named:
            return {"selected_user": choice.option}
        case "datepicker" if named:
            return {"selected_date": choice.option}
        case "overflow" | "static_select" | "radio_buttons":
            option = _option(element, choice.option or choice.target)
            wanted = named or choice.option is None
            return {"selected_option": option} if option and wanted else None
        case _:
            return None


def _pressed(element: Json, choice: Choice) -> Json:
    value = element.get("value") if choice.value is None else choice.value
    pressed: Json = {"text": element["text"]}
    if value is not None:
        pressed["value"] = value
    if "style" in element:
        pressed["style"] = element["style"]
    return pressed


def _option(element: Json, wanted: str) -> Json | None:
    for option in element.get("options", []):
        if wanted in (option["text"]["text"], option.get("value")):
            return dict(option)
    return None
