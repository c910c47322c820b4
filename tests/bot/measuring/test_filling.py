"""When something is full: a trend in both windows, and what only looks like one."""

import math
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.measuring.filling import Filling

HOUR = 3600.0
WHOLE = 1e12


def followed(left: Callable[[float], float], hours: float = 6) -> Filling:
    """What is left at each hour, looked at once a minute."""
    filling = Filling(timedelta(hours=1), timedelta(hours=6))
    for minute in range(int(hours * 60) + 1):
        filling.add(60.0 * minute, left(minute / 60), WHOLE)
    return filling


def test_steady_growth_is_told_with_its_hours() -> None:
    found = followed(lambda hour: WHOLE * (0.4 - 0.05 * hour)).forecast()

    assert found is not None
    assert found.latest == pytest.approx(2, rel=0.02)
    assert found.slope * HOUR == pytest.approx(0.05 * WHOLE, rel=0.02)
    assert not found.returns


@pytest.mark.parametrize("period", [0.25, 1, 3])
def test_what_is_rotated_is_no_trend(period: float) -> None:
    found = followed(lambda hour: WHOLE * (0.4 - 0.2 * (hour % period) / period))

    assert found.is_known
    assert found.forecast() is None


def test_what_comes_down_daily_is_known_by_its_low() -> None:
    # It was down to 2 % an hour ago, was rotated, and is on its way to there again.
    filling = followed(
        lambda hour: WHOLE * (0.22 - 0.01 * (hour if hour < 20 else hour - 20)), 28
    )
    found = filling.forecast()

    assert found is not None and found.returns


def test_a_burst_of_half_an_hour_is_in_one_window_only() -> None:
    found = followed(lambda hour: WHOLE * (0.4 - 0.5 * max(hour - 5.5, 0)))

    assert found.is_known
    assert found.forecast() is None


def test_two_hours_must_be_known() -> None:
    def left(hour: float) -> float:
        return WHOLE * (0.4 - 0.05 * hour)

    assert followed(left, 1.9).forecast() is None
    assert followed(left, 2.2).forecast() is not None


def test_after_a_night_of_sleep_it_begins_anew() -> None:
    filling = followed(lambda hour: WHOLE * (0.4 - 0.05 * hour))
    filling.add(14 * HOUR, 0.1 * WHOLE, WHOLE)

    assert not filling.is_known


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e7, allow_nan=False), st.floats(0, 1e18, allow_nan=False)
        ),
        max_size=200,
    )
)
def test_whatever_it_is_told_the_answer_is_finite(
    points: list[tuple[float, float]],
) -> None:
    filling = Filling(timedelta(seconds=6), timedelta(seconds=30))
    for at, left in points:
        filling.add(at, left, 1e18)
        found = filling.forecast()
        if found is not None:
            assert 0 <= found.earliest <= found.latest
            assert math.isfinite(found.slope)
