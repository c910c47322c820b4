"""The vectors of cases: made, stored with their embedder's name, never mixed."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from memory import cases as rows
from memory.case import Case
from memory.cases import PARTS
from memory.embed import Embedder, EmbedderUnavailable
from memory.rank import nearness
from memory.rest import Rest
from memory.search import question, readable

if TYPE_CHECKING:
    from memory.bert import Floats

log = logging.getLogger(__name__)


class OtherEmbedder(Exception):
    """Another process is filling the database with its own embedder's vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectorised:
    """key → part → vector. A case without an entry has none yet."""

    by_key: Mapping[str, Mapping[str, "Floats"]]


NONE = Vectorised(by_key={})
"""No vectors."""
_FOREIGN = (
    "No vectors: another bot on this database uses another embedder; memory searches by "
    "words alone"
)


class Vectors:
    """Makes vectors while the embedder can; `trouble` says when it cannot.

    Those of another embedder stay in the database until the first of ours are there,
    and are not compared with anything. rest: how long an embedder that failed is left
    alone, because each try may cost its deadline.
    """

    def __init__(self, embedder: Embedder | None, rest: Rest) -> None:
        self._embedder = embedder
        self._rest = rest
        # What the database held when it was looked at last.
        self._is_ours = False
        # Whether it ever held ours. Another embedder's are replaced once, at the start:
        # two processes with an embedder each would replace them for ever.
        self._is_settled = False
        self._failure = ""

    @property
    def name(self) -> str:
        """Whose vectors these are; "" for none."""
        return self._embedder.name if self._embedder else ""

    @property
    def trouble(self) -> str:
        """Why there can be no vectors now, in words for a person; "" if there can."""
        return _FOREIGN if self._is_settled and not self._is_ours else self._failure

    def of(self, cases: Sequence[Case]) -> Vectorised:
        """Return the vectors of `cases`, or none of them if there can be none now."""
        if not self._is_ours or self._rest.seconds():
            return NONE
        try:
            return self.make(cases)
        except EmbedderUnavailable:
            return NONE

    def make(self, cases: Sequence[Case]) -> Vectorised:
        """Return the vectors of `cases`; raise `EmbedderUnavailable`, which is told."""
        if self._embedder is None:
            return NONE
        pieces = [
            (case.key, part, text) for case in cases for part, text in _texts(case)
        ]
        try:
            made = self._embedder.documents([readable(text) for *_, text in pieces])
        except EmbedderUnavailable as error:
            self._fail(error)
            raise
        self._work()
        by_key: dict[str, dict[str, Floats]] = {}
        for (key, part, _), row in zip(pieces, made, strict=True):
            by_key.setdefault(key, {})[part] = row
        return Vectorised(by_key=by_key)

    def query(self, text: str) -> "Floats | None":
        """Return a question's vector, or None if there can be none now."""
        if self._embedder is None or not self._is_ours or self._rest.seconds():
            return None
        try:
            made: Floats = self._embedder.query(question(text))
        except EmbedderUnavailable as error:
            self._fail(error)
            return None
        self._work()
        return made

    def rest_seconds(self) -> float:
        """Return how long the embedder is left alone still; 0 when it may be asked."""
        return self._rest.seconds()

    def look(self, tx: Connection) -> int:
        """Learn whose vectors are there; return how many cases have none of ours."""
        if self._embedder is None:
            return 0
        self._is_ours = self._may_add(tx)
        if self._is_settled and not self._is_ours:
            return 0
        self._is_settled = self._is_settled or self._is_ours
        return rows.count(tx, bare=self._is_ours)

    def lacking(self, tx: Connection, limit: int) -> list[Case]:
        """Return cases that have no vectors of ours, the latest first."""
        if self._embedder is None:
            return []
        may_add = self._may_add(tx)
        if self._is_settled and not may_add:
            return []
        return rows.newest(tx, limit, bare=may_add)

    def stored(
        self, tx: Connection, keys: Collection[str] | None = None
    ) -> dict[str, dict[str, "Floats"]]:
        """Return the vectors of these cases or of all, if they are this embedder's."""
        return rows.vectors(tx, keys) if self._may_add(tx) else {}

    def nearness(
        self, tx: Connection, keys: Collection[str], query: "Floats | None"
    ) -> dict[str, float]:
        """Return how near to the question each case is that has vectors."""
        if query is None:
            return {}
        stored = self.stored(tx, keys)
        return {key: nearness(parts, query) for key, parts in stored.items()}

    def save(self, tx: Connection, made: Vectorised) -> Vectorised:
        """Write vectors of cases that have none; return those that were written."""
        if not made.by_key or not self._may_add(tx):
            return NONE
        rows.note(tx, "embedder", self.name)
        rows.save_vectors(tx, made.by_key)
        return made

    def fill(
        self, tx: Connection, cases: Sequence[Case], made: Vectorised
    ) -> Vectorised:
        """Write vectors that were made of `cases` a while ago; return those written.

        The first ones take the place of all that are another embedder's. Raises
        `OtherEmbedder` if those came back since.
        """
        if not self._may_add(tx):
            if self._is_settled:
                raise OtherEmbedder(rows.meta(tx, "embedder"))
            rows.forget_all_vectors(tx)
        there = rows.load(tx, list(made.by_key))
        # A case that was changed or forgotten meanwhile has no use for them.
        same = [
            c.key for c in cases if c.key in there and there[c.key].parts == c.parts
        ]
        rows.remove_vectors(tx, same)
        rows.note(tx, "embedder", self.name)
        kept = Vectorised(by_key={key: made.by_key[key] for key in same})
        rows.save_vectors(tx, kept.by_key)
        return kept

    def confirm(self) -> None:
        """Note that what `fill` wrote is durable: the vectors there are are ours."""
        self._is_ours = self._is_settled = True

    def _may_add(self, tx: Connection) -> bool:
        """Whether all vectors that there are, if any, are this embedder's."""
        return rows.meta(tx, "embedder") == self.name or not rows.has_vectors(tx)

    def _work(self) -> None:
        if self._rest.is_failing:
            log.info("memory.embedder_works_again name=%s", self.name)
        self._rest.worked()
        self._failure = ""

    def _fail(self, error: EmbedderUnavailable) -> None:
        if not self._rest.is_failing:
            log.warning("memory.embedder_unavailable reason=%s", error)
        self._rest.failed()
        self._failure = f"No vectors: {error}; memory searches by words alone"


def _texts(case: Case) -> list[tuple[str, str]]:
    whole = "\n".join(part for part in case.parts if part)
    return [
        (name, text)
        for name, text in zip(PARTS, (whole, *case.parts), strict=True)
        if text
    ]
