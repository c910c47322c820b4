"""What was learnt is taken up by the next run, or refused whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.surprise.frozen import NotReadable, frozen, thawed
from bot.surprise.surprise import Surprise

DAY = 48


@pytest.fixture(scope="module")
def learnt() -> Surprise:
    layer = Surprise(3, DAY)
    values = np.random.default_rng(3).normal(20, 3, (9 * DAY, 3))
    for slot, point in enumerate(values):
        layer.judge(slot, point)
    return layer


def test_a_restart_forgets_the_last_minutes_only(learnt: Surprise) -> None:
    again = thawed(frozen(learnt))
    later = np.random.default_rng(4).normal(20, 3, (2 * DAY, 3))

    # A slot is missing, so the other begins its short memory anew as well.
    for slot, point in enumerate(later, 9 * DAY + 1):
        one, two = learnt.judge(slot, point), again.judge(slot, point)
        np.testing.assert_allclose(one.surprises, two.surprises, atol=1e-5)
        assert one.host is two.host is None or one.host == pytest.approx(two.host)


def test_a_series_takes_few_bytes_on_the_disk() -> None:
    layer = Surprise(4)
    values = np.random.default_rng(5).normal(20, 3, (2000, 4))
    for slot, point in enumerate(values):
        layer.judge(slot, point)

    size = len(frozen(layer)) / 4

    print(f"{size / 1024:.0f} KB for each series")
    assert size <= 100_000


@given(st.binary(max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(NotReadable):
        thawed(garbage)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_half_of_it_is_refused(learnt: Surprise, part: float) -> None:
    kept = frozen(learnt)

    with pytest.raises(NotReadable):
        thawed(kept[: int(len(kept) * part)])


def test_another_number_of_series_is_refused(learnt: Surprise) -> None:
    learnt.baselines.learnt = learnt.baselines.learnt[:2]
    try:
        with pytest.raises(NotReadable, match="series"):
            thawed(frozen(learnt))
    finally:
        learnt.baselines.learnt = np.zeros(3, "i8")
