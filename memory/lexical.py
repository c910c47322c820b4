"""Search by words: BM25 over terms that know the language of operations."""

import math
import threading
from array import array
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from memory.words import terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_K1 = 1.5
_B = 0.75
_CONCEPT = 1.2
"""Weight of a concept, beside 1 for the exact word: people seldom say the exact one."""
_FIRST = 3
"""How often the first part is counted: it names the record."""


class Lexical:
    """Records by their words; records come and go. Threads may share it.

    Scores are shares of what the query could achieve at most, so 0 to 1: BM25 (Robertson
    and Zaragoza 2009, k1 1.5, b 0.75) divided by the sum of its terms' upper bounds.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ids: list[str] = []
        self._places: dict[str, int] = {}
        self._lengths = array("f")
        self._alive = array("b")
        self._postings: dict[str, tuple[array[int], array[float]]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def add(self, record: str, parts: Sequence[str]) -> None:
        """Take a record in, or replace the one of the same id."""
        counts = Counter(term for part in parts for term in terms(part))
        for term in terms(parts[0]) if parts else ():
            counts[term] += _FIRST - 1
        with self._lock:
            self.remove(record)
            place = self._places[record] = len(self._ids)
            self._ids.append(record)
            self._alive.append(1)
            self._lengths.append(float(counts.total()))
            for term, count in counts.items():
                places, often = self._postings.setdefault(
                    term, (array("q"), array("f"))
                )
                places.append(place)
                often.append(count)

    def remove(self, record: str) -> None:
        """Let a record go; nothing happens if there is none."""
        with self._lock:
            place = self._places.pop(record, None)
            if place is not None:
                # Its postings stay, and count for nothing.
                self._alive[place] = 0

    def scores(self, query: str) -> dict[str, float]:
        """Return the score of every record that shares a term with `query`."""
        import numpy as np

        with self._lock:
            total = self._total(query)
            return {self._ids[at]: float(total[at]) for at in np.flatnonzero(total)}

    def best(self, query: str, limit: int, also: Collection[str]) -> dict[str, float]:
        """Return the best `limit` of `scores`, and those of the records in `also`."""
        import numpy as np

        with self._lock:
            total = self._total(query)
            # Equal scores fall to the older record, whatever the sort does.
            some = np.argsort(-total, kind="stable")[:limit]
            places = {int(at) for at in some if total[at]}
            places |= {self._places[one] for one in also if one in self._places}
            return {self._ids[at]: float(total[at]) for at in sorted(places)}

    def _total(self, query: str) -> "NDArray[np.float64]":
        """Return every place's share; 0 where nothing is shared or nothing is left."""
        import numpy as np

        total = np.zeros(len(self._ids))
        # Copies: an array that is looked at cannot grow.
        alive = np.array(self._alive, dtype=bool)
        norm = self._norm(alive)
        bounds = [
            self._count(term, total, alive, norm)
            for term in dict.fromkeys(terms(query))
        ]
        shares: NDArray[np.float64] = total * alive / max(sum(bounds), 1e-9)
        return shares

    def _norm(self, alive: "NDArray[np.bool_]") -> "NDArray[np.float64]":
        import numpy as np

        lengths = np.array(self._lengths, dtype=np.float64)
        mean = float(lengths[alive].mean()) if alive.any() else 1.0
        shares: NDArray[np.float64] = _K1 * (1 - _B + _B * lengths / max(mean, 1.0))
        return shares

    def _count(
        self,
        term: str,
        total: "NDArray[np.float64]",
        alive: "NDArray[np.bool_]",
        norm: "NDArray[np.float64]",
    ) -> float:
        """Add the term's scores to `total`; return the most it could have given."""
        import numpy as np

        where, often = self._postings.get(term, (array("q"), array("f")))
        at = np.array(where, dtype=np.int64)
        count = np.array(often, dtype=np.float64)
        df = int(alive[at].sum())
        weight = math.log1p((len(self._places) - df + 0.5) / (df + 0.5))
        weight *= _CONCEPT if term.startswith("~") else 1.0
        total[at] += weight * (_K1 + 1) * count / (count + norm[at])
        return weight * (_K1 + 1)
