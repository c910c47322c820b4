"""`countersign memory`: list, show, forget, rebuild and export what is remembered.

All of it works beside a running bot. Chroma's folder has one owner, so while a bot runs
the database alone is read and changed; the bot sees the new revision at its next use of
memory and brings its index after it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from bot.cli.command import BadRequest, Told, bot_runs, opened, telling
from bot.config.environment import Environment
from bot.storage.database import Database
from bot.text.words import seconds
from bot.wiring.knowledge import embedder_of, index_folder
from bot.wiring.parts import configured
from memory import cases as rows
from memory.case import LONGEST, Case
from memory.embed import Embedder, EmbedderUnavailable
from memory.recollect import Memory
from remediation.printable import printable

_HEADS = (
    "KEY", "DATE", "HOST", "CONDITION", "SERVICE", "ACTION", "OUTCOME", "CONFIRMED",
    "WEIGHT",
)  # fmt: skip
_CELL = 40
_AT_ONCE = 128
"""Texts between two signs of progress: about a second of work."""
_EMPTY = "Nothing is remembered yet: an incident is when it ends."
_FOLLOWS = "The bot that runs here follows at its next use of memory."


def show_all(limit: int) -> int:
    """Print a table of the latest `limit` cases."""
    return _with_memory(lambda memory: _table(memory.cases(limit)))


def show(key: str) -> int:
    """Print everything about one case; of a folded one, the pattern that counts it."""

    def tell(memory: Memory) -> None:
        for name, text in _fields(_found(memory, key)):
            print(f"{name:10} {text}")

    return _with_memory(tell)


def forget(key: str) -> int:
    """Delete a case with its vectors, or take it out of a pattern; say what went."""

    def drop(memory: Memory) -> None:
        case = _found(memory, key)
        if not memory.forget(key):
            raise BadRequest(
                f"{printable(key)} was forgotten by somebody else just now"
            )
        print(f"Forgotten: {_line(case) if case.key == key else _left(key, case)}")
        if bot_runs(Environment.read(os.environ)):
            print(_FOLLOWS)

    return _with_memory(drop)


def export(out: TextIO) -> int:
    """Print every case as one JSON object a line."""

    def write(memory: Memory) -> None:
        out.writelines(f"{line}\n" for line in memory.export())

    return _with_memory(write)


def rebuild() -> int:
    """Compute all vectors anew, and the index where no bot owns it."""
    environment = Environment.read(os.environ)
    with _told() as told:
        embedder = embedder_of(configured(environment).settings, environment)
        with opened(environment) as database:
            _rebuild(database, embedder, environment)
    return told.code


def _rebuild(
    database: Database, embedder: Embedder | None, environment: Environment
) -> None:
    if embedder is None:
        raise BadRequest(
            "no embedder is configured (memory.embedder) or its key is missing, so "
            "memory is searched by words alone and there is nothing to rebuild"
        )
    # Asked first: an embedder that cannot answer must not cost the vectors there are.
    embedder.query("ready")
    runs = bot_runs(environment)
    with database.write() as tx:
        count = len(rows.newest(tx))
        rows.forget_all_vectors(tx)
        rows.changed(tx)
    print(f"{count} cases; vectors by {embedder.name}")
    folder = None if runs else index_folder(environment)
    memory = Memory(database, _Watched(embedder), folder)
    try:
        memory.rebuild()
        trouble = memory.health()
    finally:
        memory.close()
    with database.write() as tx:
        rows.changed(tx)
    if trouble:
        raise BadRequest(f"not everything could be rebuilt: {trouble}")
    print(_FOLLOWS if runs else "The index is built anew.")


class _Watched:
    """An embedder that says how far it is."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name = embedder.name
        self.dim = embedder.dim
        self._done = 0

    def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors, some texts at a time."""
        made = [np.zeros((0, self.dim), dtype=np.float32)]
        for at in range(0, len(texts), _AT_ONCE):
            made.append(self._embedder.documents(texts[at : at + _AT_ONCE]))
            self._done += len(made[-1])
            print(f"{self._done} texts", flush=True)
        return np.concatenate(made)

    def query(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a question."""
        return self._embedder.query(text)


@contextmanager
def _told() -> Iterator[Told]:
    with telling("memory") as told:
        try:
            yield told
        except EmbedderUnavailable as error:
            told.bad(f"the embedder cannot be used: {error}. Nothing was changed")


def _with_memory(use: Callable[[Memory], None]) -> int:
    with _told() as told, opened(Environment.read(os.environ)) as database:
        # Neither embedder nor index: both belong to whoever searches.
        use(Memory(database, None, None))
    return told.code


def _found(memory: Memory, key: str) -> Case:
    """Return the case, or the pattern that it was folded into."""
    case = memory.get(key) or memory.pattern_of(key)
    if case is None:
        raise BadRequest(
            f"no case has the key {printable(key)}; `countersign memory list` names them"
        )
    return case


def _table(cases: Sequence[Case]) -> None:
    if not cases:
        print(_EMPTY)
        return
    lines = [_HEADS, *map(_cells, cases)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def _cells(case: Case) -> tuple[str, ...]:
    texts = (case.host, case.condition, case.service, case.action)
    return (
        printable(case.key, limit=120),
        f"{case.closed_at:%Y-%m-%d}",
        *(printable(text, limit=_CELL) or "-" for text in texts),
        case.outcome,
        _confirmed(case),
        str(case.weight),
    )


def _fields(case: Case) -> Iterator[tuple[str, str]]:
    yield "key", printable(case.key, limit=120)
    yield "incident", str(case.incident)
    yield "closed", f"{case.closed_at:%Y-%m-%d %H:%M:%S} UTC"
    for name in ("host", "condition", "service", "symptoms", "cause", "action"):
        yield name, printable(getattr(case, name), limit=LONGEST) or "-"
    yield "kind", printable(case.action_kind, limit=120) or "-"
    yield "outcome", case.outcome
    yield "confirmed", _confirmed(case)
    yield "took", "-" if case.took is None else seconds(case.took)
    yield "weight", str(case.weight)


def _line(case: Case) -> str:
    done = printable(case.action, limit=80) or "nothing was done"
    what = " ".join(printable(t, limit=80) for t in (case.condition, case.service))
    return (
        f"{printable(case.key, limit=120)}, {what} on {printable(case.host)}, "
        f"{case.closed_at:%Y-%m-%d}: {done}, {case.outcome}"
    )


def _left(key: str, pattern: Case) -> str:
    """Say what a pattern counts after the case went; its words may be that case's."""
    name = printable(pattern.key, limit=120)
    if pattern.weight == 1:
        return f"{printable(key)}, the last that {name} counted, which went with it"
    return (
        f"{printable(key)}, which {name} counted; it counts {pattern.weight - 1} now. "
        f"Its words are those of incident {pattern.incident}: forget {name} to delete "
        "them too"
    )


def _confirmed(case: Case) -> str:
    match case.confirmed:
        case None:
            return "-"
        case said:
            return "yes" if said else "no"
