"""The vectors of cases: made, stored with their embedder's name, never mixed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memory import cases as rows
from memory.bert import Floats
from memory.case import Case
from memory.cases import PARTS, Database
from memory.embed import Embedder, EmbedderUnavailable
from memory.search import question, readable

_AT_ONCE = 500
_RETRY_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectorised:
    """key → part → vector. A case without an entry has none yet."""

    by_key: Mapping[str, Mapping[str, Floats]]


class Vectors:
    """Makes vectors while the embedder can; `trouble` says when it cannot."""

    def __init__(self, database: Database, embedder: Embedder | None) -> None:
        self._database = database
        self._embedder = embedder
        # Whether the database's vectors are this embedder's: else none are compared.
        self._ours = False
        self._failed_at: float | None = None
        self.trouble = ""

    @property
    def name(self) -> str:
        """Whose vectors these are; "" for none."""
        return self._embedder.name if self._embedder else ""

    def of(self, cases: Sequence[Case]) -> Vectorised:
        """Return the vectors of `cases`, or none of them if the embedder fails."""
        usable = self._ours and not self._is_resting()
        return self._make(cases) if usable else Vectorised(by_key={})

    def _make(self, cases: Sequence[Case]) -> Vectorised:
        if self._embedder is None:
            return Vectorised(by_key={})
        pieces = [
            (case.key, part, text) for case in cases for part, text in _texts(case)
        ]
        by_key: dict[str, dict[str, Floats]] = {}
        try:
            made = self._embedder.documents([readable(text) for *_, text in pieces])
        except EmbedderUnavailable as error:
            self._fail(error)
            return Vectorised(by_key={})
        self.trouble, self._failed_at = "", None
        for (key, part, _), row in zip(pieces, made, strict=True):
            by_key.setdefault(key, {})[part] = row
        return Vectorised(by_key=by_key)

    def query(self, text: str) -> Floats | None:
        """Return a question's vector, or None if there can be none."""
        if self._embedder is None or not self._ours or self._is_resting():
            return None
        try:
            made: Floats = self._embedder.query(question(text))
        except EmbedderUnavailable as error:
            self._fail(error)
            return None
        self.trouble, self._failed_at = "", None
        return made

    def complete(self) -> None:
        """Give every case its vectors; all anew if they are of another embedder."""
        if self._embedder is None:
            return
        with self._database.read() as tx:
            strange = rows.meta(tx, "embedder") != self.name
            missing = rows.newest(tx) if strange else rows.bare(tx)
        self._ours = not strange
        for at in range(0, len(missing), _AT_ONCE):
            made = self._make(missing[at : at + _AT_ONCE])
            if not made.by_key:
                break
            self._store(made)
        else:
            if strange:
                self._store(Vectorised(by_key={}))

    def _store(self, made: Vectorised) -> None:
        """Write vectors; those of another embedder go in the same transaction."""
        with self._database.write() as tx:
            if rows.meta(tx, "embedder") != self.name:
                rows.forget_all_vectors(tx)
                rows.note(tx, "embedder", self.name)
            # A case that went meanwhile takes its vectors along.
            there = rows.load(tx, list(made.by_key))
            kept = {key: made.by_key[key] for key in there}
            rows.remove_vectors(tx, list(kept))
            rows.save_vectors(tx, kept)
        self._ours = True

    def retry_due(self) -> bool:
        """Whether the embedder failed long enough ago to be tried again."""
        return (
            self._failed_at is not None
            and time.monotonic() - self._failed_at >= _RETRY_SECONDS
        )

    def _is_resting(self) -> bool:
        """Whether it failed so lately that asking would only cost its deadline again."""
        return self._failed_at is not None and not self.retry_due()

    def _fail(self, error: EmbedderUnavailable) -> None:
        self._failed_at = time.monotonic()
        self.trouble = f"No vectors: {error}; memory searches by words alone"


def _texts(case: Case) -> list[tuple[str, str]]:
    whole = "\n".join(part for part in case.parts if part)
    return [
        (name, text)
        for name, text in zip(PARTS, (whole, *case.parts), strict=True)
        if text
    ]
