"""The surprise layer: rare for itself and for the time of day, and blind to the future."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.surprise.baselines import Floats
from bot.surprise.surprise import CUT, UNUSUAL, Judgement, Surprise
from bot.surprise.together import tail

DAY = 96
"""Points: one in a quarter of an hour keeps the tests short."""


def noise(days: int, series: int = 1, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(50, 2, (days * DAY, series))


def fed(layer: Surprise, values: Floats, first: int = 0) -> list[Judgement]:
    return [layer.judge(first + at, point) for at, point in enumerate(values)]


def hosts(judged: list[Judgement]) -> list[float]:
    return [1.0 if one.host is None else one.host for one in judged]


odd = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e300, -5.0, 50.0])


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    strange=st.dictionaries(st.integers(0, 3 * DAY - 1), odd, max_size=20),
    cut=st.integers(1, 3 * DAY - 1),
    future=st.floats(-1e9, 1e9),
)
def test_the_future_changes_no_judgement(
    seed: int, strange: dict[int, float], cut: int, future: float
) -> None:
    values = noise(3, 2, seed)
    for at, value in strange.items():
        values[at, 0] = value
    other = values.copy()
    other[cut:] = future

    whole, cut_off = fed(Surprise(2, DAY), values), fed(Surprise(2, DAY), other[:cut])
    changed = fed(Surprise(2, DAY), other)

    for past in (cut_off, changed[:cut]):
        assert hosts(whole[:cut]) == hosts(past)
        for one, two in zip(whole[:cut], past, strict=True):
            np.testing.assert_array_equal(one.surprises, two.surprises)


def test_nothing_is_judged_before_a_day_and_a_quarter() -> None:
    judged = fed(Surprise(1, DAY), noise(2))

    assert all(one.host is None for one in judged[: DAY + DAY // 4])
    assert all(one.host is not None for one in judged[DAY + DAY // 4 + 3 :])


def test_a_jump_is_news_and_the_new_level_is_not() -> None:
    values = noise(6)
    values[5 * DAY :] += 60

    found = hosts(fed(Surprise(1, DAY), values))

    assert found[5 * DAY] <= UNUSUAL
    assert min(found[5 * DAY + 4 :]) > UNUSUAL


def test_what_happens_each_night_is_no_news() -> None:
    values = noise(15)
    values[20::DAY] += 60  # The backup, each day.
    late = values.copy()
    late[14 * DAY + 20] -= 60
    late[14 * DAY + 60] += 60  # For once in the afternoon.

    as_ever = hosts(fed(Surprise(1, DAY), values))
    for_once = hosts(fed(Surprise(1, DAY), late))

    assert as_ever[14 * DAY + 20] > UNUSUAL >= for_once[14 * DAY + 60]


def test_one_odd_day_does_not_make_the_usual_news() -> None:
    values = noise(15)
    values[20::DAY] += 60  # The backup, each day.
    new = values.copy()
    values[13 * DAY + 20] -= 60  # But yesterday.
    new[7 * DAY + 20 :: DAY] -= 60  # It ended for good, and comes again once.
    new[14 * DAY + 20] += 60

    as_ever = hosts(fed(Surprise(1, DAY), values))
    again = hosts(fed(Surprise(1, DAY), new))

    assert as_ever[14 * DAY + 20] > 0.01
    assert again[14 * DAY + 20] <= UNUSUAL


def test_what_happens_each_week_is_no_news() -> None:
    values = noise(29)
    values[20 :: 7 * DAY] += 60
    early = values.copy()
    early[27 * DAY + 20] += 60  # A day before its time.

    as_ever = hosts(fed(Surprise(1, DAY), values))
    for_once = hosts(fed(Surprise(1, DAY), early))

    assert as_ever[28 * DAY + 20] > UNUSUAL >= for_once[27 * DAY + 20]


@pytest.mark.parametrize("series", [1, 5, 25])
def test_one_limit_fits_one_series_and_many(series: int) -> None:
    found = np.array(hosts(fed(Surprise(series, DAY), noise(30, series))))

    share = float((found <= UNUSUAL).mean())
    print(f"{series} series of noise: {share:.5f} of all points are unusual")
    assert share < 3 * UNUSUAL


def test_many_small_oddities_add_up() -> None:
    values = noise(6, 12)
    alone = values.copy()
    values[5 * DAY] += 9
    alone[5 * DAY, 0] += 9

    many = fed(Surprise(12, DAY), values)[5 * DAY]
    one = fed(Surprise(12, DAY), alone)[5 * DAY]

    assert many.host is not None and one.host is not None
    assert many.host <= UNUSUAL < one.host


def test_a_constant_series_surprises_once_it_moves() -> None:
    values = np.full((3 * DAY, 1), 7.0)
    values[-1] = 8

    judged = fed(Surprise(1, DAY), values)

    assert not np.nanmax([one.surprises for one in judged[:-1]])
    assert judged[-1].surprises[0] > 2


def test_a_counter_is_judged_by_its_pace() -> None:
    values = np.cumsum(noise(4), axis=0)
    values[3 * DAY :] -= values[3 * DAY]  # It was reset.

    judged = fed(Surprise(1, DAY), values)

    assert judged[3 * DAY - 1].surprises[0] < 2
    assert judged[3 * DAY].surprises[0] >= 2


def test_no_data_is_no_judgement_and_no_lesson() -> None:
    layer = Surprise(2, DAY)
    values = noise(3, 2)
    values[2 * DAY : 2 * DAY + 10, 0] = math.nan
    judged = fed(layer, values)

    missing = judged[2 * DAY + 5]
    assert np.isnan(missing.surprises).tolist() == [True, False]
    assert missing.host is not None
    # Ten, and the one after them, which has no point before it.
    assert int(layer.baselines.learnt[1] - layer.baselines.learnt[0]) == 11


def test_after_a_gap_it_goes_on_without_an_alarm() -> None:
    layer = Surprise(1, DAY)
    values = noise(8)
    fed(layer, values[: 4 * DAY])
    later = 4 * DAY + 30

    judged = fed(layer, values[later:] + 40, first=later)  # Another level since.

    assert all(one.host is None for one in judged[:3])
    assert min(hosts(judged[:20])) > UNUSUAL


def test_a_clock_set_back_is_survived() -> None:
    layer = Surprise(1, DAY)
    values = noise(5)
    fed(layer, values[: 3 * DAY])

    judged = fed(layer, values[2 * DAY :], first=2 * DAY)

    assert min(hosts(judged)) > UNUSUAL
    assert layer.slot == 5 * DAY - 1


def test_an_incident_teaches_nothing() -> None:
    values = noise(10)
    values[4 * DAY : 8 * DAY : 2] += 60  # It swings for four days.
    out = np.array([True])
    kept, taught = Surprise(1, DAY), Surprise(1, DAY)
    for at, point in enumerate(values):
        is_incident = 4 * DAY <= at < 8 * DAY
        kept.judge(at, point, out if is_incident else None)
        taught.judge(at, point)
    jump = np.array([110.0])

    was_kept, was_taught = kept.judge(10 * DAY, jump), taught.judge(10 * DAY, jump)

    assert was_kept.surprises[0] > 2 > was_taught.surprises[0]
    assert int(kept.baselines.learnt[0]) == 6 * DAY


def test_no_series_speaks_for_the_host_alone() -> None:
    values = noise(40, 3)
    values[-1, 0] = 1e12

    judged = fed(Surprise(3, DAY), values)

    assert max(np.nanmax(one.surprises) for one in judged[DAY * 2 :]) <= CUT


def test_rows_come_and_go() -> None:
    values = noise(4, 3)
    layer, alone = Surprise(3, DAY), Surprise(1, DAY)
    fed(layer, values[: 3 * DAY])
    fed(alone, values[: 3 * DAY, [2]])

    layer.keep([2], new=1)
    after = values[3 * DAY :][:, [2, 0]]
    judged, same = fed(layer, after, 3 * DAY), fed(alone, after[:, [0]], 3 * DAY)

    for one, two in zip(judged, same, strict=True):
        assert one.surprises[0] == two.surprises[0]
        assert math.isnan(one.surprises[1])  # It learns.


def test_a_series_costs_less_than_100_kilobytes() -> None:
    base, past = (layer := Surprise(10)).baselines, layer.days

    size = base.counts.nbytes + base.tables.nbytes + past.values.nbytes

    print(f"{size / 10 / 1024:.0f} KB for each series")
    assert size / 10 <= 100_000


@pytest.mark.parametrize("value", [0.5, 1.0, 3.0, 7.0, 14.0])
def test_the_tail_is_the_gamma_distributions(value: float) -> None:
    exponential = math.exp(-value)
    erlang = math.exp(-value) * (1 + value + value**2 / 2 + value**3 / 6)

    for shape, exact in ((1, exponential), (4, erlang)):
        found = math.log(tail(value, shape, shape))
        assert found == pytest.approx(math.log(exact), rel=0.1, abs=0.02)
