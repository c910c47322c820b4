"""What happened before: remember closed incidents, and recall those that resemble one.

The database holds the truth; the words' index and Chroma are copies of it that may be
lost. Trouble with either, or with the embedder, makes an answer poorer and never fails.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from memory import cases as rows
from memory.case import Case, Outcome, Recollection, Symptoms, TrackRecord, clean
from memory.cases import Database
from memory.compact import patterns
from memory.embed import Embedder
from memory.lexical import Lexical
from memory.nearest import Nearest, Stock
from memory.rank import choose, nearness, rank, tell, track_record
from memory.vectors import Vectorised, Vectors

_BY_MEANING = 50
_BY_WORDS = 20
"""Cases that are ranked, at most: those with the nearest vectors, and by words."""
_NEAR = 100
"""Vectors that are asked for: several may be of one case."""
_CLOSING = 1.0
"""Seconds that closing waits for somebody who is at work."""
_QUESTION = 1000
"""Characters of a question that are searched with."""


class Memory:
    """Closed incidents of this installation. Threads may share it.

    Several processes may use one database: each notices what the others changed. Only
    one owns `folder`, where Chroma's index is; the others search exactly. embedder
    None: by words alone. folder None: no Chroma. The first use opens it (seconds).
    """

    def __init__(
        self, database: Database, embedder: Embedder | None, folder: Path | None
    ) -> None:
        self._database = database
        self._vectors = Vectors(database, embedder)
        self._nearest = Nearest(folder if embedder else None, self._stock)
        self._words = Lexical()
        self._known: int | None = None
        self._lock = threading.RLock()

    def open(self) -> None:
        """Bring the copies up to the database; done at the first use if not before."""
        with self._lock:
            self._follow()

    def follow(self) -> None:
        """Notice what other processes changed, if this was ever opened."""
        with self._lock:
            if self._known is not None:
                self._follow()

    def close(self) -> None:
        """Let the index's folder go; whoever still makes vectors keeps it to the end."""
        if not self._lock.acquire(timeout=_CLOSING):
            return
        try:
            self._nearest.close()
            self._known = None
        finally:
            self._lock.release()

    def remember(self, case: Case) -> None:
        """Keep a case, in place of the one of its key; durable on return."""
        self.remember_all([case])

    def remember_all(self, cases: Sequence[Case]) -> None:
        """Keep many cases in one transaction."""
        kept = [case.cleaned() for case in cases]
        with self._lock:
            self._follow()
            made = self._vectors.of(kept)
            with self._database.write() as tx:
                rows.save(tx, kept)
                rows.save_vectors(tx, made.by_key)
                revision = rows.changed(tx)
            self._took_in(revision, kept, made)
            if self._vectors.retry_due():
                self._known = None
        self._nearest.retry()

    def recall(self, symptoms: Symptoms, limit: int = 3) -> list[Recollection]:
        """Return what resembles `symptoms`, the most alike first, repeats folded.

        Where all told cases ended alike and there is one of the same condition that
        did not, it takes the last place, marked as counter-example.
        """
        said = f"{symptoms.condition} {symptoms.service}: {symptoms.text}"
        asked = clean(said)[:_QUESTION]
        with self._lock:
            self._follow()
            query = self._vectors.query(asked)
            near: list[str] = []
            if query is not None:
                near = self._nearest.keys(self._state(), query, _NEAR)
            words = self._words.best(asked, _BY_WORDS, near[:_BY_MEANING])
        keys = list(words)
        with self._database.read() as tx:
            vectors = {} if query is None else rows.vectors(tx, keys)
            alike = {
                key: nearness(one, query)
                for key, one in vectors.items()
                if query is not None
            }
            ranked = rank(symptoms, rows.load(tx, keys), alike, words)
            shown, against = choose(ranked, limit)
            return tell(shown, against, lambda case: rows.counts(tx, case))

    def track(self, symptoms: Symptoms, action_kind: str) -> TrackRecord:
        """Return how an action did for this condition, of this service if ever there."""
        with self._database.read() as tx:
            here = rows.alike(
                tx, symptoms.condition, service=symptoms.service, kind=action_kind
            )
            record = track_record(here)
            if record.tried or not action_kind:
                return record
            return track_record(rows.alike(tx, symptoms.condition, kind=action_kind))

    def correct(
        self,
        key: str,
        *,
        cause: str | None = None,
        outcome: Outcome | None = None,
        confirmed: bool | None = None,
    ) -> bool:
        """Note what a person said of a case; return whether there is such a case."""
        given = {
            "cause": None if cause is None else clean(cause),
            "outcome": outcome,
            "confirmed": confirmed,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        with self._lock:
            self._follow()
            before = self.get(key)
            if before is None or not changes:
                return before is not None
            after = replace(before, **changes)  # type: ignore[arg-type]
            return self._amend(after, changes)

    def forget(self, key: str) -> bool:
        """Delete a case and its vectors; return whether there was one."""
        with self._lock:
            self._follow()
            with self._database.write() as tx:
                there = rows.remove(tx, [key]) > 0
                revision = rows.changed(tx)
            self._let_go(revision, [key])
            return there

    def compact(self, before: datetime) -> int:
        """Fold cases closed before `before` into patterns; return how many went.

        Counts by outcome are the same afterwards.
        """
        with self._database.read() as tx:
            if not patterns(rows.older(tx, before)):
                return 0  # without opening what is large
        with self._lock:
            self._follow()
            with self._database.write() as tx:
                found = patterns(rows.older(tx, before))
                gone = [key for one in found for key in one.folded]
                rows.remove(tx, gone)
                rows.save(tx, [one.case for one in found])
                rows.changed(tx)
            self._follow()
            return len(gone) - len(found)

    def get(self, key: str) -> Case | None:
        """Return one case."""
        with self._database.read() as tx:
            return rows.load(tx, [key]).get(key)

    def cases(self, limit: int = 100) -> list[Case]:
        """Return the latest cases."""
        with self._database.read() as tx:
            return rows.newest(tx, limit)

    def export(self) -> Iterator[str]:
        """Yield every case as one line of JSON, the latest first."""
        with self._database.read() as tx:
            every = rows.newest(tx)
        for case in every:
            took = None if case.took is None else case.took.total_seconds()
            line = asdict(case) | {"closed_at": case.closed_at.isoformat()}
            del line["took"]
            yield json.dumps(line | {"took_seconds": took}, sort_keys=True)

    def rebuild(self) -> None:
        """Make the words' index, missing vectors and Chroma's index anew."""
        with self._lock:
            self._read()
        # Beside the lock: meanwhile others recall, by exact search.
        self._nearest.rebuild()

    def health(self) -> str:
        """Return what is wrong, in words for a person; "" when nothing is."""
        said = (self._vectors.trouble, self._nearest.trouble)
        return ". ".join(one for one in said if one)

    def _follow(self) -> None:
        """Read everything anew if another process changed it, or at the first use."""
        with self._database.read() as tx:
            revision = rows.revision(tx)
        if revision != self._known:
            self._read()
            self._nearest.open()

    def _read(self) -> None:
        self._vectors.complete()
        with self._database.read() as tx:
            self._known = rows.revision(tx)
            every = rows.newest(tx)
        self._words = Lexical()
        for case in every:
            self._words.add(case.key, case.parts)

    def _took_in(self, revision: int, kept: Sequence[Case], made: Vectorised) -> None:
        for case in kept:
            self._words.add(case.key, case.parts)
        if self._is_next(revision):
            self._nearest.put(self._state(), made.by_key)

    def _let_go(self, revision: int, keys: list[str]) -> None:
        for key in keys:
            self._words.remove(key)
        if self._is_next(revision):
            self._nearest.drop(self._state(), keys)

    def _amend(self, after: Case, changes: Mapping[str, object]) -> bool:
        made = self._vectors.of([after])
        with self._database.write() as tx:
            there = rows.amend(tx, after.key, changes)
            rows.remove_vectors(tx, [after.key])
            if there:
                rows.save_vectors(tx, made.by_key)
            revision = rows.changed(tx)
        self._took_in(revision, [after] if there else [], made)
        return there

    def _is_next(self, revision: int) -> bool:
        """Whether nobody else changed anything in between; else the next use reads."""
        if self._known is None or revision != self._known + 1:
            return False
        self._known = revision
        return True

    def _state(self) -> str:
        return f"{self._vectors.name} {self._known}"

    def _stock(self) -> Stock:
        with self._database.read() as tx:
            state = f"{self._vectors.name} {rows.revision(tx)}"
            return Stock(state=state, vectors=rows.vectors(tx))
