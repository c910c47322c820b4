"""Promise 34: every transition of a decision is one event, who and what and when and the hash.

The database itself notes each change of a state by triggers, which the product does not
know; afterwards the ledger must tell of exactly these.
"""

import random
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import State
from tests.promises.house import PEOPLE, Died, House, on_card, rules

pytestmark = [pytest.mark.promise(34), pytest.mark.timeout(900)]

WATCH = """
CREATE TABLE moved (proposal TEXT, was TEXT, became TEXT);
CREATE TRIGGER made AFTER INSERT ON proposals BEGIN
    INSERT INTO moved VALUES (new.id, '', new.state); END;
CREATE TRIGGER moves AFTER UPDATE ON proposals WHEN old.state <> new.state BEGIN
    INSERT INTO moved VALUES (new.id, old.state, new.state); END;
CREATE TRIGGER voted AFTER INSERT ON votes BEGIN
    INSERT INTO moved VALUES (new.proposal, 'vote', new.person); END;
"""
EVENT_OF = {
    State.PENDING: "proposal.made",
    State.EXECUTING: "action.started",
    State.DONE: "action.done",
    State.FAILED: "action.failed",
    State.REFUSED: "action.refused",
    State.INTERRUPTED: "action.interrupted",
    State.REJECTED: "proposal.rejected",
    State.EXPIRED: "proposal.expired",
    State.SUPERSEDED: "proposal.superseded",
}
"""APPROVED has none of its own: the vote that completes it is the event."""
SAME = {"proposal.lapsed": "proposal.expired"}
"""What stood in the menu only ends more quietly."""


def live(house: House, chance: random.Random, steps: int) -> None:
    """A history: people click, time passes, the bot acts and is killed."""
    opened = 0
    for _ in range(steps):
        opened = _step(house, chance, opened)
    house.clock.passes(16 * 60)
    house.decide.expire()
    house.carry_out.step()


def _step(house: House, chance: random.Random, opened: int) -> int:
    match chance.choice(
        ("open", "open", "approve", "approve", "reject", "act", "more")
    ):
        case "open":
            house.propose(house.open_incident(opened))
            return opened + 1
        case "more" if opened:
            _disturb(house, chance)
        case "act":
            _act(house, chance.choice(("", "", "before", "after")))
        case what:
            _decide(house, chance, what)
    return opened


def _decide(house: House, chance: random.Random, what: str) -> None:
    with house.database.read() as tx:
        pending = house.ledger.in_state(tx, State.PENDING)
    if not pending:
        return
    proposal, person = chance.choice(pending), chance.choice(PEOPLE)
    decide = house.decide.approve if what == "approve" else house.decide.reject
    with suppress(NotDecided):
        decide(proposal.id, person, on_card(proposal.incident))


def _act(house: House, dies: str) -> None:
    house.hands.dies = dies
    try:
        house.carry_out.step()
    except Died:
        house.restart()
    house.hands.dies = ""


def _disturb(house: House, chance: random.Random) -> None:
    match chance.choice(("time", "lock", "propose")):
        case "time":
            house.clock.passes(chance.choice((60, 400, 901)))
            house.decide.expire()
        case "lock":
            house.own.lock("odd", PEOPLE[0])
            house.carry_out.step()
            house.own.unlock(PEOPLE[0])
        case _:
            with house.database.read() as tx:
                pending = house.ledger.in_state(tx, State.PENDING)
            for proposal in pending[:1]:
                with suppress(NotDecided):
                    house.propose(proposal.incident)


def test_what_the_database_saw_is_what_the_ledger_tells(
    tmp_path: Path, *, full_counts: bool
) -> None:
    seed = random.randrange(10_000)
    house = House.in_folder(tmp_path, wanted=rules(needed=2))
    with closing(sqlite3.connect(tmp_path / "countersign.db")) as db:
        db.executescript(WATCH)
    live(house, random.Random(seed), 5000 if full_counts else 400)
    with house.database.read() as tx:
        moved = tx.execute(text("SELECT proposal, was, became FROM moved")).all()
        told = tx.execute(
            text(
                "SELECT e.proposal, e.kind, e.actor, e.action_hash = p.digest, e.text, e.at "
                "FROM events e JOIN proposals p ON p.id = e.proposal"
            )
        ).all()
    house.close()
    saw = Counter(
        (proposal, "proposal.approved" if was == "vote" else EVENT_OF[State(became)])
        for proposal, was, became in moved
        if became != State.APPROVED
    )
    wanted = {*EVENT_OF.values(), "proposal.approved"}
    heard = [(p, SAME.get(kind, kind)) for p, kind, *_ in told]
    rows = Counter(one for one in heard if one[1] in wanted)
    people = {(p, became) for p, was, became in moved if was == "vote"}
    named = {(p, actor) for p, kind, actor, *_ in told if kind == "proposal.approved"}
    vague = [row for row in told if not (row[3] and row[4] and row[5])]
    print(
        f"promise 34: {saw.total()} transitions of {len({p for p, *_ in moved})} proposals "
        f"(seed {seed}), rows {rows.total()}, untold {(saw - rows).total()}, invented "
        f"{(rows - saw).total()}, without hash or words {len(vague)}"
    )
    assert saw.total() > 100
    assert {kind for _, kind in saw} >= wanted - {"action.failed"}
    assert saw == rows
    assert people == named
    assert vague == []
