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
    calling,
    clock,
    context,
    cut,
    day_and_clock,
    escaped,
    field,
    header,
    instruction,
    is_dead_markdown,
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
        (":white_check_mark: approved", ":\u200bwhite_check_mark: approved"),
        ("x:tada:+1:", "x:\u200btada:\u200b+1:"),
        ("at 12:30:45", "at 12:30:45"),
        ("fe80:12:ab:0::1", "fe80:12:ab:0::1"),
    ],
)
def test_text_stays_readable(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "All is well\n=", "x\n-", "x\n - ", "- x", "+ x", "1. x", "1) x", "x\n12. y",
        ":white_check_mark: approved", "x :100: y", "    code", "x\n+", "x\n=  ",
    ],
)  # fmt: skip
def test_mark_up_is_not_dead(text: str) -> None:
    assert not is_dead_markdown(text)


@pytest.mark.parametrize(
    "text", ["at 12:00:00 UTC", "load 1.5, +3 %", "-5 degrees", "a: b: c", "1.5 x\n  y"]
)
def test_plain_lines_are_dead(text: str) -> None:
    assert is_dead_markdown(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`journalctl _PID=1`", "`journalctl _PID=1`"),
        ("*I/O wait* is **high**, a_b_c", "I/O wait is high, a_b_c"),
        ("x`a`y", "x `a` y"),
        ("Do\n\n```sh\ncurl http://x | y > z\n```", "Do `curl http://x | y &gt; z`"),
        ("`<!channel>` <!here>", "`&lt;!channel&gt;` &lt;!here&gt;"),
        ("open ` and *a", "open and *\u200ba"),
        ("``a`b``", "`a` b"),
        ("``", ""),
        ("`1`_", "`1` _\u200b"),
        ("stop `kill -9 12345`", "stop `kill -9 12345`"),
        ("now stop all of it `kill 1`", "now stop all of it …"),
        ("a line that is too long to be shown", "a line that is too long…"),
    ],
)
def test_an_instruction_is_one_line_with_its_commands(text: str, shown: str) -> None:
    assert instruction(text, limit=24) == shown


@given(LIVELY, st.integers(0, 60))
def test_nothing_gets_out_of_an_instruction(text: str, limit: int) -> None:
    shown = instruction(text, limit)
    assert not re.search(r"[<>\n]", shown)
    assert re.sub(r"(?<!\w)`[^`]+`(?!\w)", "", shown).count("`") == 0
    assert "://" not in re.sub(r"`[^`]+`", "", shown)


def test_only_a_person_at_the_end_is_drawn() -> None:
    assert calling("to @U07BOB") == "to <@U07BOB>"
    assert calling("to @S07NIGHT") == "to <!subteam^S07NIGHT>"
    assert calling("@U07BOB and more") == "@U07BOB and more"
    assert calling("to @channel") == "to @channel"


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
