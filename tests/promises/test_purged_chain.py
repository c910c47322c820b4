"""Promise 35: what a purge leaves still verifies, and hides no tampering."""

import random
from pathlib import Path

import pytest
from sqlalchemy import Table, delete, select, update

from remediation.ledger import audit
from remediation.ledger.audit import Head
from remediation.ledger.purge import take_out
from remediation.ledger.tables import anchors, events
from tests.promises.house import START, House
from tests.promises.test_tampering import ROWS, _fault_after, _fill, _other

pytestmark = pytest.mark.promise(35)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A chain of which every second incident or so was purged, in several goes."""
    made = House.in_folder(tmp_path)
    _fill(made, ROWS)
    numbers = random.sample(range(1, ROWS), ROWS // 2)
    for some in (numbers[:10], numbers[10:20], numbers[20:]):
        with made.database.write() as tx:
            take_out(tx, some, text="Purged", at=START)
    return made


def rows_of(house: House, table: Table) -> list[dict[str, object]]:
    with house.database.read() as tx:
        query = select(table).order_by(next(iter(table.primary_key)))
        return [dict(row) for row in tx.execute(query).mappings()]


def test_a_purged_chain_is_whole_and_ends_at_a_head_to_post(house: House) -> None:
    with house.database.read() as tx:
        known = audit.current(tx)
        report = audit.verify(tx, known=known)
    print(
        f"promise 35: purged {report.purged} of {ROWS} events in 3 goes, "
        f"{report.rows} left, {len(rows_of(house, anchors))} anchors: "
        f"{report.fault or 'whole'}"
    )
    assert (report.fault, report.head) == (None, known)
    assert report.rows + report.purged == ROWS + 3
    assert report.purged == ROWS // 2


def test_a_purged_chain_that_was_cut_disagrees_with_the_head_in_slack(
    house: House,
) -> None:
    with house.database.read() as tx:
        known = audit.current(tx)
    with house.database.write() as tx:
        tx.execute(delete(events).where(events.c.seq == known.seq))
        last = rows_of(house, events)[-2]
        head = {"seq": last["seq"], "hash": last["hash"]}
        tx.execute(update(audit.head).values(head))
    fault = _fault_after(house, lambda _tx: None, Head(seq=known.seq, hash=known.hash))
    assert fault is not None


def test_every_change_beside_a_gap_is_found(house: House, *, full_counts: bool) -> None:
    tried = found = 0
    for table in (events, anchors):
        kept = rows_of(house, table)
        key = next(iter(table.primary_key))
        some = kept if full_counts else random.sample(kept, min(len(kept), 8))
        for row in some:
            mine = key == row[key.name]
            changes = [delete(table).where(mine)]
            changes += [
                update(table).where(mine).values({name: value})
                for name, old in row.items()
                for value in _other(old)
                if value != old
                and (value is not None or table.c[name].nullable)
                and (name != key.name or value not in {r[name] for r in kept})
            ]
            for change in changes:
                tried += 1
                fault = _fault_after(house, lambda tx, c=change: tx.execute(c))
                found += fault is not None
    print(f"promise 35: tampered with what a purge left {tried}, detected {found}")
    assert tried == found > 100
