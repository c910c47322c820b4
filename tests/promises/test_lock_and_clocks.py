"""Promises 10 and 32: a lock stops what has not happened yet; no clock revives what is over."""

import random
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot import migrations
from bot.runtime.schedule import Schedule
from bot.storage.database import connect
from handlers.workspace.people import ALICE, STRANGER
from handlers.workspace.workspace import Workspace
from remediation.ledger.decision import NotDecided
from remediation.ledger.lock import set_lock
from remediation.ledger.proposal import State
from remediation.moment import Moment
from remediation.rules.protect import OwnTree
from tests.promises import act_once
from tests.promises.house import PEOPLE, House, on_card
from tests.scenarios.stage import Bot, card_of, config, until, villain

pytestmark = [pytest.mark.timeout(240)]

LOGS_TERM = """
import os, signal, sys, time
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def told(*_): os.write(log, f"{time.monotonic()}\\n".encode())
signal.signal(signal.SIGTERM, told)
os.write(1, b"ready")
while True: signal.pause()
"""


@pytest.mark.promise(10)
def test_a_lock_between_sigterm_and_sigkill_withholds_the_sigkill(
    workspace: Workspace, bot: Bot, tmp_path: Path
) -> None:
    policy = {**bot.config["policy"], "grace": "4s"}  # type: ignore[dict-item]
    bot.config = config(workspace, policy=policy)
    bot.start()
    mark = tmp_path / "terms"
    burn = (
        "import os, signal\nsignal.alarm(90)\n"
        f"f = os.open({str(mark)!r}, os.O_CREAT | os.O_WRONLY | os.O_APPEND)\n"
        "signal.signal(15, lambda *_: os.write(f, b'T'))\n"
        "while True: pass"
    )
    with villain(burn) as process:
        card = card_of(workspace, process.pid, "Proposed action")
        workspace.click(ALICE.id, card.ts, "Approve")
        until(lambda: mark.exists() and mark.read_bytes())
        locked = workspace.command(STRANGER.id, "lock wait a moment")
        assert locked.acked
        time.sleep(6)
        assert process.poll() is None, "killed although locked"
        card_of(workspace, process.pid, "SIGKILL was not")
        terms = mark.read_bytes()
    print(
        f"promise 10: locked between SIGTERM and SIGKILL, durable after "
        f"{locked.seconds * 1000:.0f} ms; SIGTERM {len(terms)}, SIGKILL 0"
    )
    assert terms == b"T"


@pytest.mark.promise(10)
def test_no_signal_is_sent_after_a_lock_whenever_it_comes(
    tmp_path: Path, *, full_counts: bool
) -> None:
    chance = random.Random(3)
    template = tmp_path / "template.db"
    database = connect(f"sqlite:///{template}")
    migrations.migrate(database)
    database.close()
    rounds = 150 if full_counts else 15
    late, withheld = [0.0], 0
    for number in range(rounds):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copy(template, folder / "countersign.db")
        late_by, spared = _one_lock(folder, chance.uniform(0.0, 0.25))
        late.append(late_by)
        withheld += spared
    print(
        f"promise 10: {rounds} locks at random instants, action withheld or cut short "
        f"{withheld}, latest signal {max(late) * 1000:.1f} ms after the lock"
    )
    assert max(late) < 1.0
    assert withheld > 0


def _one_lock(folder: Path, delay: float) -> tuple[float, bool]:  # noqa: PLR0915 - one instant, told in order
    """Lock `delay` after the executor began; return how late a signal came, and whether
    the process was spared."""
    nobody = OwnTree(pid=0, ancestors=frozenset(), service=None)
    database, ledger, decide, carry_out, clock = act_once.parts(folder, nobody)
    log = folder / "terms"
    victim = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", LOGS_TERM, str(log)], stdout=subprocess.PIPE
    )
    assert victim.stdout is not None
    victim.stdout.read(5)
    died: list[float] = []

    def wait() -> None:
        victim.wait()
        died.append(time.monotonic())

    waiter = threading.Thread(target=wait)
    waiter.start()
    act_once.propose_once(database, ledger, clock, victim.pid)
    with database.read() as tx:
        (proposal,) = ledger.in_state(tx, State.PENDING)
    decide.approve(proposal.id, PEOPLE[0], on_card(proposal.incident))
    worker = threading.Thread(target=carry_out.step)
    worker.start()
    time.sleep(delay)
    with database.write() as tx:
        set_lock(tx, by="U0", why="stop", at=clock.now().wall)
    locked_at = time.monotonic()
    worker.join()
    spared = not died
    signals = [float(line) for line in log.read_text().split()] if log.exists() else []
    signals += died
    victim.kill()
    waiter.join()
    victim.stdout.close()
    database.close()
    return max([s - locked_at for s in signals] + [0.0]), spared


@pytest.mark.promise(7, 32)
@pytest.mark.parametrize(
    ("jump", "words"),
    [(timedelta(hours=-2), "-2 h"), (timedelta(hours=2), "+2 h"), (None, "1970")],
)
def test_no_clock_revives_an_approval_that_is_over(
    tmp_path: Path, jump: timedelta | None, words: str
) -> None:
    house = House.in_folder(tmp_path)
    incident = house.open_incident()
    pending, _ = house.propose(incident)
    second = house.open_incident(1)
    approved, _ = house.propose(second)
    house.decide.approve(approved.id, PEOPLE[0], on_card(second))
    house.clock.passes(15 * 60 + 1)
    clock = house.clock
    clock.wall = clock.wall + jump if jump else datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(NotDecided, match="expired"):
        house.decide.approve(pending.id, PEOPLE[0], on_card(incident))
    house.carry_out.step()
    house.decide.expire()
    house.clock.wall -= timedelta(days=3)
    house.carry_out.step()
    house.restart()
    house.carry_out.step()
    with house.database.read() as tx:
        states = {house.ledger.get(tx, p.id).state for p in (pending, approved)}
    house.close()
    revived = sum(house.hands.signals.values())
    print(f"promises 7, 32: wall clock {words}: revived {revived}, {sorted(states)}")
    assert revived == 0
    assert states <= {State.EXPIRED, State.REFUSED}


@dataclass
class Drifting:
    """The real wall clock against a boot clock that seems to be moved."""

    moved: float = 0.0

    def now(self) -> Moment:
        boot = time.clock_gettime(time.CLOCK_BOOTTIME) + self.moved
        return Moment(wall=datetime.now(UTC), boot=boot, boot_id="boot")


@pytest.mark.promise(32)
def test_a_moved_clock_schedules_nothing_twice_and_stops_nothing() -> None:
    clock, runs = Drifting(), []
    schedule = Schedule(clock, threads=4)
    schedule.every(
        timedelta(seconds=0.4), "round", lambda: runs.append(time.monotonic())
    )
    schedule.start()
    start = time.monotonic()
    jumps = (7200.0, 0.0, -7200.0, 1.7e9, 0.0)
    for moved in jumps:
        time.sleep(0.5)
        clock.moved = moved
        schedule.guard_clock()
        schedule.guard_clock()
    time.sleep(0.9)
    jobs = len(schedule._scheduler.get_jobs())
    took = time.monotonic() - start
    schedule.stop()
    most = took / 0.4 + len(jumps) + 2
    print(
        f"promise 32: {len(jumps)} clock jumps: jobs {jobs}, runs {len(runs)} in {took:.1f} s "
        f"(at most {most:.0f})"
    )
    assert jobs == 1
    assert took / 0.4 / 2 < len(runs) <= most
    longest = max(b - a for a, b in pairwise(runs))
    assert longest < 1.5
