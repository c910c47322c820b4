"""What is purged is gone from the kernel's tables, and the chain still proves the rest."""

from dataclasses import asdict

import pytest
from sqlalchemy import delete, func, insert, select, update

from bot.storage.database import Database
from remediation.ledger import anchors, audit
from remediation.ledger.anchors import Anchor, joined
from remediation.ledger.audit import Event, Head
from remediation.ledger.proposal import State
from remediation.ledger.purge import ChainBroken, Taken, busy, counted, take_out
from remediation.ledger.tables import events, proposals, votes
from tests.fakes.clock import START, FakeClock
from tests.remediation.ledger.decisions import (
    approved,
    claimed,
    draft,
    finished,
    proposed,
)

OF = (1, 2, 1, None, 3, 2, 2, 1, 3)
"""Whose event is which, from event 1 on; the first two incidents are purged."""
OLD = (1, 2)


def filled(database: Database) -> list[audit.Sealed]:
    with database.write() as tx:
        return [
            audit.append(
                tx, Event(kind="x", text=f"event {n}", at=START, incident=number)
            )
            for n, number in enumerate(OF, start=1)
        ]


def purged(database: Database, *incidents: int) -> Taken:
    with database.write() as tx:
        return take_out(tx, incidents, text="Purged", at=START)


def report(database: Database, known: Head | None = None) -> audit.Report:
    with database.read() as tx:
        return audit.verify(tx, known=known)


def gaps(database: Database) -> list[tuple[int, int]]:
    with database.read() as tx:
        return [(gap.first, gap.last) for gap in anchors.all_of(tx)]


def test_only_the_events_of_those_incidents_go(database: Database) -> None:
    filled(database)
    assert purged(database, *OLD) == Taken(events=6, proposals=0)
    with database.read() as tx:
        left = [(s.seq, s.event.kind) for s in audit.read(tx)]
    assert left == [(4, "x"), (5, "x"), (9, "x"), (10, anchors.KIND)]


def test_what_is_left_is_whole_and_what_went_is_counted(database: Database) -> None:
    filled(database)
    purged(database, *OLD)
    found = report(database)
    assert (found.fault, found.rows, found.purged) == (None, 4, 6)
    assert found.head.seq == 10


def test_gaps_that_meet_are_one(database: Database) -> None:
    filled(database)
    purged(database, 1)
    assert gaps(database) == [(1, 1), (3, 3), (8, 8)]
    purged(database, 2)
    assert gaps(database) == [(1, 3), (6, 8)]
    assert report(database).fault is None


def test_what_is_written_after_a_purge_goes_on(database: Database) -> None:
    filled(database)
    purged(database, *OLD)
    filled(database)
    purged(database, 3)
    assert report(database).fault is None
    assert gaps(database) == [(1, 3), (5, 9), (15, 15), (19, 19)]


def test_nothing_to_purge_leaves_a_whole_chain(database: Database) -> None:
    assert purged(database, 77) == Taken(events=0, proposals=0)
    found = report(database)
    assert (found.rows, found.purged) == (1, 0)


def test_proposals_and_votes_go_with_their_incident(
    database: Database, clock: FakeClock
) -> None:
    finished(database, clock.now())
    proposed(database, clock.now(), draft(incident=13))
    assert purged(database, 12).proposals == 1
    with database.read() as tx:
        left = tx.execute(select(proposals.c.incident)).scalars().all()
        assert tx.execute(select(func.count()).select_from(votes)).scalar() == 0
    assert left == [13]


def test_counting_takes_nothing(database: Database, clock: FakeClock) -> None:
    finished(database, clock.now())
    with database.read() as tx:
        assert counted(tx, [12]) == counted(tx, [12]) == Taken(events=1, proposals=1)


def test_what_may_still_be_carried_out_is_busy(
    database: Database, clock: FakeClock
) -> None:
    proposed(database, clock.now(), draft(incident=1))
    approved(database, clock.now(), draft(incident=2))
    claimed(database, approved(database, clock.now(), draft(incident=3)), clock.now())
    ended = proposed(database, clock.now(), draft(incident=4))
    with database.write() as tx:
        its = update(proposals).where(proposals.c.id == ended.id)
        tx.execute(its.values(state=State.REJECTED))
        assert busy(tx) == {1, 2, 3}


