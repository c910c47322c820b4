"""What others tell of the past is learnt as if the bot had been there."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from bot.surprise.baselines import Floats
from bot.surprise.past import Past, young
from bot.surprise.surprise import UNUSUAL, Surprise

DAY = 96
NAMES = ("cpu", "load")


def noise(days: int) -> Floats:
    return np.random.default_rng(2).normal(50, 2, (days * DAY, 2))


def told(values: Floats) -> Mapping[str, Mapping[int, float]]:
    return {
        name: dict(enumerate(column.tolist()))
        for name, column in zip(NAMES, values.T, strict=True)
    }


def fed(values: Floats, first: int = 0) -> Surprise:
    layer = Surprise(2, DAY)
    for slot, point in enumerate(values[first:], first):
        layer.judge(slot, point)
    return layer


def taught(layer: Surprise, values: Floats, until: int) -> Past:
    of = young(layer, NAMES)
    assert of is not None
    past = Past(of)
    past.feed(0, told(values), until)
    return past


def test_it_knows_what_it_would_have_learnt_itself() -> None:
    values = noise(5)
    late = 4 * DAY + 80
    layer, whole = fed(values[:late], 4 * DAY + 60), fed(values)
    past = taught(layer, values, late - 1)
    for slot, point in enumerate(values[late:], late):  # It lives on meanwhile.
        layer.judge(slot, point)

    assert past.hand_over(layer, NAMES) == NAMES

    whole.baselines.settle()
    for mine, its in (
        (layer.baselines.counts, whole.baselines.counts),
        (layer.baselines.learnt, whole.baselines.learnt),
        (layer.days.values, whole.days.values),
        (layer.last, whole.last),
    ):
        np.testing.assert_allclose(mine, its, rtol=1e-3)
    assert layer.together.points == whole.together.points


def test_it_judges_at_once() -> None:
    values = noise(8)
    layer = fed(values[:-1], 8 * DAY - 6)
    assert layer.judge(8 * DAY - 1, values[-1]).host is None

    past = taught(layer, values, 8 * DAY - 1)
    past.hand_over(layer, NAMES)

    usual = layer.judge(8 * DAY, np.array([50.0, 50.0])).host
    odd = layer.judge(8 * DAY + 1, np.array([95.0, 95.0])).host
    assert usual is not None and odd is not None
    assert odd <= UNUSUAL < usual


def test_an_own_point_counts_before_what_is_told() -> None:
    values = noise(2)
    other = values + 1000
    late = 2 * DAY - 4
    layer = fed(values, late)

    past = taught(layer, other, 2 * DAY - 1)
    past.hand_over(layer, NAMES)

    told_of, own = layer.days.values[:, late - 1], layer.days.values[:, late]
    np.testing.assert_allclose(told_of, other[late - 1], rtol=1e-6)
    np.testing.assert_allclose(own, values[late], rtol=1e-6)


def test_who_knows_a_day_is_taught_nothing() -> None:
    values = noise(3)
    layer = fed(values, DAY)
    before = layer.baselines.learnt.copy()
    found = young(layer, NAMES)

    assert found is not None and found.names == ()
    np.testing.assert_array_equal(layer.baselines.learnt, before)


def test_less_than_is_known_is_not_taken_over() -> None:
    values = noise(2)
    layer = fed(values, DAY + 20)
    past = taught(layer, values[: DAY + 10], 2 * DAY - 1)
    short = Past(young(layer, NAMES) or pytest.fail("nothing is young"))

    assert short.hand_over(layer, NAMES) == ()
    assert past.hand_over(layer, NAMES) == NAMES


def test_a_series_that_went_meanwhile_is_left_out() -> None:
    values = noise(2)
    layer = fed(values, 2 * DAY - 3)
    past = taught(layer, values, 2 * DAY - 1)
    layer.keep([1], new=0)

    assert past.hand_over(layer, ["load"]) == ("load",)
    assert layer.baselines.learnt[0] > DAY


def test_a_clock_set_back_is_not_taught_what_will_be() -> None:
    values = noise(2)
    layer = fed(values, 2 * DAY - 3)
    past = taught(layer, values, 2 * DAY - 1)
    layer.judge(DAY, values[DAY])

    assert past.hand_over(layer, NAMES) is None


def test_a_clock_far_ahead_is_not_followed_minute_by_minute() -> None:
    values = noise(2)
    layer = fed(values, 2 * DAY - 3)
    past = taught(layer, values, 2 * DAY - 1)
    layer.judge(400 * DAY, values[DAY])

    assert past.hand_over(layer, NAMES) is None


def test_a_gap_in_what_is_told_is_no_lesson() -> None:
    values = noise(3)
    values[DAY : DAY + 10] = math.nan
    layer = fed(values, 3 * DAY - 2)

    past = taught(layer, values, 3 * DAY - 1)
    past.hand_over(layer, NAMES)

    # Ten, the one after them, and the very first.
    assert int(layer.baselines.learnt[0]) == 3 * DAY - 12


def test_nothing_is_young_before_the_first_point() -> None:
    assert young(Surprise(1, DAY), ["cpu"]) is None
