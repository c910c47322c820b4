"""A reboot that nobody asked for, told apart from an orderly one and from a restart."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.detectors.reboot import Reboot, RebootSection
from bot.host.boots import Boots
from bot.model import Finding, Level
from bot.ports import NotTold
from bot.storage import store
from bot.storage.database import Database
from tests.detectors.pieces import HandClock, PaperFacts, context, this_host


@pytest.fixture
def clock() -> HandClock:
    return HandClock(boot=500_000)


def started(database: Database, clock: HandClock) -> Reboot:
    """The bot as it starts."""
    host = context(Path("/nonexistent"), clock, PaperFacts(Path("/nonexistent")))
    return Reboot(RebootSection(), replace(host, boots=Boots(database)))


def measured(reboot: Reboot) -> Finding:
    (found,) = reboot.check(())
    return found


def booted(clock: HandClock, away: float) -> None:
    """The machine comes back; the bot starts half a minute later."""
    clock.wall += timedelta(seconds=away + 30)
    clock.boot = 30
    clock.boot_id += "+"


def test_a_lost_power_is_told_at_once_with_the_time_away(
    database: Database, clock: HandClock
) -> None:
    measured(started(database, clock))
    booted(clock, away=240)

    found = measured(started(database, clock))

    assert (found.value, found.level) == (1, Level.WARNING)
    assert found.hold_for == timedelta(0)
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Up since"] == "2026-11-21 14:04:00 UTC"
    assert facts["Away"].startswith("4 min")


@pytest.mark.parametrize("is_asked_for", [True, False])
def test_a_restart_of_the_bot_forgets_no_reboot(
    database: Database, clock: HandClock, *, is_asked_for: bool
) -> None:
    measured(started(database, clock))
    booted(clock, away=240)
    before = measured(started(database, clock))
    clock.forward(60)
    if is_asked_for:
        Boots(database).end(clock.now())

    found = measured(started(database, clock))

    assert (found.value, found.level) == (1, Level.WARNING)
    assert found.facts == before.facts


def test_it_passes_after_half_an_hour(database: Database, clock: HandClock) -> None:
    measured(started(database, clock))
    booted(clock, away=240)
    reboot = started(database, clock)
    levels = []
    for minutes in (1, 20, 15):
        clock.forward(60 * minutes)
        levels.append(measured(reboot).level)

    assert levels == [Level.WARNING, Level.WARNING, Level.OK]


def test_an_orderly_shutdown_was_asked_for(
    database: Database, clock: HandClock
) -> None:
    measured(started(database, clock))
    Boots(database).end(clock.now())
    booted(clock, away=60)

    assert measured(started(database, clock)).level is Level.OK


def test_a_bot_that_was_killed_saw_no_reboot(
    database: Database, clock: HandClock
) -> None:
    measured(started(database, clock))
    clock.forward(600)

    assert measured(started(database, clock)).level is Level.OK


def test_a_second_one_within_a_day_is_critical(
    database: Database, clock: HandClock
) -> None:
    measured(started(database, clock))
    booted(clock, away=60)
    first = measured(started(database, clock)).level
    booted(clock, away=60)
    second = measured(started(database, clock)).level
    clock.forward(200_000)
    booted(clock, away=60)

    assert [first, second] == [Level.WARNING, Level.CRITICAL]
    assert measured(started(database, clock)).level is Level.WARNING


def test_the_first_start_ever_is_no_reboot(
    database: Database, clock: HandClock
) -> None:
    clock.boot = 30

    assert measured(started(database, clock)).level is Level.OK


def test_a_sign_that_is_not_understood_is_none(
    database: Database, clock: HandClock
) -> None:
    with database.write() as tx:
        store.remember(tx, "alive", '{"boot_id": 1}')
    clock.boot = 30

    assert measured(started(database, clock)).level is Level.OK


def test_a_database_that_cannot_be_written_ends_no_measuring(
    database: Database, clock: HandClock
) -> None:
    reboot = started(database, clock)
    measured(reboot)
    with database.write() as tx:
        tx.exec_driver_sql("DROP TABLE meta")

    assert measured(reboot).level is Level.OK


def test_without_a_database_nothing_is_told() -> None:
    with pytest.raises(NotTold, match="last alive"):
        Reboot(RebootSection(), this_host()).check(())
