"""How much may be done: limits are rows, so they hold over restarts."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from bot.storage.database import Database
from remediation.ledger.leases import Caps, Target, cooling_until, hold, release, take
from remediation.ledger.proposal import UNDO
from remediation.ledger.tables import leases
from remediation.rules.drilled import DRILL
from tests.fakes.clock import FakeClock
from tests.fakes.things import terminate
from tests.remediation.ledger.decisions import COOLDOWN, approved, claimed

CAPS = Caps(cooldown=COOLDOWN, per_hour=3)
ONE_AN_HOUR = Caps(cooldown=COOLDOWN, per_hour=1)
TARGET = Target(host="web-1", key="web-1:1000:/usr/bin/x:x")


def test_nothing_holds_a_quiet_host(database: Database) -> None:
    with database.read() as tx:
        assert hold(tx, TARGET, CAPS, FakeClock().now()) is None


def test_a_taken_host_is_busy_for_every_target(database: Database) -> None:
    clock = FakeClock()
    other = Target(host="web-1", key="another")
    with database.write() as tx:
        take(tx, "p1", TARGET, CAPS, clock.now())
        found = hold(tx, other, CAPS, clock.now())
    assert found is not None
    assert (found.rule, found.passes) == ("one action at a time", True)


def test_another_host_is_free(database: Database) -> None:
    clock = FakeClock()
    with database.write() as tx:
        take(tx, "p1", TARGET, CAPS, clock.now())
        assert hold(tx, Target(host="db-1", key="y"), CAPS, clock.now()) is None


def test_release_frees_the_host_and_keeps_the_quiet_time(database: Database) -> None:
    clock = FakeClock()
    made = approved(database, clock.now())
    claimed(database, made, clock.now())
    target = Target.of(made.action)
    with database.write() as tx:
        release(tx, made)
        found = hold(tx, target, CAPS, clock.now())
    assert found is not None
    assert (found.rule, found.passes) == ("policy.cooldown", False)


def test_release_leaves_what_another_proposal_holds(database: Database) -> None:
    clock = FakeClock()
    made = approved(database, clock.now())
    with database.write() as tx:
        take(tx, "another", TARGET, CAPS, clock.now())
        release(tx, made)
        found = hold(tx, Target(host="web-1", key="y"), CAPS, clock.now())
    assert found is not None


def test_quiet_time_says_when_it_ends(database: Database) -> None:
    clock = FakeClock()
    with database.write() as tx:
        take(tx, "p1", TARGET, CAPS, clock.now())
        found = hold(tx, TARGET, CAPS, clock.now())
    assert found is not None
    assert "03:30:00 UTC" in found.reason


def test_quiet_time_begins_anew_with_each_action(database: Database) -> None:
    clock = FakeClock()
    with database.write() as tx:
        take(tx, "p1", TARGET, CAPS, clock.now())
        clock.go(60)
        take(tx, "p2", TARGET, CAPS, clock.now())
        until = cooling_until(tx, TARGET, clock.now())
    assert until == clock.wall + COOLDOWN


def test_quiet_time_ends_by_the_boot_clock_too(database: Database) -> None:
    clock = FakeClock()
    with database.write() as tx:
        take(tx, "p1", TARGET, CAPS, clock.now())
        clock.go(COOLDOWN.total_seconds())
        clock.set_wall_back(7200)
        assert cooling_until(tx, TARGET, clock.now()) is None


def test_a_wall_clock_that_jumps_ahead_frees_no_target(database: Database) -> None:
    clock = FakeClock()
    with database.write() as tx:
        take(tx, "p1", TARGET, CAPS, clock.now())
        clock.set_wall_back(-7200)
        assert cooling_until(tx, TARGET, clock.now()) is not None


def test_quiet_time_of_another_boot_ends_by_the_wall_clock(database: Database) -> None:
    clock = FakeClock()
    with database.write() as tx:
        take(tx, "p1", TARGET, CAPS, clock.now())
        clock.boot_id, clock.boot = "another-boot", 10.0**9
        assert cooling_until(tx, TARGET, clock.now()) is not None


def test_no_quiet_time_is_over_at_once(database: Database) -> None:
    clock = FakeClock()
    with database.write() as tx:
        take(tx, "p1", TARGET, replace(CAPS, cooldown=timedelta(0)), clock.now())
        assert cooling_until(tx, TARGET, clock.now()) is None


def test_the_cap_counts_what_was_claimed_on_the_host(database: Database) -> None:
    clock = FakeClock()
    claimed(database, approved(database, clock.now()), clock.now())
    with database.read() as tx:
        here = hold(tx, Target(host="web-1", key="y"), ONE_AN_HOUR, clock.now())
        there = hold(tx, Target(host="db-1", key="y"), ONE_AN_HOUR, clock.now())
    assert here is not None
    assert here.rule == "policy.actions_per_hour"
    assert there is None


def test_a_wall_clock_that_jumps_ahead_frees_no_cap(database: Database) -> None:
    clock = FakeClock()
    claimed(database, approved(database, clock.now()), clock.now())
    clock.set_wall_back(-7200)
    with database.read() as tx:
        found = hold(tx, Target(host="web-1", key="y"), ONE_AN_HOUR, clock.now())
    assert found is not None
    assert found.rule == "policy.actions_per_hour"


def test_the_cap_forgets_after_an_hour_by_the_boot_clock(database: Database) -> None:
    clock = FakeClock()
    with database.write() as tx:
        take(tx, "p1", TARGET, CAPS, clock.now())
        clock.go(3600)
        clock.set_wall_back(7200)
        tx.execute(delete(leases).where(leases.c.key == "busy:web-1"))
        assert hold(tx, Target(host="web-1", key="y"), ONE_AN_HOUR, clock.now()) is None


def test_an_undo_neither_counts_nor_is_capped(database: Database) -> None:
    clock = FakeClock()
    undo = Target(host="web-1", key=TARGET.key, is_uncounted=True)
    with database.write() as tx:
        take(tx, "u1", undo, CAPS, clock.now())
        tx.execute(delete(leases).where(leases.c.key == "busy:web-1"))
        free = hold(tx, Target(host="web-1", key="y"), ONE_AN_HOUR, clock.now())
        take(tx, "p1", TARGET, CAPS, clock.now())
        tx.execute(delete(leases).where(leases.c.key == "busy:web-1"))
        assert free is None
        assert hold(tx, undo, ONE_AN_HOUR, clock.now()) is None


def test_an_undo_still_waits_for_its_turn_on_the_host(database: Database) -> None:
    clock = FakeClock()
    undo = Target(host="web-1", key=TARGET.key, is_uncounted=True)
    with database.write() as tx:
        take(tx, "p1", TARGET, CAPS, clock.now())
        found = hold(tx, undo, ONE_AN_HOUR, clock.now())
    assert found is not None
    assert found.passes


@pytest.mark.parametrize(("rule", "free"), [(DRILL, True), (UNDO, True), ("", False)])
def test_a_drill_and_an_undo_count_for_no_limit(rule: str, *, free: bool) -> None:
    assert Target.of(terminate(), rule=rule).is_uncounted is free
