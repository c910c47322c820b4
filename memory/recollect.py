"""What happened before: remember closed incidents, and recall those that resemble one.

The database holds the truth; the words' index and Chroma are copies of it that may be
lost. Trouble with either, or with the embedder, makes an answer poorer and never fails.
"""

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from memory import cases as rows
from memory import traces
from memory.backlog import Backlog
from memory.case import Case, Recollection, Symptoms, TrackRecord, clean
from memory.cases import Database
from memory.compact import patterns
from memory.embed import Embedder
from memory.lexical import Lexical
from memory.nearest import Nearest, Stock
from memory.rank import choose, rank, tell, track_record
from memory.rest import Rest
from memory.vectors import NONE, Vectorised, Vectors

if TYPE_CHECKING:
    from memory.bert import Floats

_BY_MEANING = 50
_BY_WORDS = 20
"""Cases that are ranked, at most: those with the nearest vectors, and by words."""
_NEAR = 100
"""Vectors that are asked for: several may be of one case."""
_CLOSING = 1.0
"""Seconds that closing waits for somebody who is at work."""
_QUESTION = 1000
"""Characters of a question that are searched with."""
_FIRST_REST, _LONGEST_REST = timedelta(seconds=10), timedelta(minutes=5)
"""How long an embedder that failed is left alone, at first and at most."""


