"""A trend is what grows steadily; noise, steps and sawteeth are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.measuring.trend import trend

SLOPES = st.floats(0.001, 1e6)
COUNTS = st.integers(6, 60)


@given(slope=SLOPES, start=st.floats(0, 1e9), count=COUNTS)
def test_a_straight_line_has_its_own_slope(
    slope: float, start: float, count: int
) -> None:
    found = trend([(30.0 * n, start + slope * 30 * n) for n in range(count)])

    assert found.slope == pytest.approx(slope, rel=1e-3)
    assert found.grows


@given(slope=SLOPES, count=COUNTS)
def test_what_falls_does_not_grow(slope: float, count: int) -> None:
    assert not trend([(30.0 * n, -slope * n) for n in range(count)]).grows


@given(value=st.floats(0, 1e9), count=st.integers(0, 60))
def test_what_stays_does_not_grow(value: float, count: int) -> None:
    assert not trend([(30.0 * n, value) for n in range(count)]).grows


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=12, max_size=60))
def test_one_wild_point_in_ten_changes_the_slope_little(noise: list[float]) -> None:
    points = [(30.0 * n, 60.0 * n) for n in range(len(noise))]
    wild = [
        (at, 1e9 if n % 10 == 5 else value + jitter)
        for n, ((at, value), jitter) in enumerate(zip(points, noise, strict=True))
    ]

    assert trend(wild).slope == pytest.approx(2, rel=0.25)


def test_one_step_is_no_trend() -> None:
    step = [(30.0 * n, 0.0 if n < 30 else 100.0) for n in range(60)]

    assert not trend(step).grows


@pytest.mark.parametrize("teeth", range(2, 12))
def test_a_sawtooth_is_no_trend(teeth: int) -> None:
    saw = [(30.0 * n, float(n % (60 // teeth))) for n in range(60)]

    assert not trend(saw).grows


def test_growth_that_levels_off_is_no_trend() -> None:
    warm_up = [(30.0 * n, float(min(n, 20))) for n in range(60)]

    assert not trend(warm_up).grows


def test_a_leak_in_small_steps_is_a_trend() -> None:
    steps = [(30.0 * n, float(n // 5)) for n in range(60)]

    assert trend(steps).grows
