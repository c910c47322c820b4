"""`countersign export`: incidents as JSON Lines, the ledger as CSV, beside a running bot."""

import os
import sys
from datetime import datetime
from typing import Final, TextIO

from sqlalchemy import Connection, select

from bot.cli.bounds import parse_bound
from bot.cli.command import BadRequest, opened, telling
from bot.config.environment import Environment
from bot.keeping import audit_sheet
from bot.keeping.incident_line import incident_line
from bot.storage import store
from remediation.ledger import docket
from remediation.ledger.audit import read

_EVENTS: Final = 100_000
"""Of one incident, at most."""


def incidents(since: str | None, until: str | None) -> int:
    """Print the incidents opened in a span, one JSON object a line, the oldest first."""
    with telling("export") as told:
        span = _bound("--since", since), _bound("--until", until, is_end=True)
        with (
            opened(Environment.read(os.environ)) as database,
            database.read() as tx,
        ):
            _write_incidents(tx, sys.stdout, *span)
    return told.code


def audit(since: str | None, until: str | None) -> int:
    """Print the events of a span as CSV with a header, in the order of the chain."""
    with telling("export") as told:
        begin, end = _bound("--since", since), _bound("--until", until, is_end=True)
        with (
            opened(Environment.read(os.environ)) as database,
            database.read() as tx,
        ):
            audit_sheet.write(tx, sys.stdout, since=begin, until=end)
    return told.code


def _write_incidents(
    tx: Connection, out: TextIO, since: datetime | None, until: datetime | None
) -> None:
    rows = store.incidents.c
    query = select(rows.number).order_by(rows.number)
    if since is not None:
        query = query.where(rows.opened_at >= since)
    if until is not None:
        query = query.where(rows.opened_at < until)
    for number in tx.execute(query).scalars().all():
        events = read(tx, incident=number, limit=_EVENTS)
        line = incident_line(store.get(tx, number), docket.of(tx, number), events)
        out.write(f"{line}\n")


def _bound(name: str, text: str | None, *, is_end: bool = False) -> datetime | None:
    try:
        return None if text is None else parse_bound(text, is_end=is_end)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{name}: {error}") from error
