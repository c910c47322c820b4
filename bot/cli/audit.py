"""`countersign audit`: check and export the chain, beside a running bot."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.config.environment import Environment
from bot.storage.database import BadDatabase, connect, url_of
from remediation.ledger import audit
from remediation.ledger.audit import ChainMissing, Head, Sealed


def verify(head: str | None) -> int:
    """Recompute the chain and print what was found; 0 if it is whole, 1 if not."""
    known = _head(head)
    if head is not None and known is None:
        return _bad("--head is written SEQ:HASH, as posted in the thread")
    return _with_database(lambda tx: _report(tx, known))


def export(out: TextIO) -> int:
    """Print every event as one JSON object a line."""

    def write(tx: Connection) -> int:
        out.writelines(json.dumps(_row(entry)) + "\n" for entry in audit.export(tx))
        return 0

    return _with_database(write)


def _report(tx: Connection, known: Head | None) -> int:
    start = time.perf_counter()
    report = audit.verify(tx, known=known)
    took = time.perf_counter() - start
    gone = f", {report.purged} more were purged" if report.purged else ""
    print(f"events  {report.rows}{gone}")
    print(f"head    {report.head.seq}:{report.head.hash}")
    print(f"took    {took:.2f} s")
    print(f"chain   {'whole' if report.fault is None else 'BROKEN: ' + report.fault}")
    return 0 if report.fault is None else 1


def _row(entry: Sealed) -> dict[str, object]:
    event = entry.event
    return {
        "seq": entry.seq,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "incident": event.incident,
        "proposal": event.proposal,
        "actor": event.actor,
        "action_hash": event.action_hash,
        "text": event.text,
        "hash": entry.hash,
    }


def _with_database(use: Callable[[Connection], int]) -> int:
    environment = Environment.read(os.environ)
    url = url_of(environment.database_url, environment.state_dir)
    file = environment.state_dir / "countersign.db"
    if environment.database_url is None and not file.is_file():
        return _bad(f"there is no database {file}; set COUNTERSIGN_STATE_DIR")
    try:
        database = connect(url)
        with database.read() as tx:
            return use(tx)
    except ChainMissing:
        return _bad("the head of the chain is gone: the table was emptied by hand")
    except (BadDatabase, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        return _bad(f"the database cannot be read: {reason}")


def _head(text: str | None) -> Head | None:
    seq, _, digest = (text or "").partition(":")
    return Head(seq=int(seq), hash=digest) if seq.isdigit() and digest else None


def _bad(words: str) -> int:
    sys.stderr.write(f"countersign audit: {words}\n")
    return 2
