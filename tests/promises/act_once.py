"""The whole way from a click to a signal in one short process, made to be killed anywhere.

Run as `python -m tests.promises.act_once FOLDER PID`. Everything is the product's own:
database, ledger, decision, executor, pidfd. A second run is the start after the crash.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, select

from bot.actions.carry_out import CarryOut
from bot.decide import Decide
from bot.model import Culprit
from bot.ports import Clock
from bot.runtime.clock import SystemClock
from bot.storage import store
from bot.storage.database import Database, connect
from bot.storage.record import Record
from remediation.action import Terminate
from remediation.acts.execute import Executor
from remediation.acts.observe import Observer
from remediation.ledger.decision import Draft, NotDecided
from remediation.ledger.ledger import Ledger
from remediation.ledger.lock import locked
from remediation.ledger.proposal import State
from remediation.ledger.tables import proposals
from remediation.rules.protect import OwnTree, ProtectSettings
from remediation.target.facts import FactReader, ProcessFacts
from remediation.target.identity import Gone, open_process
from tests.fakes.services import fleet
from tests.promises.house import (
    CHANNEL,
    HOST,
    INSTANCE,
    PEOPLE,
    Quiet,
    card_ts,
    incident,
    on_card,
    rules,
)

GRACE = timedelta(seconds=0.15)


def parts(
    folder: Path, own: OwnTree | None = None
) -> tuple[Database, Ledger, Decide, CarryOut, Clock]:
    """Wire it as `bot.wiring` does, without Slack and without migrating.

    own: who must not be touched; a test's victim is its child, a bot's never.
    """
    database = connect(f"sqlite:///{folder / 'countersign.db'}")
    clock, wanted = SystemClock(), rules()
    ledger = Ledger(instance=INSTANCE, caps=wanted.caps)
    record = Record(database=database, ledger=ledger, clock=clock)

    def halted() -> str | None:
        with database.read() as tx:
            return "locked" if locked(tx) else None

    with open_process(os.getpid()) as me:
        observer = Observer(me.identity, fleet=fleet())
    protect = ProtectSettings(users=None, first_uid=0)
    executor = Executor(
        rules=type(wanted)(ttl=wanted.ttl, needed=1, caps=wanted.caps, protect=protect),
        own=own or OwnTree.read(),
        fleet=fleet(),
        halted=halted,
        now=lambda: clock.now().wall,
    )
    quiet = Quiet()
    carry_out = CarryOut(
        record=record,
        executor=executor,
        observer=observer,
        window=lambda _incident: timedelta(seconds=3),
        poster=quiet,
    )
    decide = Decide(record=record, poster=quiet, worker=quiet)
    return database, ledger, decide, carry_out, clock


def propose_once(database: Database, ledger: Ledger, clock: Clock, pid: int) -> None:
    """What a detector's round does, once: the incident, its proposal, its event."""
    try:
        facts = FactReader(HOST).read(pid)
    except Gone:
        return
    now = clock.now()
    with database.write() as tx:
        if tx.execute(select(proposals.c.id)).first() is not None:
            return
        culprit = Culprit(process=facts, share=0.9, amount=97.0)
        made = store.create(tx, lambda number: incident(number, culprit))
        tx.execute(
            insert(store.postings).values(
                incident=made.number, channel=CHANNEL, ts=card_ts(made.number)
            )
        )
        draft = Draft(
            incident=made.number,
            action=action(facts),
            rule="policy.processes.terminate",
            needed=1,
            ttl=timedelta(minutes=15),
        )
        ledger.propose(tx, draft, now=now)


def action(facts: ProcessFacts) -> Terminate:
    return Terminate(host=HOST, process=facts.identity, label=facts.label, grace=GRACE)


def main(folder: Path, pid: int) -> None:
    database, ledger, decide, carry_out, clock = parts(folder)
    carry_out.recover()
    propose_once(database, ledger, clock, pid)
    with database.read() as tx:
        pending = ledger.in_state(tx, State.PENDING)
    for proposal in pending:
        try:
            decide.approve(proposal.id, PEOPLE[0], on_card(proposal.incident))
        except NotDecided as told:
            print(told.reason)
    carry_out.step()
    database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
