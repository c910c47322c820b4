"""Where a click came from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The message a click came from.

    card: the id of the card that the message says to be; "" where it says nothing.
    """

    channel: str
    ts: str
    card: str = ""
