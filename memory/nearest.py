"""The nearest cases: by Chroma while it is well, exactly over all vectors when not."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from memory.cases import PARTS
from memory.index import Index, IndexUnwell

if TYPE_CHECKING:
    from memory.bert import Floats

_MARK = ":"
"""Between part and key in an id of the index."""
_TRIES = 3
"""How often a build begins again because cases changed while it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """All vectors of the database. state: the embedder and revision they are of."""

    state: str
    vectors: Mapping[str, Mapping[str, "Floats"]]

    def table(self) -> tuple[list[str], "Floats"]:
        """Return ids (`part:key`) and the vectors in their order (ids, dim)."""
        import numpy as np

        pairs = [
            (f"{part}{_MARK}{key}", row)
            for key, parts in self.vectors.items()
            for part, row in parts.items()
        ]
        rows = [row for _, row in pairs]
        matrix = np.stack(rows) if rows else np.zeros((0, 1), dtype=np.float32)
        return [one for one, _ in pairs], matrix


class Nearest:
    """Which keys are near. Chroma's troubles end here; `trouble` says them in words.

    folder None: exact search always. load: reads everything from the database.
    retry: how long to leave a broken index alone. While `rebuild` works, other threads
    search exactly; all else is for one thread at a time.
    """

    def __init__(
        self,
        folder: Path | None,
        load: Callable[[], Stock],
        *,
        retry: timedelta = timedelta(minutes=5),
    ) -> None:
        self._folder = folder
        self._load = load
        self._retry = retry
        self._index: Index | None = None
        self._exact: tuple[str, list[str], Floats] | None = None
        self._failed_at: float | None = None
        self._building = threading.Lock()
        self._swap = threading.Lock()
        self._ready = False
        self._missed = False
        self.trouble = ""

    def open(self) -> None:
        """Use the index of the last run if it is whole, else build it anew."""
        self._start(fresh=False)

    def rebuild(self) -> None:
        """Build the index anew from the database."""
        self._start(fresh=True)

    def retry(self) -> None:
        """Build the index anew if it failed long enough ago."""
        waited = self._retry.total_seconds()
        if self._failed_at is not None and time.monotonic() - self._failed_at >= waited:
            self.rebuild()

    def keys(self, state: str, query: "Floats", limit: int) -> list[str]:
        """Return keys whose vectors are the `limit` nearest; the nearest first.

        state: as of `Stock.state`, so that an old copy is not searched.
        """
        ids = self._by_index(query, limit)
        if ids is None:
            ids = self._by_numbers(state, query, limit)
        return list(dict.fromkeys(one.partition(_MARK)[2] for one in ids))

    def put(self, state: str, vectors: Mapping[str, Mapping[str, "Floats"]]) -> None:
        """Follow the database: these cases have these vectors now, and no others."""
        self._exact = None
        ids, rows = Stock(state=state, vectors=vectors).table()
        held = set(ids)
        gone = [one for key in vectors for one in _ids(key) if one not in held]
        self._follow(lambda index: index.drop(state, gone))
        self._follow(lambda index: index.put(state, ids, rows))

    def drop(self, state: str, keys: Sequence[str]) -> None:
        """Follow the database: these cases are gone."""
        self._exact = None
        gone = [one for key in keys for one in _ids(key)]
        self._follow(lambda index: index.drop(state, gone))

    def close(self) -> None:
        """Let the index go."""
        with self._building:
            self._ready = False
            if self._index is not None:
                self._index.close()
                self._index = None

    def _start(self, *, fresh: bool) -> None:
        self._exact = None
        if self._folder is None:
            return
        with self._building:
            try:
                # First of all: whoever is not the owner needs no copy of the vectors.
                self._index = self._index or Index(self._folder)
                self._fill_whole(self._index, fresh=fresh)
            except IndexUnwell as error:
                self._fail(error)

    def _fill_whole(self, index: Index, *, fresh: bool) -> None:
        """Fill the index while others search exactly; again if cases changed."""
        for _ in range(_TRIES):
            with self._swap:
                self._ready = self._missed = False
            self._fill(index, self._load(), fresh=fresh)
            with self._swap:
                self._ready = not self._missed
                if self._ready:
                    self.trouble, self._failed_at = "", None
                    return
        raise IndexUnwell("cases kept changing while the index was built")

    def _fill(self, index: Index, stock: Stock, *, fresh: bool) -> None:
        ids, rows = stock.table()
        if not fresh:
            with suppress(IndexUnwell):
                index.reopen(stock.state, ids, rows)
                return
        index.build(stock.state, ids, rows)

    def _follow(self, change: Callable[[Index], None]) -> None:
        with self._swap:
            self._missed = True
            if self._index is None or not self._ready:
                return
        try:
            change(self._index)
        except IndexUnwell as error:
            self._fail(error)

    def _by_index(self, query: "Floats", limit: int) -> list[str] | None:
        if self._index is None or not self._ready:
            return None
        try:
            return self._index.nearest(query, limit)
        except IndexUnwell as error:
            self._fail(error)
            return None

    def _by_numbers(self, state: str, query: "Floats", limit: int) -> list[str]:
        import numpy as np

        if self._exact is None or self._exact[0] != state:
            stock = self._load()
            self._exact = (stock.state, *stock.table())
        _, ids, rows = self._exact
        if not ids:
            return []
        near = rows @ query
        count = min(limit, len(ids))
        some = np.argpartition(-near, count - 1)[:count]
        return [ids[at] for at in some[np.argsort(-near[some], kind="stable")]]

    def _fail(self, error: IndexUnwell) -> None:
        self._failed_at = time.monotonic()
        self._ready = False
        self.trouble = f"{error}; memory searches all vectors exactly instead"


def _ids(key: str) -> list[str]:
    return [f"{part}{_MARK}{key}" for part in PARTS]
