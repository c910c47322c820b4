"""Promise 30: when the disk fails at the worst instant, the end is recorded later, once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from remediation.ledger.proposal import State
from tests.promises.house import PEOPLE, House, MortalDatabase, on_card

pytestmark = pytest.mark.promise(30)


class FullDisk(MortalDatabase):
    """A disk that is full for the next `fails` transactions."""

    fails = 0

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as tx:
            yield tx
            if self.fails:
                self.fails -= 1
                raise OperationalError("COMMIT", {}, Exception("disk is full"))


@pytest.mark.parametrize("fails", [1, 3])
def test_an_outcome_that_could_not_be_written_is_written_later_without_a_restart(
    tmp_path: Path, fails: int
) -> None:
    house = House.in_folder(tmp_path)
    disk = FullDisk(house.database.engine)
    house.carry_out._database = disk
    incident = house.open_incident()
    first = house.propose(incident)[0]
    second_incident = house.open_incident(1)
    second = house.propose(second_incident)[0]
    for number, proposal in ((incident, first), (second_incident, second)):
        house.decide.approve(proposal.id, PEOPLE[0], on_card(number))

    act = house.hands.execute

    def then_full(*args: object, **kwargs: object) -> object:
        outcome = act(*args, **kwargs)  # type: ignore[arg-type]
        disk.fails = fails
        house.hands.execute = act  # type: ignore[method-assign]
        return outcome

    house.hands.execute = then_full  # type: ignore[method-assign, assignment]
    for _ in range(fails + 3):
        try:
            house.carry_out.step()
        except OperationalError:
            continue
        house.carry_out.recover()
    with house.database.read() as tx:
        states = [house.ledger.get(tx, p.id).state for p in (first, second)]
    house.close()
    print(
        f"promise 30: {fails} failed writes of an outcome: {states}, signals "
        f"{sum(house.hands.signals.values())} for 2 proposals"
    )
    assert max(house.hands.signals.values()) == 1
    assert states[0] in (State.DONE, State.INTERRUPTED), "it stays executing for ever"
    assert states[1] is State.DONE, "the host stays occupied"
