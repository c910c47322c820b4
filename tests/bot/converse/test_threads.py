"""A thread is remembered, shortly; no thread knows of another."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.converse.periods import period_in, span_in
from bot.converse.question import Answer, Question
from bot.converse.threads import MOST_TURNS, Threads
from tests.fakes.story import ALICE

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


def add(threads: Threads, key: str, text: str, about: int | None = None) -> None:
    question = Question(text=text, person=ALICE)
    threads.add(key, question, Answer(text="yes " * 1000, about=about))


def test_a_thread_knows_its_own_turns_only() -> None:
    threads = Threads()
    add(threads, "one", "why?", about=7)
    assert [said.asked for said in threads.of("one")] == ["why?"]
    assert threads.of("two") == ()
    later = Question(text="and?", person=ALICE, thread=threads.of("one"))
    assert later.about == 7


def test_it_is_bounded_in_every_direction() -> None:
    threads = Threads(most=3)
    for number in range(20):
        add(threads, "long", f"{number} " * 500)
        add(threads, f"other {number}", "why?")
    kept = threads.of("long")
    assert len(kept) == MOST_TURNS
    assert max(len(said.asked) + len(said.answered) for said in kept) <= 900
    assert threads.of("other 0") == ()


def test_the_cards_incident_comes_before_what_was_spoken_of() -> None:
    threads = Threads()
    add(threads, "one", "why?", about=7)
    asked = Question(text="", person=ALICE, incident=3, thread=threads.of("one"))
    assert asked.about == 3


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        ("for 6 h", 6),
        ("30min", 0.5),
        ("the last 2 days", 48),
        ("last week", 168),
        ("3w", 504),
        ("9999 weeks", 366 * 24),
    ],
)
def test_spans_in_words(words: str, hours: float) -> None:
    assert span_in(words) == timedelta(hours=hours)


@pytest.mark.parametrize("words", ["memory", "12", "the 4 horsemen", "6x"])
def test_no_span_is_none(words: str) -> None:
    assert span_in(words) is None


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("last night", "01 18:00", "02 08:00"),
        ("yesterday", "01 00:00", "02 00:00"),
        ("today", "02 00:00", "02 10:30"),
        ("the last 2 h", "02 08:30", "02 10:30"),
    ],
)
def test_periods_in_words(words: str, start: str, end: str) -> None:
    found = period_in(words, NOW)
    assert found is not None
    assert (f"{found.start:%d %H:%M}", f"{found.end:%d %H:%M}") == (start, end)


def test_during_the_night_it_is_the_one_that_is_on() -> None:
    found = period_in("last night", NOW.replace(hour=3))
    assert found is not None
    assert (found.start.day, found.end.hour) == (1, 3)