class Memory:
    """Closed incidents of this installation. Threads may share it.

    Several processes may use one database: each notices what the others changed. Only
    one owns `folder`, where Chroma's index is; the others search exactly. embedder
    None: by words alone. folder None: no Chroma. The first use opens it (seconds);
    vectors that are missing are made in a thread of its own, until `close`.
    """

    def __init__(
        self,
        database: Database,
        embedder: Embedder | None,
        folder: Path | None,
        *,
        rest: Rest | None = None,
    ) -> None:
        self._database = database
        rest = rest or Rest(_FIRST_REST, _LONGEST_REST)
        self._vectors = Vectors(embedder, rest)
        self._backlog = Backlog(database, self._vectors, self._fill)
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
        """End the thread and let the index's folder go.

        Who is in the middle of a use keeps the folder to the end.
        """
        self._backlog.stop(_CLOSING)
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
        """Keep many cases in one transaction.

        A case that a pattern counts is taken out of it: what is said now counts.
        """
        kept = [case.cleaned() for case in cases]
        keys = [case.key for case in kept]
        self.open()
        # Beside the lock: an embedder that hangs holds up nobody who recalls.
        made = self._vectors.of(kept)
        with self._lock:
            with self._database.write() as tx:
                empty = traces.take_out(tx, keys)
                rows.remove(tx, empty)
                rows.save(tx, kept)
                made = self._vectors.save(tx, made)
                left = self._vectors.look(tx)
                revision = rows.changed(tx)
            self._take_in(revision, kept, made, gone=empty)
        self._backlog.wake(left)
        self._nearest.retry()

    def recall(self, symptoms: Symptoms, limit: int = 3) -> list[Recollection]:
        """Return what resembles `symptoms`, the most alike first, repeats folded.

        Where all told cases ended alike and there is one of the same condition that
        did not, it takes the last place, marked as counter-example.
        """
        said = f"{symptoms.condition} {symptoms.service}: {symptoms.text}"
        asked = clean(said)[:_QUESTION]
        self.open()
        query = self._vectors.query(asked)
        words = self._candidates(asked, query)
        with self._database.read() as tx:
            alike = self._vectors.nearness(tx, words, query)
            ranked = rank(symptoms, rows.load(tx, words), alike, words)
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

    def forget(self, key: str) -> bool:
        """Delete a case and its vectors; return whether there was one.

        One that a pattern counts is counted no more, and a pattern takes with it what
        it counted.
        """
        with self._lock:
            self._follow()
            with self._database.write() as tx:
                counted = traces.pattern_of(tx, key) is not None
                gone = [key, *traces.take_out(tx, [key])]
                traces.drop(tx, key)
                there = rows.remove(tx, gone) > 0
                revision = rows.changed(tx)
            self._take_in(revision, gone=gone)
            return there or counted

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
                for one in found:
                    traces.note(tx, one)
                rows.changed(tx)
            self._follow()
            return len(gone) - len(found)

    def knows(self, key: str) -> bool:
        """Whether this case is kept, by itself or in the count of a pattern."""
        return self.get(key) is not None or self.pattern_of(key) is not None

    def get(self, key: str) -> Case | None:
        """Return one case."""
        with self._database.read() as tx:
            return rows.load(tx, [key]).get(key)

    def pattern_of(self, key: str) -> Case | None:
        """Return the pattern that counts this case since it was folded, if one does."""
        with self._database.read() as tx:
            pattern = traces.pattern_of(tx, key)
            return None if pattern is None else rows.load(tx, [pattern]).get(pattern)

    def cases(self, limit: int = 100) -> list[Case]:
        """Return the latest cases."""
        with self._database.read() as tx:
            return rows.newest(tx, limit)

    def export(self) -> Iterator[str]:
        """Yield every case as one line of JSON, the latest first."""
        with self._database.read() as tx:
            every = rows.newest(tx)
        return (case.as_json() for case in every)

    def rebuild(self) -> None:
        """Make the words' index, missing vectors and Chroma's index anew, in this call.

        Others recall meanwhile, by exact search.
        """
        with self._lock:
            self._read()
        self._backlog.finish()
        self._nearest.rebuild()

    def health(self) -> str:
        """Return what is wrong, in words for a person; "" when nothing is."""
        said = (self._vectors.trouble or self._backlog.trouble, self._nearest.trouble)
        return ". ".join(one for one in said if one)

    def _follow(self) -> None:
        """Read everything anew if another process changed it, or at the first use."""
        with self._database.read() as tx:
            revision = rows.revision(tx)
        if revision != self._known:
            left = self._read()
            self._nearest.open()
            self._backlog.wake(left)

    def _read(self) -> int:
        """Take all cases in anew; return how many of them lack vectors."""
        with self._database.read() as tx:
            self._known = rows.revision(tx)
            every = rows.newest(tx)
            left = self._vectors.look(tx)
        self._words = Lexical()
        for case in every:
            self._words.add(case.key, case.parts)
        return left

    def _candidates(self, asked: str, query: "Floats | None") -> dict[str, float]:
        """Return the keys to rank, with the words' share: the nearest, and by words."""
        with self._lock:
            near: list[str] = []
            if query is not None:
                near = self._nearest.keys(self._state(), query, _NEAR)
            return self._words.best(asked, _BY_WORDS, near[:_BY_MEANING])

    def _fill(self, cases: Sequence[Case], made: Vectorised) -> int:
        """Take in vectors that the backlog made; return how many are still missing."""
        with self._lock:
            with self._database.write() as tx:
                is_followed = rows.revision(tx) == self._known
                kept = self._vectors.fill(tx, cases, made)
                left = rows.count(tx, bare=True)
                # Once, at the end: other processes read everything for a new revision.
                revision = rows.revision(tx) if left else rows.changed(tx)
            self._vectors.confirm()
            if is_followed:
                self._known = revision
                self._nearest.put(self._state(), kept.by_key)
        return left

    def _take_in(
        self,
        revision: int,
        kept: Sequence[Case] = (),
        made: Vectorised = NONE,
        *,
        gone: Sequence[str] = (),
    ) -> None:
        """Bring the copies after the database: `kept` is written, `gone` deleted."""
        for key in gone:
            self._words.remove(key)
        for case in kept:
            self._words.add(case.key, case.parts)
        if self._is_next(revision):
            self._nearest.drop(self._state(), gone)
            vectors = {case.key: made.by_key.get(case.key, {}) for case in kept}
            self._nearest.put(self._state(), vectors)

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
            return Stock(state=state, vectors=self._vectors.stored(tx))
