"""The ledger as a sheet for auditors: who, what, when, why, and what came of it.

A sheet is opened by programs that compute: a cell that begins like a formula gets an
apostrophe before it, so it is shown and never computed.
"""

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Final, TextIO

from sqlalchemy import Connection, RowMapping, select

from remediation.ledger.proposal import State
from remediation.ledger.tables import as_text, events, proposals

COLUMNS: Final = (
    "seq", "when", "who", "what", "text", "why", "incident", "proposal", "action_hash",
    "outcome", "hash",
)  # fmt: skip
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_BOT: Final = "countersign"
_AT_ONCE: Final = 2000


def write(
    tx: Connection, out: TextIO, *, since: datetime | None, until: datetime | None
) -> None:
    """Write the events of a span, or all, in the order of the chain."""
    # All quoted: else a lone carriage return in a text would begin a row for some.
    sheet = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    sheet.writerow(COLUMNS)
    sheet.writerows(_rows(tx, since, until))


def harmless(cell: object) -> str:
    """Return a cell that no program takes for a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _rows(
    tx: Connection, since: datetime | None, until: datetime | None
) -> Iterator[tuple[str, ...]]:
    query = (
        select(*events.c, proposals.c.rule, proposals.c.note, proposals.c.state)
        .outerjoin(proposals, proposals.c.id == events.c.proposal)
        .order_by(events.c.seq)
        .execution_options(yield_per=_AT_ONCE)
    )
    if since is not None:
        query = query.where(events.c.at >= as_text(since))
    if until is not None:
        query = query.where(events.c.at < as_text(until))
    with tx.execute(query) as found:
        for row in found.mappings():
            yield tuple(map(harmless, _cells(row)))


def _cells(row: RowMapping) -> tuple[object, ...]:
    return (
        row["seq"],
        row["at"],
        row["actor"] or _BOT,
        row["kind"],
        row["text"],
        _why(row),
        row["incident"],
        row["proposal"],
        row["action_hash"],
        row["state"],
        row["hash"],
    )


def _why(row: RowMapping) -> object:
    """Return the reason of a rejection, else the rule that allowed the action."""
    is_rejection = row["state"] == State.REJECTED and row["kind"] == "proposal.rejected"
    return row["note"] if is_rejection and row["note"] else row["rule"]
