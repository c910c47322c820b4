"""What each of the four processes does to one proposal; imported by the spawned children."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from remediation.ledger.decision import NotDecided
from remediation.ledger.ledger import Approval
from remediation.outcome import Outcome
from remediation.target.identity import open_process
from tests.promises.house import PEOPLE, House, on_card


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One race: where, over which proposals, and where signals are written down."""

    url: str
    lines: tuple[tuple[int, str], ...]
    log: Path


class WritingHands:
    """Appends each execution to a file that all processes share."""

    def __init__(self, log: Path) -> None:
        self._file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def wrap(self, house: House) -> None:
        inner = house.hands.execute

        def execute(approval: Approval, *, progress: Callable[[str], None]) -> Outcome:
            outcome = inner(approval, progress=progress)
            mark = "!" if house.hands.unapproved else ""
            os.write(self._file, f"{approval.proposal.id}{mark}\n".encode())
            return outcome

        house.hands.execute = execute  # type: ignore[method-assign]


def race(me: int, race_: Race, barrier: Barrier, answers: object) -> None:
    """Click, or reject, or click again, at the same instant as the others; then act."""
    with open_process(os.getpid()) as myself:
        house = House(race_.url, me=myself.identity)
    WritingHands(race_.log).wrap(house)
    wins: Counter[str] = Counter()
    for turn, (incident, proposal) in enumerate(race_.lines):
        # Two approve (one of them as a replay of the same person), one rejects.
        role = (me + turn) % 4
        who = PEOPLE[0 if role == 3 else role]
        barrier.wait(60)
        try:
            if role == 2:
                house.decide.reject(proposal, who, on_card(incident))
                wins["rejected"] += 1
            else:
                house.decide.approve(proposal, who, on_card(incident))
                wins["approved"] += 1
        except NotDecided:
            wins["told no"] += 1
        barrier.wait(60)
        house.carry_out.step()
        house.carry_out.recover()
    house.close()
    answers.put(wins)  # type: ignore[attr-defined]
