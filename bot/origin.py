"""Where a click came from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The message a click came from.

    incident: whose card the message says to be; None where it says nothing.
    """

    channel: str
    ts: str
    incident: int | None = None
