"""What the tests of the ledger say often: propose, approve, claim, and what stands now."""

from dataclasses import replace
from datetime import timedelta

from bot.storage.database import Database
from remediation.action import Action
from remediation.ledger.decision import Draft
from remediation.ledger.leases import Caps
from remediation.ledger.ledger import Approval, Ledger
from remediation.ledger.proposal import Proposal
from remediation.moment import Moment
from remediation.outcome import Outcome, Result, Seen
from tests.fakes.things import terminate

ALICE, BOB = "U07ALICE001", "U07BOB00002"
ME = "boot/1/2"
TTL = timedelta(minutes=15)
COOLDOWN = timedelta(minutes=30)
LEDGER = Ledger(instance="web-1~abc123", caps=Caps(cooldown=COOLDOWN, per_hour=3))
DONE = Outcome(result=Result.DONE, seen=Seen.EXITED, summary="It ended.")


def draft(action: Action | None = None, **changes: object) -> Draft:
    made = Draft(
        incident=12,
        action=action or terminate(),
        rule="policy.processes.terminate",
        needed=1,
        ttl=TTL,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def proposed(database: Database, now: Moment, made: Draft | None = None) -> Proposal:
    with database.write() as tx:
        return LEDGER.propose(tx, made or draft(), now=now)


def approved(database: Database, now: Moment, made: Draft | None = None) -> Proposal:
    proposal = proposed(database, now, made)
    with database.write() as tx:
        return LEDGER.approve(tx, proposal.id, by=ALICE, now=now).proposal


def claimed(database: Database, proposal: Proposal, now: Moment) -> Approval:
    with database.write() as tx:
        return LEDGER.claim(tx, proposal.id, claimant=ME, now=now)


def finished(database: Database, now: Moment, made: Draft | None = None) -> Proposal:
    proposal = approved(database, now, made)
    claimed(database, proposal, now)
    with database.write() as tx:
        LEDGER.finish(tx, proposal.id, DONE)
    return as_it_is(database, proposal)


def as_it_is(database: Database, proposal: Proposal) -> Proposal:
    with database.read() as tx:
        return LEDGER.get(tx, proposal.id)
