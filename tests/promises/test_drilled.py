"""Promise 14: a drill may end the one child that it was started for, and nobody else."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.drill.child import Child
from bot.storage.database import Database
from remediation.action import Terminate
from remediation.acts.execute import Executor
from remediation.ledger.leases import Caps
from remediation.outcome import Outcome, Result
from remediation.policy import Rules, Situation, refuse_target, review
from remediation.rules.drilled import DRILL, Drilled
from remediation.rules.protect import OwnTree, ProtectSettings
from remediation.rules.verdict import Allowed
from remediation.signals import exited
from remediation.target.facts import FactReader, ProcessFacts
from remediation.target.identity import ProcessIdentity
from tests.fakes.clock import FakeClock
from tests.fakes.drilling import awaited
from tests.fakes.services import fleet
from tests.promises.test_protected_targets import actions_on
from tests.remediation.ledger.decisions import LEDGER, approved, claimed, draft

SPAN = timedelta(seconds=60)
AT = datetime(2026, 11, 21, 3, tzinfo=UTC)
NOBODY_ELSE = Situation(locked=None, hold=None, at=AT)


def rules(protect: ProtectSettings | None = None) -> Rules:
    caps = Caps(cooldown=timedelta(0), per_hour=9)
    return Rules(
        ttl=timedelta(minutes=15),
        needed=1,
        caps=caps,
        protect=protect or ProtectSettings(),
    )


# What would free it if names, accounts or patterns could.
GENEROUS = (
    ProtectSettings(),
    ProtectSettings(first_uid=0),
    ProtectSettings(users=frozenset({"root", str(os.geteuid())})),
    ProtectSettings(allow=(sys.executable, os.path.realpath(sys.executable), "*")),
)


@pytest.fixture
def start() -> Iterator[Callable[[], Child]]:
    """Starts children of this test, as the bot starts those of its drills."""
    with ExitStack() as stack:

        def started() -> Child:
            child = Child.start(SPAN)
            stack.callback(gone, child)
            return child

        yield started


def gone(child: Child) -> None:
    child.let_go()
    awaited(child)


def terminate(process: ProcessFacts | ProcessIdentity) -> Terminate:
    identity = process.identity if isinstance(process, ProcessFacts) else process
    grace = timedelta(seconds=5)
    return Terminate(host="web-1", process=identity, label="a child", grace=grace)


def armed(child: Child) -> OwnTree:
    """The own tree of this process, which started the child for its drill."""
    own = OwnTree.read()
    own.drilled.begin(child.identity)
    return own


def read(child: Child) -> ProcessFacts:
    return FactReader("web-1").read(child.identity.pid)


@pytest.mark.promise(14)
def test_the_child_may_be_ended_by_its_drill_and_by_nothing_else(
    start: Callable[[], Child],
) -> None:
    child = start()
    own, facts = armed(child), read(child)
    allowed = review(terminate(facts), (facts,), NOBODY_ELSE, rules(), own.in_drill())
    assert allowed == Allowed(rule=DRILL, needed=1)

    asked = 0
    for protect in GENEROUS:
        for action in actions_on(facts):
            # Named by a person, a detector or a configuration: it is the bot's own child.
            refused = refuse_target(action, facts, rules(protect), own)
            assert refused is not None
            assert refused.rule == "protected.own_child"
            asked += 1
    whole = replace(terminate(facts), scope="tree", members=(facts.identity,))
    others = [a for a in actions_on(facts) if not isinstance(a, Terminate)]
    for action in (*others, whole, replace(terminate(facts), scope="cgroup")):
        assert refuse_target(action, facts, rules(), own.in_drill()) is not None
        asked += 1
    print(f"promise 14: the child of a drill, {asked} other ways: allowed 0")


@pytest.mark.promise(14)
def test_no_other_child_passes_for_it(start: Callable[[], Child]) -> None:
    child, twin = start(), start()
    own, other = armed(child).in_drill(), read(twin)
    with subprocess.Popen(["/bin/sleep", "60"], env={}) as sleeper:
        found = FactReader("web-1").read(sleeper.pid)
        me = FactReader("web-1").read(os.getpid())
        for facts in (other, found, me):
            for action in (terminate(facts), terminate(child.identity)):
                assert refuse_target(action, facts, rules(GENEROUS[1]), own) is not None
        sleeper.kill()
    print("promise 14: other children of the bot in a drill: allowed 0 of 3")


@pytest.mark.promise(14)
def test_every_part_of_the_identity_counts(start: Callable[[], Child]) -> None:
    child = start()
    own, facts = armed(child).in_drill(), read(child)
    assert refuse_target(terminate(facts), facts, rules(), own) is None
    for part in fields(ProcessIdentity):
        value = getattr(facts.identity, part.name)
        other = f"{value}x" if isinstance(value, str) else (value or 0) + 1
        changed = replace(facts, identity=replace(facts.identity, **{part.name: other}))
        for action in (terminate(facts), terminate(changed)):
            assert refuse_target(action, changed, rules(), own) is not None, part.name
    parts = len(fields(ProcessIdentity))
    print(f"promise 14: {parts} parts of a child's identity changed: allowed 0")


def test_what_the_operator_protects_stays_protected(
    start: Callable[[], Child],
) -> None:
    child = start()
    own, facts = armed(child).in_drill(), read(child)
    for pattern in ("*python*", facts.cgroup):
        protect = ProtectSettings(protect=(pattern,))
        refused = refuse_target(terminate(facts), facts, rules(protect), own)
        assert refused is not None
        assert refused.rule == "protected.pattern"


def test_after_the_drill_or_in_another_bot_nothing_is_exempt(
    start: Callable[[], Child],
) -> None:
    child = start()
    own, facts = armed(child), read(child)
    own.drilled.end()
    restarted = replace(own, drilled=Drilled())
    for tree in (own, restarted):
        found = refuse_target(terminate(facts), facts, rules(), tree.in_drill())
        assert found is not None
        assert found.rule == DRILL


def carried_out(
    database: Database, own: OwnTree, target: ProcessIdentity, rule: str
) -> Outcome:
    """An approved action through the executor, whatever row it came from."""
    now = FakeClock().now()
    # Quiet times go by the label.
    action = replace(terminate(target), label=f"child {target.pid} by {rule}")
    made = draft(action, rule=rule)
    approval = claimed(database, approved(database, now, made), now)
    executor = Executor(
        rules=rules(),
        own=own,
        fleet=fleet(),
        halted=lambda: None,
        now=lambda: AT,
    )
    outcome = executor.execute(approval, progress=lambda _: None)
    with database.write() as tx:
        LEDGER.finish(tx, approval.proposal.id, outcome)
    return outcome


@pytest.mark.promise(14)
def test_the_signal_goes_to_the_child_of_the_drill_only(
    database: Database, start: Callable[[], Child]
) -> None:
    child, twin, third = start(), start(), start()
    own = armed(child)

    # A row that says it is of the drill does not make its target the drill's.
    forged = carried_out(database, own, twin.identity, DRILL)
    # Nor is the child anybody's who calls it something else.
    named = carried_out(database, own, child.identity, "policy.processes.terminate")
    # A bot that was started again knows of no drill.
    anew = carried_out(database, OwnTree.read(), third.identity, DRILL)
    assert [one.result for one in (forged, named, anew)] == [Result.REFUSED] * 3
    assert not any(one.is_over for one in (child, twin, third))

    done = carried_out(database, own, child.identity, DRILL)

    assert done.result is Result.DONE
    assert "SIGTERM" in done.summary
    assert not twin.is_over
    assert not third.is_over
    print("promise 14: signals in a drill to others than its child: 0 of 3")


def test_the_child_ends_with_the_bot_however_the_bot_ends() -> None:
    code = (
        "import sys, time\n"
        "from datetime import timedelta\n"
        "from bot.drill.child import Child\n"
        "child = Child.start(timedelta(seconds=60))\n"
        "print(child.identity.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as bot:
        assert bot.stdout is not None
        pidfd = os.pidfd_open(int(bot.stdout.readline()))
        bot.kill()
    assert exited(pidfd, 5)
    os.close(pidfd)


def test_the_child_ends_by_itself_when_its_time_is_over() -> None:
    child = Child.start(timedelta(seconds=1))
    awaited(child)
    assert child.is_outdated
    child.let_go()
