"""Where a click came from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The message a click came from."""

    channel: str
    ts: str
