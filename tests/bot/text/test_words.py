"""How figures, spans and titles are said."""

import doctest
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model import Level
from bot.text import words
from bot.text.words import amount, figures, level_word, seconds, title_of
from tests.fakes.things import finding


def test_the_example_in_the_text_is_true() -> None:
    assert doctest.testmod(words).failed == 0


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (97.6, "%", "98 %"),
        (9.96, "%", "10.0 %"),
        (5.0, "%", "5 %"),
        (0.25, "%", "0.2 %"),
        (-12.3, "%", "-12 %"),
        (999, "B", "999 B"),
        (1500, "B", "1.5 KB"),
        (1e18, "bytes", "1000 PB"),
        (None, "B", "no data"),
        (3, "", "3"),
    ],
)
def test_amounts_are_as_precise_as_needed(
    value: float | None, unit: str, said: str
) -> None:
    assert amount(value, unit) == said


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (0, "under 1 s"),
        (-5, "under 1 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400 * 3 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_spans_have_two_units_at_most(span: float, said: str) -> None:
    assert seconds(timedelta(seconds=span)) == said


def test_figures_stand_before_and_after() -> None:
    before = (finding(), finding(label="Memory"))
    assert figures(before, (finding(value=6.0), None)) == (
        "CPU 98 % → 6 %, Memory 98 % → no data"
    )


def test_titles_say_what_and_where() -> None:
    one = finding()
    assert title_of((one,), storm=False) == "CPU 98 % on web-1"
    assert title_of((one, one), storm=True) == "2 conditions at once on web-1"
    others = (
        one,
        replace(one, host="web-7", label="Load"),
        replace(one, host="web-8"),
    )
    assert title_of(others[:2], storm=True).endswith("on web-1 and 1 other host")
    assert title_of(others, storm=True).endswith("on web-1 and 2 other hosts")
    missing = finding(level=Level.UNKNOWN, value=None)
    assert title_of((missing,), storm=False) == "No data for CPU on web-1"


def test_unknown_is_said_as_no_data() -> None:
    assert (level_word(Level.UNKNOWN), level_word(Level.WARNING)) == (
        "no data",
        "warning",
    )
