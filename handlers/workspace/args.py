"""The arguments of one Web API call, however they travelled.

They arrive in the query, urlencoded, as multipart or as a JSON body; `blocks`, `view`
and their like are JSON inside forms.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from handlers.workspace.wire import Json, Refused

_NESTED = ("blocks", "attachments", "view", "metadata", "chunks", "files")


@dataclass(frozen=True, slots=True, kw_only=True)
class Args:
    """Typed access to what the caller sent; absent and empty are the same."""

    values: Mapping[str, Any]

    def get(self, name: str, default: str = "") -> str:
        """Return a scalar as text."""
        value = self.values.get(name)
        return default if value in (None, "") else str(value)

    def need(self, name: str) -> str:
        """Return a scalar as text; refuse the call where it is absent."""
        value = self.get(name)
        if not value:
            raise Refused(
                "invalid_arguments", f"[ERROR] missing required field: {name}"
            )
        return value

    def number(self, name: str, default: int) -> int:
        """Return a whole number."""
        text = self.get(name, str(default))
        if not text.isdigit():
            raise Refused("invalid_arguments", f"[ERROR] must be an integer: {name}")
        return int(text)

    def yes(self, name: str) -> bool:
        """Return a switch; absent is off."""
        return self.get(name).lower() in ("1", "true")

    def objects(self, name: str) -> list[Json] | None:
        """Return a list of objects, or None where the argument is absent."""
        value = self.values.get(name)
        if value in (None, ""):
            return None
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise Refused(f"invalid_{name}_format")
        return value

    def object(self, name: str) -> Json | None:
        """Return one object, or None where the argument is absent."""
        value = self.values.get(name)
        if value in (None, ""):
            return None
        if not isinstance(value, dict):
            raise Refused("invalid_arguments", f"[ERROR] must be an object: {name}")
        return value


async def read_args(request: Request) -> tuple[str, Json]:
    """Return the token, wherever it stood, and the arguments with their JSON decoded."""
    values: Json = dict(request.query_params)
    if request.method == "POST":
        values |= await _body(request)
    header = request.headers.get("authorization", "")
    token = str(values.pop("token", "")) or header.removeprefix("Bearer ").strip()
    for name in _NESTED:
        if isinstance(values.get(name), str):
            values[name] = _decoded(values[name])
    return token, values


async def _body(request: Request) -> Json:
    if "json" in request.headers.get("content-type", ""):
        decoded = _decoded((await request.body()).decode() or "{}")
        return decoded if isinstance(decoded, dict) else {}
    async with request.form() as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}


def _decoded(text: str) -> Any:  # noqa: ANN401 - a caller may send any JSON
    try:
        return json.loads(text)
    except ValueError:
        return text
