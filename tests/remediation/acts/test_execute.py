"""Carrying out an approval: the last checks stand between the click and the signal."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.storage.database import Database
from remediation.action import Terminate
from remediation.acts.execute import Executor
from remediation.ledger.leases import Caps
from remediation.ledger.ledger import Approval
from remediation.outcome import Outcome, Result, Seen
from remediation.policy import Rules
from remediation.rules.calendar import Window
from remediation.rules.protect import OwnTree, ProtectSettings
from remediation.rules.rule import Circle, Rule, Targets
from remediation.rules.rulebook import RuleBook
from remediation.target import cgroup
from remediation.target.identity import open_process
from tests.fakes.clock import START, FakeClock
from tests.fakes.services import fleet
from tests.real.databases import on
from tests.remediation.ledger.decisions import ALICE, approved, claimed, draft

ELSEWHERE = OwnTree(pid=4_190_000, ancestors=frozenset(), service=None)
"""Not the tests' own tree: the victim is their child."""

database = on("sqlite")


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    code = "import time; print(flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def approval_of(
    database: Database, victim: subprocess.Popen[bytes], **changes: object
) -> Approval:
    with open_process(victim.pid) as live:
        approved_identity = replace(live.identity, **changes)  # type: ignore[arg-type]
    action = Terminate(
        host="web-1",
        process=approved_identity,
        label="victim",
        grace=timedelta(seconds=3),
    )
    now = FakeClock().now()
    return claimed(database, approved(database, now, draft(action)), now)


def carry_out(
    approval: Approval,
    *,
    protect: tuple[str, ...] = (),
    halted: str | None = None,
    needed: int = 1,
    book: RuleBook | None = None,
) -> tuple[Outcome, list[str]]:
    me = pwd.getpwuid(os.geteuid()).pw_name
    rules = Rules(
        ttl=timedelta(minutes=15),
        needed=needed,
        caps=Caps(cooldown=timedelta(0), per_hour=6),
        protect=ProtectSettings(users=frozenset({me}), protect=protect),
        book=book or RuleBook(),
    )
    executor = Executor(
        rules=rules,
        own=ELSEWHERE,
        fleet=fleet(),
        halted=lambda: halted,
        now=lambda: START,
    )
    told: list[str] = []
    return executor.execute(approval, progress=told.append), told


def test_an_approved_process_ends(
    database: Database, victim: subprocess.Popen[bytes]
) -> None:
    outcome, told = carry_out(approval_of(database, victim))
    assert outcome.result is Result.DONE
    assert victim.wait(5) == -15
    assert [step.text for step in outcome.steps] == told
    assert {step.at for step in outcome.steps} == {START}


@pytest.mark.promise(8)
def test_a_lock_stops_it_at_the_last_instant(
    database: Database, victim: subprocess.Popen[bytes]
) -> None:
    outcome, _ = carry_out(approval_of(database, victim), halted="the bot was locked")
    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.ALIVE)
    assert "the bot was locked" in outcome.summary
    assert victim.poll() is None
    print("promise 8: locked after the click: refused, 0 signals")


@pytest.mark.promise(8)
def test_a_protection_stops_it_at_the_last_instant(
    database: Database, victim: subprocess.Popen[bytes]
) -> None:
    outcome, _ = carry_out(approval_of(database, victim), protect=("*python*",))
    assert outcome.result is Result.REFUSED
    assert victim.poll() is None
    print("promise 8: protected after the click: refused, 0 signals")


HERE = cgroup.place(os.getpid()).cgroup
AN_HOUR = Window(zone=ZoneInfo("UTC"), start=timedelta(hours=3), end=timedelta(hours=4))
"""START is 03:00 UTC."""


@pytest.mark.promise(8)
@pytest.mark.parametrize(
    "rule",
    [
        Rule(name="r", deny=True),
        Rule(name="r", deny=True, when=AN_HOUR),
        Rule(name="r", deny=True, targets=Targets(exes=("*/python*",))),
        Rule(name="r", deny=True, targets=Targets(users=(str(os.geteuid()),))),
        Rule(name="r", deny=True, targets=Targets(cgroups=(HERE,))),
        Rule(name="r", approvals=2),
        Rule(name="r", approvers=Circle(users=frozenset({"U0NOBODY"}))),
    ],
    ids=["denial", "window", "exe", "user", "cgroup", "approvals", "approvers"],
)
def test_a_rule_stops_it_at_the_last_instant(
    database: Database, victim: subprocess.Popen[bytes], rule: Rule
) -> None:
    outcome, _ = carry_out(approval_of(database, victim), book=RuleBook(rules=(rule,)))
    assert outcome.result is Result.REFUSED
    assert "policy.rules.r: " in outcome.summary
    assert victim.poll() is None
    print("promise 8: a rule made after the click: refused, 0 signals")


def test_a_higher_number_of_approvals_stops_it_at_the_last_instant(
    database: Database, victim: subprocess.Popen[bytes]
) -> None:
    outcome, _ = carry_out(approval_of(database, victim), needed=2)
    assert "policy.approvals: it needs 2 approvals now, and has 1" in outcome.summary
    assert victim.poll() is None


@pytest.mark.parametrize(
    "rule",
    [
        Rule(name="r", deny=True, targets=Targets(exes=("/nowhere/*",))),
        Rule(name="r", deny=True, actions=frozenset({"restart"})),
        Rule(name="r", approvers=Circle(users=frozenset({ALICE}))),
    ],
    ids=["another target", "another action", "the right person"],
)
def test_a_rule_about_something_else_stops_nothing(
    database: Database, victim: subprocess.Popen[bytes], rule: Rule
) -> None:
    outcome, _ = carry_out(approval_of(database, victim), book=RuleBook(rules=(rule,)))
    assert outcome.result is Result.DONE


@pytest.mark.promise(8)
@pytest.mark.parametrize(
    "change", [{"start_ticks": 1}, {"image": "another"}, {"uid": 54321}]
)
def test_whatever_is_not_what_was_approved_is_left_alone(
    database: Database, victim: subprocess.Popen[bytes], change: dict[str, object]
) -> None:
    outcome, _ = carry_out(approval_of(database, victim, **change))
    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.CHANGED)
    assert victim.poll() is None
    print(f"promise 8: another {', '.join(change)} after the click: refused, 0 signals")
