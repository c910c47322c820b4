"""Where the names of events find room above a chart. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LETTER: Final = 0.0118
"""The width of a letter, as a fraction of the axes' width."""
_GAP: Final = 0.012
_ROWS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. place: when, as a fraction of the time axis."""

    place: float
    text: str
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """Where an event's name stands. row: from the chart upwards. is_left: of its line."""

    event: Event
    row: int
    is_left: bool

    @property
    def ends(self) -> tuple[float, float]:
        """Where it begins and where it ends, with the gap around it."""
        width = len(self.event.text) * _LETTER + _GAP
        place = self.event.place
        return (place - width, place) if self.is_left else (place, place + width)


def named(events: Sequence[Event]) -> list[Name]:
    """Find room for each in turn; what finds none has no name."""
    found: list[Name] = []
    for event in events:
        name = next((n for n in _places(event) if _is_free(n, found)), None)
        if name is not None:
            found.append(name)
    return found


def _places(event: Event) -> list[Name]:
    rows = range(_ROWS)
    sides = (False, True)
    return [Name(event=event, row=r, is_left=s) for r in rows for s in sides]


def _is_free(name: Name, others: Sequence[Name]) -> bool:
    begin, end = name.ends
    if begin < -0.07 or end > 1.25:
        return False
    same_row = (other.ends for other in others if other.row == name.row)
    return all(end <= theirs[0] or begin >= theirs[1] for theirs in same_row)