# --- a purge hides nothing -----------------------------------------------------------


def test_what_was_changed_is_not_purged(database: Database) -> None:
    filled(database)
    with database.write() as tx:
        tx.execute(update(events).where(events.c.seq == 3).values(text="other"))
    with pytest.raises(ChainBroken, match="event 3 was changed"):
        purged(database, *OLD)
    assert (gaps(database), report(database).fault) == ([], "event 3 was changed")


def test_a_break_between_two_that_go_is_found_afterwards(database: Database) -> None:
    filled(database)
    with database.write() as tx:
        row = tx.execute(select(*events.c).where(events.c.seq == 3)).one()
        anew = audit.seal((*row[:-2], "0" * 64))
        change = {"prev": "0" * 64, "hash": anew}
        tx.execute(update(events).where(events.c.seq == 3).values(change))
    purged(database, *OLD)
    assert report(database).fault is not None


def test_what_stood_before_a_purge_stays_bound_to_it(database: Database) -> None:
    """Nothing after the gap names the row before it: only the anchor does."""
    filled(database)
    purged(database, *OLD)
    with database.write() as tx:
        row = tx.execute(select(*events.c).where(events.c.seq == 5)).one()._asdict()
        row["text"] = "something else"
        row["hash"] = audit.seal(tuple(row.values())[:-1])
        tx.execute(update(events).where(events.c.seq == 5).values(row))
    assert report(database).fault == "event 5 is not the one that came before a purge"


def test_who_deletes_and_invents_an_anchor_is_found(database: Database) -> None:
    chain = filled(database)
    with database.write() as tx:
        tx.execute(delete(events).where(events.c.seq == 3))
        made = Anchor(first=3, last=3, prev=chain[1].hash, hash=chain[2].hash)
        tx.execute(insert(anchors.anchors), [asdict(made)])
    assert "not those that were sealed" in (report(database).fault or "")


def test_who_deletes_more_than_was_purged_is_found(database: Database) -> None:
    chain = filled(database)
    purged(database, *OLD)
    with database.write() as tx:
        tx.execute(delete(events).where(events.c.seq == 4))
        first = update(anchors.anchors).where(anchors.anchors.c.first == 1)
        tx.execute(first.values(last=4, hash=chain[3].hash))
    assert "not those that were sealed" in (report(database).fault or "")


def test_anchors_that_are_gone_are_missed(database: Database) -> None:
    filled(database)
    purged(database, *OLD)
    with database.write() as tx:
        tx.execute(delete(anchors.anchors))
    assert report(database).fault == "event 1 is missing (found 4 in its place)"


def test_an_anchor_beyond_the_end_is_found(database: Database) -> None:
    filled(database)
    purged(database, *OLD)
    with database.write() as tx:
        made = Anchor(first=90, last=91, prev="0" * 64, hash="0" * 64)
        tx.execute(insert(anchors.anchors), [asdict(made)])
    assert "event 90 was purged, but nothing follows" in (report(database).fault or "")


# --- heads that were posted ----------------------------------------------------------


@pytest.mark.parametrize("seq", [3, 4, 9])
def test_a_head_at_the_edge_of_a_purge_is_still_proved(
    database: Database, seq: int
) -> None:
    chain = filled(database)
    purged(database, *OLD)
    known = Head(seq=seq, hash=chain[seq - 1].hash)
    assert report(database, known).fault is None
    assert "is not in the chain" in (
        report(database, Head(seq=seq, hash="0" * 64)).fault or ""
    )


def test_a_head_inside_of_what_was_purged_proves_nothing(database: Database) -> None:
    chain = filled(database)
    purged(database, *OLD)
    found = report(database, Head(seq=7, hash=chain[6].hash))
    assert "event 7 was purged" in (found.fault or "")


def test_anchors_join_in_any_order() -> None:
    def run(first: int, last: int) -> Anchor:
        return Anchor(first=first, last=last, prev=f"h{first - 1}", hash=f"h{last}")

    assert joined([run(5, 5), run(1, 2), run(3, 4), run(8, 9)]) == [
        run(1, 5),
        run(8, 9),
    ]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
