"""What is on the shelf at one instant, and how it follows the files. No threads here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.runbooks.folder import Entry, Look, entries, load, missing
from bot.runbooks.page import Page, Parsed
from bot.runbooks.problem import Problem

MAX_TOTAL_BYTES = 64 * 1024 * 1024

_FULL = "the shelf is full (64 MB; the smallest files come first)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What was made of a file, and how the file looked then."""

    look: Look
    parsed: Parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One state of the shelf; replaced as a whole, never changed.

    unsettled: files that have just changed, with their new look: they are read when
    a second look finds them the same, so that no half-written file is.
    """

    slots: Mapping[Path, Slot] = field(default_factory=dict)
    unsettled: Mapping[Path, Look] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()

    @property
    def pages(self) -> dict[str, Page]:
        """The usable pages by a key that is unique, in the order of their names."""
        return {
            str(path): slot.parsed.page
            for path, slot in self.slots.items()
            if slot.parsed.page is not None
        }

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything wrong with the folders and files."""
        told = (p for slot in self.slots.values() for p in slot.parsed.problems)
        return (*self.notes, *told)


def look(folders: Sequence[Path], before: Stock, *, first: bool = False) -> Stock:
    """Return the stock after one look at the folders.

    Only what changed is read. `first`: everything is read at once.
    """
    found = [entry for folder in folders for entry in entries(folder)]
    fitting, over = _fitting(found)
    slots: dict[Path, Slot] = {}
    unsettled: dict[Path, Look] = {}
    for entry in fitting:
        slot = before.slots.get(entry.path)
        if slot is not None and slot.look == entry.look:
            slots[entry.path] = slot
        elif first or before.unsettled.get(entry.path) == entry.look:
            slots[entry.path] = Slot(look=entry.look, parsed=load(entry))
        else:
            unsettled[entry.path] = entry.look
            if slot is not None:
                slots[entry.path] = slot
    missed = (missing(folder) for folder in folders)
    notes = (*(note for note in missed if note), *over)
    return Stock(slots=slots, unsettled=unsettled, notes=notes)


def _fitting(found: list[Entry]) -> tuple[list[Entry], list[Problem]]:
    """Return what fits on the shelf, by path, and what does not."""
    by_size = sorted(found, key=lambda entry: (entry.size, str(entry.path)))
    fitting, over, total = list[Entry](), list[Problem](), 0
    for entry in by_size:
        size = 0 if entry.why_not else entry.size
        if total + size <= MAX_TOTAL_BYTES:
            fitting.append(entry)
            total += size
        else:
            mend = "move what is no runbook elsewhere"
            over.append(Problem(file=entry.shown, line=1, what=_FULL, mend=mend))
    return sorted(fitting, key=lambda entry: str(entry.path)), over
