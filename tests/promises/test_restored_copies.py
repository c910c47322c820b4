"""Promise 7: a database that is put back brings no old approval with it."""

import random
from pathlib import Path

import pytest

from bot.keeping.copies import copy
from bot.keeping.restored import Replaced, make_safe
from remediation.ledger.decision import NotDecided
from tests.promises.house import PEOPLE, House, on_card, rules

pytestmark = pytest.mark.promise(7)


def at_work(folder: Path, incidents: int) -> tuple[House, dict[str, int]]:
    """A bot with proposals that wait, have one of two votes, or are approved."""
    house = House.in_folder(folder, wanted=rules(needed=random.choice([1, 2])))
    offered = {}
    for number in range(incidents):
        made = house.open_incident(number)
        proposal = house.propose(made)[0]
        offered[proposal.id] = made
        for person in random.sample(PEOPLE, random.randint(0, house.rules.needed)):
            house.decide.approve(proposal.id, person, on_card(made))
    return house, offered


def copied(house: House, folder: Path) -> House:
    """The same bot on a copy, in the same boot, at the same second."""
    folder.mkdir()
    file = Path(house.url.removeprefix("sqlite:///"))
    copy(file, folder / "countersign.db", lambda _done, _total: None)
    again = House.in_folder(folder, wanted=house.rules)
    again.clock = house.clock
    again.restart()
    return again


def carried_out(house: House, offered: dict[str, int]) -> int:
    """Let the executor work, click every old card, and let it work again."""
    house.carry_out.step()
    for proposal, incident in offered.items():
        for person in PEOPLE:
            try:
                house.decide.approve(proposal, person, on_card(incident))
            except NotDecided:
                continue
    house.carry_out.step()
    return sum(house.hands.signals.values())


def test_no_approval_of_a_copy_acts(tmp_path: Path, *, full_counts: bool) -> None:
    rounds = 40 if full_counts else 4
    old = revived = without = 0
    for number in range(rounds):
        folder = tmp_path / str(number)
        folder.mkdir()
        house, offered = at_work(folder, 8)
        restored = copied(house, folder / "restored")
        with restored.database.write() as tx:
            why = "a test"
            old += make_safe(tx, Replaced(), why=why, now=restored.clock.now())
        revived += carried_out(restored, offered)
        only_copied = copied(house, folder / "copied")
        without += carried_out(only_copied, offered)
        for one in (house, restored, only_copied):
            one.close()
    print(
        f"promise 7: {rounds} copies put back with {old} open proposals, revived "
        f"{revived} (without the restore's end of them {without})"
    )
    assert revived == 0
    assert old >= without > 0
