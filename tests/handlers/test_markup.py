"""Text on its way into Slack: nothing from outside is alive in it."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.blocks.markup import (
    FIELD_LIMIT,
    HEADER_LIMIT,
    SECTION_LIMIT,
    clock,
    context,
    cut,
    day_and_clock,
    escaped,
    field,
    handed_over,
    header,
    mention,
    preformatted,
    section,
)

LIVELY = st.text(alphabet="<>@!#|&:/^hpst *_~`ab1U\n\u200b", max_size=60)
START = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


@given(LIVELY | st.text(max_size=60))
def test_nothing_is_alive_in_escaped_text(text: str) -> None:
    shown = escaped(text)
    assert not re.search(r"<[@!#]|<http|[<>]", shown)
    assert "://" not in shown


@given(LIVELY)
def test_formatting_finds_no_partner(text: str) -> None:
    assert not re.search(r"(?<![A-Za-z0-9])[*_~`](?!\u200b)", escaped(text))


@given(st.text(max_size=60))
def test_escaping_makes_text_at_most_five_times_as_long(text: str) -> None:
    assert len(escaped(text)) <= 5 * len(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("a & b", "a &amp; b"),
        ("http://x", "http[:]//x"),
        ("snake_case_name", "snake_case_name"),
        ("*bold*", "*\u200bbold*"),
    ],
)
def test_text_stays_readable(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_only_a_person_at_the_end_is_drawn() -> None:
    assert handed_over("to @U07BOB") == "to <@U07BOB>"
    assert handed_over("@U07BOB and more") == "@U07BOB and more"
    assert handed_over("to @channel") == "to @channel"


def test_people_and_groups_are_mentioned_by_id() -> None:
    assert (mention("U1"), mention("S1")) == ("<@U1>", "<!subteam^S1>")


@given(st.text(max_size=200), st.integers(40, 120))
def test_cut_text_has_its_limit_and_says_what_is_missing(text: str, most: int) -> None:
    shown = cut(text, most)
    assert len(shown) <= most
    assert shown == text or shown.endswith(" left out)")


def test_every_block_keeps_slacks_limits() -> None:
    from handlers.workspace.limits import check_message

    long = "x" * 10_000
    assert len(str(section(long)["text"])) < SECTION_LIMIT + 100
    for block in (
        section(long),
        context(long),
        header(long),
        preformatted(long),
        preformatted(""),
        {"type": "section", "fields": [field("a", long)]},
    ):
        check_message("x", [block])
    assert (HEADER_LIMIT, FIELD_LIMIT) == (150, 2000)


def test_times_have_a_fallback_in_utc() -> None:
    assert clock(START).endswith("|03:00:00 UTC>")
    assert day_and_clock(START).endswith("|2026-03-01 03:00 UTC>")
