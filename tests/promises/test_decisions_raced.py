"""Promise 5: one decision and one execution, however many processes are at it."""

import multiprocessing
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text

from bot.database import url_of
from remediation import audit
from remediation.proposal import State
from remediation.tables import events, proposals
from tests.promises.house import House
from tests.promises.racers import Race, race

PROCESSES = 4
POSTGRES = os.environ.get("COUNTERSIGN_TEST_POSTGRES")


pytestmark = [pytest.mark.promise, pytest.mark.timeout(900)]


def test_four_processes_reach_one_decision_per_proposal_on_sqlite(
    tmp_path: Path, *, full_counts: bool
) -> None:
    _race(
        f"sqlite:///{tmp_path / 'countersign.db'}",
        tmp_path,
        1000 if full_counts else 60,
    )


@pytest.mark.skipif(
    POSTGRES is None, reason="COUNTERSIGN_TEST_POSTGRES names no database"
)
def test_four_processes_reach_one_decision_per_proposal_on_postgresql(
    tmp_path: Path, *, full_counts: bool
) -> None:
    url = url_of(POSTGRES, tmp_path)
    engine = create_engine(url)
    with engine.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    _race(url, tmp_path, 1000 if full_counts else 60)


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
        wins += answers.get(timeout=800)
    for racer in racers:
        racer.join(30)
        assert racer.exitcode == 0
    return wins, time.monotonic() - start
