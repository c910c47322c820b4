"""What became of an action whose executor died: observed, never repeated."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from remediation.acts.observe import Observer
from remediation.ledger.proposal import Proposal, State
from remediation.moment import Moment
from remediation.outcome import Outcome, Result, Seen
from remediation.target.identity import ProcessIdentity, open_process
from tests.fakes.clock import START, FakeClock
from tests.fakes.services import fleet
from tests.fakes.things import identity, terminate

ME = identity(4_100_001)
NOBODY = identity(4_190_000)


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


def who(pid: int) -> ProcessIdentity:
    with open_process(pid) as live:
        return live.identity


def executing(target: ProcessIdentity, claimed_by: str | None) -> Proposal:
    return Proposal(
        id="web-1~abc123~0123456789abcdef",
        incident=12,
        letter="a",
        action=terminate(process=target),
        digest="",
        rule="",
        needed=1,
        requested_by=None,
        created_at=START,
        expires=Moment(wall=START, boot=0, boot_id=ME.boot_id),
        state=State.EXECUTING,
        decided_at=START,
        claimed_by=claimed_by,
    )


def seen(
    proposal: Proposal, after: timedelta = timedelta(0), *, host: str = "elsewhere"
) -> Outcome | None:
    clock = FakeClock(wall=START + after)
    return Observer(ME, fleet=fleet(here=host)).after_crash(proposal, clock.now())


def name(identity: ProcessIdentity) -> str:
    return Observer(identity, fleet=fleet()).claimant


def test_ones_own_action_may_be_under_way() -> None:
    assert seen(executing(NOBODY, name(ME))) is None


def test_an_executor_that_lives_is_let_be(victim: subprocess.Popen[bytes]) -> None:
    assert seen(executing(NOBODY, name(who(victim.pid)))) is None


def test_an_executor_whose_pid_is_somebody_else_now_is_dead(
    victim: subprocess.Popen[bytes],
) -> None:
    other = replace(who(victim.pid), start_ticks=1)
    found = seen(executing(NOBODY, name(other)))
    assert found is not None
    assert found.result is Result.INTERRUPTED


def test_a_dead_executor_left_a_target_that_has_exited() -> None:
    found = seen(executing(NOBODY, name(NOBODY)))
    assert found is not None
    assert (found.result, found.seen) == (Result.INTERRUPTED, Seen.EXITED)
    assert "does not try again" in found.summary


def test_a_dead_executor_left_its_target_alive(victim: subprocess.Popen[bytes]) -> None:
    found = seen(executing(who(victim.pid), name(NOBODY)))
    assert found is not None
    assert found.seen is Seen.ALIVE
    assert victim.poll() is None


def test_another_program_in_the_targets_place_is_told(
    victim: subprocess.Popen[bytes],
) -> None:
    other = replace(who(victim.pid), image="another")
    found = seen(executing(other, name(NOBODY)))
    assert found is not None
    assert found.seen is Seen.CHANGED


def test_without_a_name_nobody_executes_it() -> None:
    assert seen(executing(NOBODY, None)) is not None


def test_a_reboot_of_this_host_ends_what_was_executing() -> None:
    earlier = name(replace(ME, boot_id="another-boot"))
    outcome = seen(executing(NOBODY, earlier), timedelta(seconds=1), host="web-1")
    assert outcome is not None
    assert outcome.result is Result.INTERRUPTED


def test_an_executor_elsewhere_has_a_quarter_of_an_hour() -> None:
    elsewhere = name(replace(ME, boot_id="another-boot"))
    proposal = executing(NOBODY, elsewhere)
    assert seen(proposal, timedelta(minutes=14)) is None
    assert seen(proposal, timedelta(minutes=15)) is not None


def test_patience_without_a_decision_counts_from_the_proposal() -> None:
    elsewhere = name(replace(ME, boot_id="another-boot"))
    proposal = replace(executing(NOBODY, elsewhere), decided_at=None)
    assert seen(proposal, timedelta(minutes=15)) is not None


# --- several bots on one database -----------------------------------------------------


def watched(present: set[str]) -> Observer:
    return Observer(ME, fleet=fleet(here="web-1"), is_present=present.__contains__)


def test_who_is_present_on_another_host_may_be_at_it() -> None:
    elsewhere = name(replace(ME, boot_id="another-boot"))
    later = FakeClock(wall=START + timedelta(hours=2)).now()
    observer = watched({elsewhere})
    assert observer.after_crash(executing(NOBODY, elsewhere), later) is None


def test_who_is_absent_from_the_database_for_long_is_gone() -> None:
    elsewhere = name(replace(ME, boot_id="another-boot"))
    clock, observer = FakeClock(), watched(set())
    assert observer.after_crash(executing(NOBODY, elsewhere), clock.now()) is None
    clock.go(20)
    outcome = observer.after_crash(executing(NOBODY, elsewhere), clock.now())
    assert outcome is not None
    assert outcome.result is Result.INTERRUPTED


def test_what_another_host_left_is_not_looked_for_on_this_one(
    victim: subprocess.Popen[bytes],
) -> None:
    elsewhere = name(replace(ME, boot_id="another-boot"))
    for target in (who(victim.pid), NOBODY):
        clock, present = FakeClock(), set[str]()
        observer = Observer(
            ME, fleet=fleet(here="web-2"), is_present=present.__contains__
        )
        observer.after_crash(executing(target, elsewhere), clock.now())
        clock.go(20)
        outcome = observer.after_crash(executing(target, elsewhere), clock.now())
        assert outcome is not None
        assert outcome.seen is Seen.UNKNOWN
        assert "web-1 is out of sight of web-2" in outcome.summary


def test_a_session_lost_for_a_moment_is_no_end() -> None:
    elsewhere = name(replace(ME, boot_id="another-boot"))
    clock, present = FakeClock(), set[str]()
    observer = watched(present)
    assert observer.after_crash(executing(NOBODY, elsewhere), clock.now()) is None
    clock.go(10)
    present.add(elsewhere)
    assert observer.after_crash(executing(NOBODY, elsewhere), clock.now()) is None
    present.clear()
    clock.go(10)
    assert observer.after_crash(executing(NOBODY, elsewhere), clock.now()) is None


def test_a_bot_in_a_container_beside_this_one_is_not_taken_for_dead() -> None:
    beside = name(replace(NOBODY, boot_id=ME.boot_id))
    now = FakeClock().now()
    assert watched({beside}).after_crash(executing(NOBODY, beside), now) is None
    assert watched(set()).after_crash(executing(NOBODY, beside), now) is not None


def test_a_bot_with_the_same_pid_in_its_container_is_not_taken_for_dead(
    victim: subprocess.Popen[bytes],
) -> None:
    # Both are pid 1 where they look, and what differs is when they began.
    beside = name(replace(who(victim.pid), start_ticks=1))
    now = FakeClock().now()
    assert watched({beside}).after_crash(executing(NOBODY, beside), now) is None
    assert watched(set()).after_crash(executing(NOBODY, beside), now) is not None
