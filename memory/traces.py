"""Which pattern counts a case that was folded: SQL, inside the caller's transaction.

With it a folded case can be taken out again: when a person corrects it later, it is
kept anew with what was said; when it is forgotten, it is counted no more.
"""

from collections.abc import Collection

from sqlalchemy import Connection, delete, select, update

from memory.compact import Pattern
from memory.tables import case_traces, cases


def note(tx: Connection, pattern: Pattern) -> None:
    """Note what the pattern counts: cases, and all that patterns in it counted."""
    key = pattern.case.key
    inside = case_traces.c.pattern.in_(pattern.nested)
    tx.execute(update(case_traces).where(inside).values(pattern=key))
    if pattern.singles:
        added = [{"key": one, "pattern": key} for one in pattern.singles]
        tx.execute(case_traces.insert(), added)


def pattern_of(tx: Connection, key: str) -> str | None:
    """Return the key of the pattern that counts this case, if one does."""
    said = select(case_traces.c.pattern).where(case_traces.c.key == key)
    return tx.execute(said).scalar()


def take_out(tx: Connection, keys: Collection[str]) -> list[str]:
    """Count these cases in their patterns no more; return the patterns left empty.

    A case that no pattern counts changes nothing, so it may be repeated. Empty
    patterns are for the caller to remove.
    """
    empty = []
    for key in keys:
        pattern = pattern_of(tx, key)
        if pattern is None:
            continue
        tx.execute(delete(case_traces).where(case_traces.c.key == key))
        there = cases.c.key == pattern
        tx.execute(update(cases).where(there).values(weight=cases.c.weight - 1))
        if tx.execute(select(cases.c.weight).where(there)).scalar() == 0:
            empty.append(pattern)
    return empty


def drop(tx: Connection, pattern: str) -> None:
    """Forget what a pattern counts, because the pattern is forgotten."""
    tx.execute(delete(case_traces).where(case_traces.c.pattern == pattern))
