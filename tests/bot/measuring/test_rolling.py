"""A window of readings: as long as it should be, and of one stretch of time only."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.measuring.rolling import Mean, Rolling
from remediation.moment import Moment
from tests.detectors.pieces import HandClock

ROUND = timedelta(seconds=5)


@dataclass(frozen=True)
class Read:
    at: Moment
    counter: int = 0


def ages(clock: HandClock, steps: list[float]) -> list[float | None]:
    rolling: Rolling[Read] = Rolling(timedelta(seconds=60), ROUND)
    found = []
    for step in steps:
        clock.forward(step)
        now = Read(clock.now())
        before = rolling.exchange(now)
        found.append(None if before is None else now.at.boot - before.at.boot)
    return found


def test_it_grows_to_its_span_and_stays_there() -> None:
    found = ages(HandClock(), [5] * 40)

    assert found[:4] == [None, 5, 10, 15]
    assert set(found[20:]) == {60}


def test_a_suspended_machine_begins_anew() -> None:
    assert ages(HandClock(), [5, 5, 300, 5]) == [None, 5, None, 5]


def test_a_boot_clock_that_runs_backwards_begins_anew() -> None:
    assert ages(HandClock(), [5, 5, -3, 5]) == [None, 5, None, 5]


def test_a_reboot_begins_anew() -> None:
    clock = HandClock()
    rolling: Rolling[Read] = Rolling(timedelta(seconds=60), ROUND)
    rolling.exchange(Read(clock.now()))
    clock.forward(5)
    clock.boot_id = "boot-2"

    assert rolling.exchange(Read(clock.now())) is None


def test_a_counter_that_was_set_back_begins_anew() -> None:
    clock = HandClock()
    rolling: Rolling[Read] = Rolling(
        timedelta(seconds=60), ROUND, lambda read: [read.counter]
    )
    found = []
    for counter in (5, 6, 6, 0, 7):
        clock.forward(5)
        found.append(rolling.exchange(Read(clock.now(), counter)))

    assert [None if read is None else read.counter for read in found] == [
        *(None, 5, 5),
        *(None, 0),
    ]


def test_a_mean_is_over_time_however_many_rounds_were_out_of_turn() -> None:
    clock, mean = HandClock(), Mean(timedelta(seconds=60))
    for value, pause in ((0, 15), (0, 15), (0, 15), *[(10, 1)] * 6):
        clock.forward(pause)
        found = mean.of(value, clock.now())

    assert found == pytest.approx(55 / 36)


def test_a_mean_begins_anew_after_a_pause() -> None:
    clock, mean = HandClock(), Mean(timedelta(seconds=60))
    for value, pause in ((50, 15), (50, 15), (2, 300)):
        clock.forward(pause)
        found = mean.of(value, clock.now())

    assert found == 2
