"""Cases in the database: SQL and nothing else. Every function takes the transaction."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Row, delete, exists, func, select

from memory.case import Case, Outcome
from memory.tables import case_vectors, cases, memory_meta

if TYPE_CHECKING:
    from memory.bert import Floats

PARTS = ("whole", "symptoms", "cause", "action")
"""What a case has vectors of; parts without text have none."""
_AT_ONCE = 400
"""Keys in one statement; SQLite takes 999 at least."""
_FLOAT = "<f4"
_FLOAT_BYTES = 4
_LATEST = (cases.c.closed_at.desc(), cases.c.key)
_BARE = ~exists().where(case_vectors.c.key == cases.c.key)


class Database(Protocol):
    """Where memory lives: transactions of SQLAlchemy."""

    def read(self) -> AbstractContextManager[Connection]:
        """Open a snapshot."""
        ...

    def write(self) -> AbstractContextManager[Connection]:
        """Open a transaction that may change things."""
        ...


def save(tx: Connection, kept: Collection[Case]) -> None:
    """Write cases; those of the same keys are replaced, their vectors are gone."""
    remove(tx, [case.key for case in kept])
    if kept:
        tx.execute(cases.insert(), [_row(case) for case in kept])


def save_vectors(tx: Connection, vectors: Mapping[str, Mapping[str, "Floats"]]) -> None:
    """Write the vectors of cases that have none: key → part → (dim,)."""
    rows = [
        {"key": key, "part": part, "vector": row.astype(_FLOAT).tobytes()}
        for key, parts in vectors.items()
        for part, row in parts.items()
    ]
    if rows:
        tx.execute(case_vectors.insert(), rows)


def remove(tx: Connection, keys: Collection[str]) -> int:
    """Delete cases and their vectors; return how many cases there were."""
    remove_vectors(tx, keys)
    return sum(
        tx.execute(delete(cases).where(cases.c.key.in_(some))).rowcount
        for some in _slices(keys)
    )


def remove_vectors(tx: Connection, keys: Collection[str]) -> None:
    """Delete the vectors of these cases."""
    for some in _slices(keys):
        tx.execute(delete(case_vectors).where(case_vectors.c.key.in_(some)))


def load(tx: Connection, keys: Collection[str]) -> dict[str, Case]:
    """Return the cases of these keys that exist."""
    found = {}
    for some in _slices(keys):
        for row in tx.execute(select(cases).where(cases.c.key.in_(some))):
            found[row.key] = _case(row)
    return found


def newest(
    tx: Connection, limit: int | None = None, *, bare: bool = False
) -> list[Case]:
    """Return cases, the latest first; with `bare` only those without any vector."""
    said = select(cases).order_by(*_LATEST).limit(limit)
    said = said.where(_BARE) if bare else said
    return [_case(row) for row in tx.execute(said)]


def count(tx: Connection, *, bare: bool = False) -> int:
    """Return how many cases there are; with `bare` only those without any vector."""
    said = select(func.count()).select_from(cases)
    return tx.execute(said.where(_BARE) if bare else said).scalar_one()


def older(tx: Connection, before: datetime) -> list[Case]:
    """Return the cases closed before `before`, the latest first."""
    said = select(cases).where(cases.c.closed_at < _stamp(before))
    return [_case(row) for row in tx.execute(said.order_by(*_LATEST))]


def alike(
    tx: Connection, condition: str, *, service: str | None = None, kind: str = ""
) -> list[Case]:
    """Return the cases of a condition, of one service and action kind if given."""
    said = select(cases).where(cases.c.condition == condition)
    if service is not None:
        said = said.where(cases.c.service == service)
    if kind:
        said = said.where(cases.c.action_kind == kind)
    return [_case(row) for row in tx.execute(said.order_by(cases.c.closed_at.desc()))]


def counts(tx: Connection, case: Case) -> dict[Outcome, int]:
    """Return how many incidents of the case's group came to each outcome."""
    said = (
        select(cases.c.outcome, func.sum(cases.c.weight))
        .where(cases.c.condition == case.condition, cases.c.service == case.service)
        .where(cases.c.action_kind == case.action_kind)
        .group_by(cases.c.outcome)
    )
    if not case.action_kind:
        said = said.where(cases.c.action == case.action)
    return {_outcome(outcome): int(count) for outcome, count in tx.execute(said)}


def vectors(
    tx: Connection, keys: Collection[str] | None = None
) -> dict[str, dict[str, "Floats"]]:
    """Return key → part → vector, of these cases or of all. Broken rows are left out."""
    import numpy as np

    said = select(case_vectors.c.key, case_vectors.c.part, case_vectors.c.vector)
    chosen = (
        [said]
        if keys is None
        else [said.where(case_vectors.c.key.in_(some)) for some in _slices(keys)]
    )
    found: dict[str, dict[str, Floats]] = {}
    for one in chosen:
        for key, part, raw in tx.execute(one):
            if len(raw) % _FLOAT_BYTES == 0:
                row = np.frombuffer(raw, dtype=_FLOAT).astype(np.float32, copy=False)
                found.setdefault(key, {})[part] = row
    return found


def has_vectors(tx: Connection) -> bool:
    """Whether there is any vector."""
    return tx.execute(select(case_vectors.c.key).limit(1)).first() is not None


def forget_all_vectors(tx: Connection) -> None:
    """Delete all vectors: they are another embedder's."""
    tx.execute(delete(case_vectors))


def meta(tx: Connection, key: str) -> str:
    """Return what is noted under `key`, or ""."""
    said = select(memory_meta.c.value).where(memory_meta.c.key == key)
    return tx.execute(said).scalar() or ""


def note(tx: Connection, key: str, value: str) -> None:
    """Note `value` under `key`."""
    tx.execute(delete(memory_meta).where(memory_meta.c.key == key))
    tx.execute(memory_meta.insert(), {"key": key, "value": value})


def revision(tx: Connection) -> int:
    """Return the number that grows with every change of cases."""
    return int(meta(tx, "revision") or 0)


def changed(tx: Connection) -> int:
    """Say that cases changed, in the same transaction; return the new revision."""
    number = revision(tx) + 1
    note(tx, "revision", str(number))
    return number


def _row(case: Case) -> dict[str, Any]:
    row = asdict(case)
    took = row.pop("took")
    return row | {
        "closed_at": _stamp(case.closed_at),
        "outcome": case.outcome.value,
        "took_seconds": None if took is None else took.total_seconds(),
    }


def _case(row: Row[Any]) -> Case:
    fields: dict[str, Any] = row._asdict()
    seconds = fields.pop("took_seconds")
    closed = datetime.fromisoformat(fields.pop("closed_at"))
    return Case(
        **fields
        | {
            "closed_at": closed,
            "outcome": _outcome(fields["outcome"]),
            "took": None if seconds is None else timedelta(seconds=seconds),
        }
    )


def _outcome(said: str) -> Outcome:
    return Outcome(said) if said in set(Outcome) else Outcome.UNKNOWN


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:32]


def _slices(keys: Iterable[str]) -> list[list[str]]:
    every = list(keys)
    return [every[at : at + _AT_ONCE] for at in range(0, len(every), _AT_ONCE)]
