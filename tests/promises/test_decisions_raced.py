"""Promise 5: one decision and one execution, however many processes are at it."""

import multiprocessing
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

import pytest
from sqlalchemy import select

from remediation.ledger import audit
from remediation.ledger.proposal import State
from remediation.ledger.tables import events, proposals
from tests.promises.house import PEOPLE, House, on_card
from tests.promises.racers import Race, race
from tests.real.databases import empty

PROCESSES = 4


pytestmark = [pytest.mark.promise(5), pytest.mark.timeout(900)]


def test_four_processes_reach_one_decision_per_proposal_on_sqlite(
    tmp_path: Path, *, full_counts: bool
) -> None:
    _race(
        f"sqlite:///{tmp_path / 'countersign.db'}",
        tmp_path,
        1000 if full_counts else 60,
    )


def test_four_processes_reach_one_decision_per_proposal_on_postgresql(
    tmp_path: Path, *, full_counts: bool
) -> None:
    with empty("postgresql", tmp_path) as url:
        _race(url, tmp_path, 1000 if full_counts else 60)


def test_owning_and_deciding_at_once_fail_nobody_on_sqlite(tmp_path: Path) -> None:
    _crowd(f"sqlite:///{tmp_path / 'countersign.db'}")


def test_owning_and_deciding_at_once_fail_nobody_on_postgresql(tmp_path: Path) -> None:
    with empty("postgresql", tmp_path) as url:
        _crowd(url)


def _crowd(url: str) -> None:
    """Take, escalate and approve the same incidents at the same instants."""
    house = House(url)
    lines = []
    for number in range(20):
        incident = house.open_incident(number)
        lines.append((incident, house.propose(incident)[0].id))
    barrier = threading.Barrier(3)

    def work(verb: str) -> int:
        own = House(url)
        for incident, proposal in lines:
            barrier.wait(60)
            match verb:
                case "approve":
                    own.decide.approve(proposal, PEOPLE[0], on_card(incident))
                case "take":
                    own.own.take(incident, PEOPLE[1])
                case _:
                    own.own.escalate(incident, PEOPLE[2])
        own.close()
        return len(lines)

    with ThreadPoolExecutor(3) as crowd:
        done = sum(crowd.map(work, ("approve", "take", "escalate")))
    with house.database.read() as tx:
        report = audit.verify(tx)
    house.close()
    where = url.partition(":")[0].partition("+")[0]
    print(f"promise 5 ({where}): {done} clicks of three on 20 incidents, failed 0")
    assert report.fault is None


def _race(url: str, folder: Path, count: int) -> None:
    house = House(url)
    lines = []
    for number in range(count):
        incident = house.open_incident(number)
        lines.append((incident, house.propose(incident)[0].id))
    wins, seconds = _run(Race(url=url, lines=tuple(lines), log=folder / "signals"))
    signals = Counter((folder / "signals").read_text().split())
    with house.database.read() as tx:
        rows = {r.id: r for r in tx.execute(select(proposals))}
        told = Counter(
            tuple(r) for r in tx.execute(select(events.c.proposal, events.c.kind))
        )
        report = audit.verify(tx)
    house.close()
    decided = wins["approved"] + wins["rejected"]
    clicks = decided + wins["told no"]
    doubles = sum(n - 1 for n in signals.values()) + (decided - count)
    where = url.partition(":")[0].partition("+")[0]
    print(
        f"promise 5 ({where}): {PROCESSES} processes x {count} proposals, {clicks} clicks, "
        f"{wins['approved']} approved, {wins['rejected']} rejected, "
        f"{sum(signals.values())} executed, duplicates {doubles}, {seconds:.1f} s"
    )
    assert doubles == 0
    assert decided == count
    assert not any(name.endswith("!") for name in signals), "unapproved"
    assert report.fault is None
    for _, proposal in lines:
        row = rows[proposal]
        assert signals[proposal] == (1 if row.state == State.DONE else 0)
        assert row.state in (State.DONE, State.REJECTED)
        one = told[proposal, "proposal.approved"] + told[proposal, "proposal.rejected"]
        assert one == 1


def _answer(answers: "Queue[Counter[str]]", racers: list[SpawnProcess]) -> Counter[str]:
    """Wait for one racer's count; a racer that died leaves the others at the barrier."""
    while True:
        try:
            return answers.get(timeout=1)
        except Empty:
            if any(racer.exitcode for racer in racers):
                for racer in racers:
                    racer.kill()
                raise AssertionError("a racer died of an error") from None


def _run(wanted: Race) -> tuple[Counter[str], float]:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    answers = context.Queue()
    racers = [
        context.Process(target=race, args=(me, wanted, barrier, answers))
        for me in range(PROCESSES)
    ]
    start = time.monotonic()
    for racer in racers:
        racer.start()
    wins: Counter[str] = Counter()
    for _ in racers:
        wins += _answer(answers, racers)
    for racer in racers:
        racer.join(30)
        assert racer.exitcode == 0
    return wins, time.monotonic() - start
