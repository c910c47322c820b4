"""What a purge takes from memory: cases, their vectors, and their part in patterns.

SQL inside the caller's transaction. Whoever has memory open notices the new revision at
the next use and brings the words' index and Chroma after it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from memory import cases as rows
from memory import traces
from memory.tables import case_traces, cases


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many cases went, or would go. folded: those that only a pattern counted."""

    cases: int
    folded: int


def counted(tx: Connection, incidents: Collection[int]) -> Forgotten:
    """Return what `forget` would take."""
    own = select(func.count()).where(cases.c.incident.in_(incidents))
    folded = select(func.count()).where(case_traces.c.key.in_(_keys(incidents)))
    return Forgotten(
        cases=tx.execute(own).scalar_one(), folded=tx.execute(folded).scalar_one()
    )


def forget(tx: Connection, incidents: Collection[int]) -> Forgotten:
    """Delete what is remembered of incidents, also where a pattern counts it.

    A pattern whose words are those of one of them goes as a whole: it is named after the
    latest that it counts, so the others are as old.
    """
    taken = counted(tx, incidents)
    empty = traces.take_out(tx, _keys(incidents))
    own = select(cases.c.key).where(cases.c.incident.in_(incidents))
    gone = {*empty, *tx.execute(own).scalars()}
    for key in gone:
        traces.drop(tx, key)
    rows.remove(tx, gone)
    if gone or taken.folded:
        rows.changed(tx)
    return taken


def _keys(incidents: Collection[int]) -> list[str]:
    return [str(number) for number in incidents]
