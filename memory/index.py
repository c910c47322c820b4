"""The door to Chroma: an index that may be thrown away at any time.

Only vectors and ids are in it, and all of them are in the database too. Each build goes
into a folder of its own (`index-7`), because Chroma keeps what it has opened in memory
by path, and because two processes on one folder miss silently.
"""

import fcntl
import logging
import os
import queue
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar, cast

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

    from memory.bert import Floats

T = TypeVar("T")

_COLLECTION = "cases"
_STATE = "complete"
"""The file that says what a finished build holds; written last."""
_AT_ONCE = 2000
"""Vectors in one call; Chroma takes 5,461 at most."""
_SAMPLES = 16
_ITSELF = 0.99
"""A probe looks for so many vectors, and for each wants one at least so similar."""
_READING = 2.0
"""Seconds that a search may take. A locked database would let it wait for ever."""
_WRITING = 20.0
"""Seconds that opening, or writing `_AT_ONCE` vectors, may take."""
_EFFORT = 200
"""HNSW's ef_search: candidates looked at; at least as many as are asked for."""

log = logging.getLogger(__name__)


class IndexUnwell(Exception):
    """The index cannot be used; the text says why. The database has everything."""


def discard(folder: Path) -> None:
    """Throw away the index that nobody uses: its next owner makes it anew."""
    shutil.rmtree(folder, ignore_errors=True)


