"""A modal or a Home tab, and what a person filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handlers.workspace.wire import Json

Filled = Mapping[str, str | Sequence[str]]
"""What a person typed or chose: action_id → text, option (its text or value) or several."""


_SINGLE: Mapping[str, tuple[str, str]] = {
    "users_select": ("selected_user", "initial_user"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
}


class NotFilled(ValueError):
    """A person cannot submit: an input is empty that is not optional."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One open view. `body` is what the bot sent; `errors` are block_id → text."""

    id: str
    user: str
    body: Json
    hash: str
    root_id: str = ""
    previous_id: str | None = None
    values: Json = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    version: int = 0

    @property
    def blocks(self) -> list[Json]:
        """The view's blocks."""
        return list(self.body.get("blocks", []))

    @property
    def title(self) -> str:
        """The view's title, empty for a Home tab."""
        return str(self.body.get("title", {}).get("text", ""))

    def as_slack(self, *, team_id: str, app_id: str, bot_id: str) -> Json:
        """Return the view object as the Web API and payloads carry it."""
        fixed: Json = {
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "notify_on_close": False,
            "clear_on_close": False,
            "close": None,
            "submit": None,
        }
        return (
            fixed
            | self.body
            | {
                "id": self.id,
                "team_id": team_id,
                "app_id": app_id,
                "bot_id": bot_id,
                "hash": self.hash,
                "root_view_id": self.root_id or self.id,
                "previous_view_id": self.previous_id,
                "state": {"values": self.values},
            }
        )


def fill(blocks: Sequence[Json], filled: Filled) -> Json:
    """Return `state.values` for these blocks; raise `NotFilled` for a required gap."""
    values: Json = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        given = filled.get(element["action_id"])
        answer = _answer(element, given)
        if not any(answer.values()) and not block.get("optional", False):
            raise NotFilled(f"{block['label']['text']} is empty")
        kind = {"type": element["type"]}
        values[block["block_id"]] = {element["action_id"]: kind | answer}
    return values


def _answer(element: Json, given: str | Sequence[str] | None) -> Json:
    match element["type"]:
        case "static_select" | "radio_buttons":
            chosen = _option(element, given) if isinstance(given, str) else None
            return {"selected_option": chosen or element.get("initial_option")}
        case "checkboxes" | "multi_static_select":
            if given is None:
                return {"selected_options": element.get("initial_options", [])}
            wanted = [given] if isinstance(given, str) else given
            options = [_option(element, one) for one in wanted]
            return {"selected_options": [o for o in options if o]}
        case kind:
            answer, initial = _SINGLE.get(kind, ("value", "initial_value"))
            return {answer: given or element.get(initial)}


def _option(element: Json, wanted: str) -> Json | None:
    for option in element.get("options", []):
        if wanted in (option.get("value"), option["text"]["text"]):
            return dict(option)
    return None
