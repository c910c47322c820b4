"""A question as a person asked it, and the answer that goes into the thread."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.charts.plots import Plot
from bot.model import Table
from bot.person import Person

RULES: Final = "rules"
"""The author of an answer that no model worded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An earlier question of the same thread and its answer.

    about: the incident that the answer was about, if it was about one.
    """

    asked: str
    answered: str
    about: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody asks. text: untrusted, any length.

    incident: the one whose card began the thread. thread: what was said in it before,
    the oldest first; nothing from other threads.
    """

    text: str
    person: Person
    incident: int | None = None
    thread: tuple[Said, ...] = ()

    @property
    def about(self) -> int | None:
        """The incident that "it" means here: the card's, else the last one spoken of."""
        if self.incident is not None:
            return self.incident
        spoken_of = (said.about for said in reversed(self.thread))
        return next((number for number in spoken_of if number is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture that says more: the last `span` of a series that is measured here.

    host: another one, of which Prometheus tells the figure of that name.
    """

    series: str
    span: timedelta
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said in the thread. text: plain, at most a few lines, never mark-up.

    author: "rules" or the model's name. evidence: ids of what it rests on (E1, M2, R1,
    `incident 12`). table: shown below the text. chart: to be drawn into the thread.
    picture: drawn already, likewise.
    command: the exact words with which a person can ask for an action. card: the
    incident whose card should be linked. about: the incident it speaks of. missing:
    what it had to do without.
    """

    text: str
    author: str = RULES
    evidence: tuple[str, ...] = ()
    table: Table | None = None
    chart: Chart | None = None
    picture: Plot | None = None
    command: str | None = None
    card: int | None = None
    about: int | None = None
    missing: str = ""
