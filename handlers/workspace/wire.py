"""The shape of everything Slack says and hears: JSON objects, and a named refusal."""

from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object as it stands on the wire. Slack's payloads are open; we keep them whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing Slack dislikes about a payload, with a JSON pointer to it."""

    what: str
    where: str

    def __str__(self) -> str:
        return f"[ERROR] {self.what} [json-pointer:{self.where}]"


class Refused(Exception):
    """A Web API call is answered `ok: false`; `error` is Slack's word for why."""

    def __init__(self, error: str, *messages: str) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages

    def as_slack(self) -> Json:
        """Return the body of the answer."""
        body: Json = {"ok": False, "error": self.error}
        if self.messages:
            body["response_metadata"] = {"messages": list(self.messages)}
        return body
