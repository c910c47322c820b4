"""What an intent is given: the words made comparable, and everything it may read."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bot.charts.plots import Plots
from bot.config.settings import Settings
from bot.converse.question import Question
from bot.learning.explain import Recalls
from bot.model import EvidenceItem, Incident
from bot.report.reports import Reports
from bot.runbooks.matching import Match
from bot.status import Status
from bot.storage import store
from bot.storage.record import Record
from bot.text.redact import visible
from remediation.ledger.proposal import Proposal

LONGEST: Final = 1000
"""Characters of a question that are read."""
_NUMBER: Final = re.compile(
    r"(?:\bincident|\bnumber|\bcard|\bcase|#)\s{0,2}#?(\d{1,6})\b"
    r"|\b(?:is|was|about|of|in|show|explain|why|with)\s(\d{1,6})\b"
    r"(?!\s?(?:s|m|h|d|min|sec|hours?|minutes?|days?|weeks?|%|[kmg]b)\b)"
    r"|^(?:and |what about )?#?(\d{1,6})\s?\??$"
)


class Finds(Protocol):
    """The shelf of runbooks."""

    def pick(self, incident: Incident, limit: int = 2) -> list[Match]:
        """Return the runbooks for an incident, the best first."""

    def find(self, words: str, limit: int = 5) -> list[Match]:
        """Return the runbooks for a person's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What may be read to answer. All of it is read-only.

    processes: the largest processes as they are now, in tables; none where they cannot
    be read.
    """

    settings: Settings
    record: Record
    status: Status
    memory: Recalls
    shelf: Finds
    plots: Plots
    reports: Reports
    processes: Callable[[], Sequence[EvidenceItem]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question being answered. words: lower case, one space between them."""

    question: Question
    words: str
    sources: Sources

    @classmethod
    def of(cls, question: Question, sources: Sources) -> "Asked":
        """Make the words comparable: no invisible characters, no odd quotes."""
        plain = visible(question.text[:LONGEST]).replace(
            "\N{RIGHT SINGLE QUOTATION MARK}", "'"
        )
        return cls(
            question=question, words=" ".join(plain.lower().split()), sources=sources
        )

    @property
    def number(self) -> int | None:
        """The incident that is named in the words."""
        return number_in(self.words)

    @property
    def incident(self) -> Incident | None:
        """The incident that is named, else the one that the thread is about."""
        number = self.number
        if number is None:
            number = self.question.about
        return None if number is None else self.get(number)

    def get(self, number: int) -> Incident | None:
        """Return an incident, None for an unknown number."""
        with self.sources.record.database.read() as tx:
            try:
                return store.get(tx, number)
            except store.Unknown:
                return None

    def open(self) -> list[Incident]:
        """Return the open incidents, the oldest first."""
        with self.sources.record.database.read() as tx:
            return store.opened(tx)

    def waiting(self, incident: Incident) -> list[Proposal]:
        """Return what a click can still decide of it, the one on the card first."""
        record = self.sources.record
        with record.database.read() as tx:
            proposals = record.ledger.of(tx, incident.number)
        pending = [proposal for proposal in proposals if proposal.is_pending]
        return sorted(pending, key=lambda proposal: proposal.id != incident.offered)


def number_in(words: str) -> int | None:
    """Return the incident's number that is named ("incident 12", "what is 12 about")."""
    found = _NUMBER.search(words)
    return int(found[1] or found[2] or found[3]) if found else None
