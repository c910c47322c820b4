"""Promise 22: the hash on the card is the hash of what is done, and nothing else is done under it."""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from remediation.ledger.proposal import Proposal, State
from remediation.ledger.tables import proposals
from tests.promises.house import PEOPLE, House, on_card
from tests.scenarios.stage import Bot, runaway, until

pytestmark = [pytest.mark.promise(22), pytest.mark.timeout(240)]


@pytest.mark.parametrize("kind", ["terminate", "lower_priority", "pause"])
def test_the_hash_on_the_card_is_the_hash_that_is_executed(
    workspace: Workspace, bot: Bot, kind: str
) -> None:
    policy = bot.config["policy"]
    assert isinstance(policy, dict)
    policy |= {"candidates": [kind], "pause_for": "3s"}
    with runaway(bot) as (process, card):
        shown = re.search(r"action ([0-9a-f]{8})\b", card.all_text())
        assert shown is not None
        workspace.click(ALICE.id, card.ts, "Approve")
        rows = until(lambda: done(bot.folder))
        action, kinds = rows[0][0], {row[2] for row in rows}
        hashes = {row[1] for row in rows} | {
            hashlib.sha256(action.encode()).hexdigest()
        }
        assert f'"pid":{process.pid},' in action
    other = [found for found in hashes if not found.startswith(shown[1])]
    print(
        f"promise 22: {kind}: hash {shown[1]} on the card, in {len(rows)} events and of "
        f"the action itself, mismatches {len(other)}"
    )
    assert other == []
    assert {"proposal.approved", "action.started", "action.done"} <= kinds


def done(folder: Path) -> list[tuple[str, str, str]]:
    """The action that was carried out with the hash in each of its events."""
    with sqlite3.connect(folder / "state" / "countersign.db", timeout=10) as db:
        return db.execute(
            "SELECT p.action, e.action_hash, e.kind FROM proposals p "
            "JOIN events e ON e.proposal = p.id WHERE p.state = 'done'"
        ).fetchall()


OTHERWISE: dict[object, object] = {"process": "tree", "PT10S": "PT1S"}
"""Values that are not any text: what they might be changed to."""


def changed(text: str) -> Iterator[str]:
    """The action with one value changed, for each of its values."""
    action = json.loads(text)
    for holder in (action, *(v for v in action.values() if isinstance(v, dict))):
        for name, value in list(holder.items()):
            if isinstance(value, (int, str)) and name != "kind":
                more = value + 1 if isinstance(value, int) else f"{value}x"
                holder[name] = OTHERWISE.get(value, more)
                yield json.dumps(action)
                holder[name] = value


def carried_out(house: House, proposal: Proposal, text: str, *, when: str) -> int:
    """How often it is acted on although its row was written to before or after the click."""

    def tamper() -> None:
        with house.database.write() as tx:
            row = update(proposals).where(proposals.c.id == proposal.id)
            tx.execute(row.values(action=text))

    if when == "before":
        tamper()
    house.decide.approve(proposal.id, PEOPLE[0], on_card(proposal.incident))
    if when == "after":
        tamper()
    house.carry_out.step()
    return house.hands.signals[proposal.id]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_action_that_was_changed_below_its_hash_is_refused(
    tmp_path: Path, when: str
) -> None:
    house = House.in_folder(tmp_path)
    number = 0
    first, *_ = house.propose(house.open_incident(number))
    with house.database.read() as tx:
        row = proposals.select().where(proposals.c.id == first.id)
        texts = list(changed(tx.execute(row).one().action))
    acted = 0
    for number, _ in enumerate(texts, start=1):
        proposal, *_ = house.propose(house.open_incident(number))
        with house.database.read() as tx:
            row = proposals.select().where(proposals.c.id == proposal.id)
            other = list(changed(tx.execute(row).one().action))[number - 1]
        acted += carried_out(house, proposal, other, when=when)
    house.decide.approve(first.id, PEOPLE[0], on_card(first.incident))
    house.carry_out.step()
    with house.database.read() as tx:
        as_shown = house.ledger.get(tx, first.id).state
        refused = house.ledger.in_state(tx, State.REFUSED)
    house.close()
    print(
        f"promise 22 (row changed {when} the click): {len(texts)} values of an action, "
        f"carried out {acted}, refused {len(refused)}"
    )
    assert acted == 0
    # What names another host is that host's to refuse.
    assert len(refused) >= len(texts) - 1 > 3
    assert as_shown is State.DONE
