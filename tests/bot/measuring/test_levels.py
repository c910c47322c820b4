"""Levels have memory: what is bad stays bad until it is clearly better."""

from hypothesis import given
from hypothesis import strategies as st

from bot.measuring.levels import Levels, with_limit
from bot.model import Level, Limits

CPU = Limits(warning=85, critical=95, clear_warning=75, clear_critical=85)
MEMORY = Limits(warning=10, critical=5, clear_warning=12, clear_critical=6, above=False)
BAD = (Level.WARNING, Level.CRITICAL)


@given(st.lists(st.none() | st.floats(0, 100), max_size=60))
def test_it_is_bad_from_the_limit_until_the_clear_limit(
    values: list[float | None],
) -> None:
    levels, bad = Levels(CPU), False
    for value in values:
        level = levels.judge("", value)
        if value is None:
            assert level is Level.UNKNOWN
            continue
        bad = value >= 85 or (bad and value >= 75)
        assert (level in BAD) == bad
        assert value < 95 or level is Level.CRITICAL


@given(st.lists(st.floats(0, 100), max_size=60))
def test_low_is_bad_just_as_high_is(values: list[float]) -> None:
    low, high = (
        Levels(MEMORY),
        Levels(Limits(warning=90, critical=95, clear_warning=88, clear_critical=94)),
    )

    for value in values:
        assert low.judge("", 100 - value) is high.judge("", 100 - (100 - value))


@given(st.floats(75, 85, exclude_max=True))
def test_missing_data_does_not_lower_the_bar(value: float) -> None:
    levels = Levels(CPU)
    levels.judge("", 90)
    levels.judge("", None)

    assert levels.judge("", value) is Level.WARNING


def test_subjects_do_not_know_of_each_other_and_are_forgotten() -> None:
    levels = Levels(CPU)
    levels.judge("a", 90)

    assert levels.judge("b", 80) is Level.OK
    levels.keep({"b"})
    assert levels.judge("a", 80) is Level.OK


def test_a_figure_is_told_with_the_limit_it_passed() -> None:
    assert with_limit(98.2, "%", CPU, Level.CRITICAL) == "98 % (limit 95 %)"
    assert with_limit(99, "% of one core", CPU, Level.WARNING) == (
        "99 % of one core (limit 85 %)"
    )
