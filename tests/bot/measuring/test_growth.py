"""The floor of the host's memory: what rises, and what comes and goes."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.measuring.growth import Rise
from tests.detectors.pieces import HandClock

ROUND = timedelta(seconds=30)
WINDOW = 60 * ROUND


def risen(values: Sequence[float]) -> list[float]:
    clock, rise = HandClock(), Rise(WINDOW, ROUND)
    found = []
    for value in values:
        found.append(rise.add(clock.now(), value))
        clock.forward(ROUND.total_seconds())
    return found


def test_steady_growth_raises_the_floor() -> None:
    found = risen([10.0 * number for number in range(40)])

    assert found[-1] == pytest.approx(390, abs=60)


def test_a_short_burst_raises_no_floor() -> None:
    assert max(risen([100.0] * 30 + [900.0] * 4 + [100.0] * 60)) == 0


def test_a_new_level_is_no_rise_once_the_window_has_passed() -> None:
    found = risen([100.0] * 30 + [900.0] * 100)

    assert max(found) == 800
    assert found[-1] == 0


def test_after_a_pause_or_a_reboot_it_begins_anew() -> None:
    clock, rise = HandClock(), Rise(WINDOW, ROUND)
    rise.add(clock.now(), 100)
    clock.forward(400)
    assert rise.add(clock.now(), 900) == 0

    clock.boot_id = "boot-2"
    clock.forward(30)
    assert rise.add(clock.now(), 2000) == 0


@given(st.lists(st.floats(0, 1e18), max_size=200))
def test_it_is_never_less_than_nothing(values: list[float]) -> None:
    assert all(0 <= found <= 1e18 for found in risen(values))