class _Faults:
    """Turns everything that Chroma is known to raise into `IndexUnwell`.

    Its Rust core raises `ChromaError`s for damaged files, `RuntimeError` and `OSError`
    for folders, `ValueError` for data it cannot read, and on a panic pyo3's
    `PanicException`, a `BaseException` that no module exports: known by its name only.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        from chromadb.errors import ChromaError

        known = (ChromaError, RuntimeError, OSError, *_SHAPELESS)
        if kind is not None and (
            issubclass(kind, known) or kind.__name__ == "PanicException"
        ):
            log.warning("memory.index_failed error=%s", str(error)[:500])
            raise IndexUnwell(f"Chroma failed ({kind.__name__})") from error


# What a client raises that is closed, or whose files changed, under a call.
_SHAPELESS: Final = (ValueError, TypeError, AttributeError, LookupError, AssertionError)


class Index:
    """The one process that uses `folder`; raises `IndexUnwell` if another does.

    Nothing is open until `reopen` or `build` succeeded. Not for several threads at once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = _own(folder)
        self._collection: Collection | None = None
        self._client: Client | None = None
        self._current: Path | None = None

    def reopen(self, state: str, ids: Sequence[str], rows: "Floats") -> None:
        """Open the last build and probe it; raise `IndexUnwell` unless it is whole.

        state: what its vectors were made from. Sampled ids must find themselves.
        """
        last = max(self._builds(), key=_number, default=None)
        if last is None or _state(last) != state:
            raise IndexUnwell("the index is not of this database's cases")
        self._open(last)
        self._probe(ids, rows)

    def build(self, state: str, ids: Sequence[str], rows: "Floats") -> None:
        """Fill a fresh folder, probe it, and remove the older ones."""
        self._let_go()
        old = self._builds()
        fresh = self._folder / f"index-{max(map(_number, old), default=0) + 1}"
        with _Faults():
            fresh.mkdir(parents=True)
        self._open(fresh)
        self.put(state, ids, rows)
        self._probe(ids, rows)
        for folder in old:
            shutil.rmtree(folder, ignore_errors=True)

    def put(self, state: str, ids: Sequence[str], rows: "Floats") -> None:
        """Add or replace vectors; afterwards the index holds what `state` names."""
        collection = self._ready()
        for at in range(0, len(ids), _AT_ONCE):
            some = list(ids[at : at + _AT_ONCE])
            part = rows[at : at + _AT_ONCE]
            _asked(_WRITING, partial(collection.upsert, some, part))
        self._hold(state)

    def drop(self, state: str, ids: Sequence[str]) -> None:
        """Take vectors out; ids that are not in are no error."""
        collection = self._ready()
        for at in range(0, len(ids), _AT_ONCE):
            some = list(ids[at : at + _AT_ONCE])
            _asked(_WRITING, partial(collection.delete, some))
        self._hold(state)

    def nearest(self, query: "Floats", limit: int) -> list[str]:
        """Return the ids of the nearest vectors, the nearest first."""
        collection = self._ready()
        found = _asked(
            _READING,
            lambda: collection.query(
                query_embeddings=query[None, :], n_results=limit, include=[]
            ),
        )
        return [str(one) for one in found["ids"][0]]

    def close(self) -> None:
        """Let the folder go, for another process to own."""
        self._let_go()
        os.close(self._owner)

    def _ready(self) -> "Collection":
        if self._collection is None or self._current is None:
            raise IndexUnwell("the index is not open")
        if not self._current.exists():
            # Chroma answers on from memory, and loses everything at its end.
            raise IndexUnwell("the index's folder was deleted")
        return self._collection

    def _open(self, folder: Path) -> None:
        import chromadb
        from chromadb.config import Settings

        self._let_go()
        settings = Settings(anonymized_telemetry=False)
        client = _asked(
            _WRITING, lambda: chromadb.PersistentClient(str(folder), settings=settings)
        )
        self._collection = _asked(
            _WRITING,
            lambda: client.get_or_create_collection(
                _COLLECTION,
                embedding_function=None,
                configuration={"hnsw": {"space": "ip", "ef_search": _EFFORT}},
            ),
        )
        self._client, self._current = cast("Client", client), folder

    def _probe(self, ids: Sequence[str], rows: "Floats") -> None:
        import numpy as np

        collection = self._ready()
        count = _asked(_WRITING, collection.count)
        if count != len(ids):
            raise IndexUnwell(f"the index holds {count} vectors, not {len(ids)}")
        place = {one: at for at, one in enumerate(ids)}
        for at in np.linspace(0, len(ids) - 1, min(_SAMPLES, len(ids)), dtype=int):
            # Equal texts have equal vectors: one as near as itself must come back.
            best = [place.get(one) for one in self.nearest(rows[at], 1)]
            if not best or best[0] is None or rows[best[0]] @ rows[at] < _ITSELF:
                raise IndexUnwell("the index does not find what is in it")

    def _hold(self, state: str) -> None:
        if self._current is not None:
            with _Faults():
                (self._current / _STATE).write_text(state)

    def _let_go(self) -> None:
        client, self._client, self._collection = self._client, None, None
        self._current = None
        if client is not None:
            with suppress(IndexUnwell), _Faults():
                client.close()

    def _builds(self) -> list[Path]:
        return [path for path in self._folder.glob("index-*") if _number(path) > 0]


def _asked(seconds: float, work: Callable[[], T]) -> T:
    """Do `work` in a thread of its own; raise `IndexUnwell` if it fails or hangs."""
    answer: queue.SimpleQueue[T | IndexUnwell] = queue.SimpleQueue()

    def do() -> None:
        try:
            with _Faults():
                answer.put(work())
        except IndexUnwell as error:
            answer.put(error)

    threading.Thread(target=do, name="chroma", daemon=True).start()
    try:
        said = answer.get(timeout=seconds)
    except queue.Empty as error:
        raise IndexUnwell(f"Chroma did not answer within {seconds:.0f} s") from error
    if isinstance(said, IndexUnwell):
        raise said
    return said


def _own(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(
            folder / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise IndexUnwell(
            f"the index's folder cannot be used: {error.strerror}"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise IndexUnwell("another process owns the index") from error
    return lock


def _number(build: Path) -> int:
    said = build.name.removeprefix("index-")
    return int(said) if said.isascii() and said.isdigit() else 0


def _state(build: Path) -> str:
    try:
        return (build / _STATE).read_text()
    except (OSError, UnicodeDecodeError):
        return ""
