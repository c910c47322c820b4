"""Text from outside does nothing in a Markdown document."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.markdown import cleaned, code, first_hidden, inert

LIVE = re.compile(
    r"(?<!\\)[\\`*_{}\[\]<>~|](?![\\`*_{}\[\]()<>#+!|~&=$^-])|://|@\w|\bwww\.|#\w",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "a b"),
        ("CPU 98 % → 6 %", "CPU 98 % → 6 %"),
        ("<script>", r"\<script\>"),
        ("[x](http://evil.example)", r"\[x\]\(http\[:\]//evil\[.\]example\)"),
        ("@channel", r"\[at\]channel"),
        ("nginx@1.service", r"nginx\[at\]1.service"),
        ("<!channel>", r"\<\!channel\>"),
        ("www.evil.example", r"www\[.\]evil\[.\]example"),
        ("see evil.example/x", r"see evil\[.\]example/x"),
        ("at 10.0.0.1", r"at 10\[.\]0\[.\]0\[.\]1"),
        ("python3.11, nginx.service", "python3.11, nginx.service"),
        ("javascript:x", r"javascript\[:\]x"),
        ("a\n# b\n\n---", r"a \# b \-\-\-"),
        ("a | b", r"a \| b"),
        ("\u202egpj\u200b.exe\x1b[2J\0", r"gpj\[.\]exe\[2J"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
    ],
)
def test_what_has_a_meaning_loses_it(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert inert("a" * 50, limit=10) == "a" * 10 + r"… \(cut\)"


@given(st.text())
def test_any_text_is_one_line_without_anything_live(text: str) -> None:
    shown = inert(text)
    assert "\n" not in shown
    assert not re.search(r"://|@\w|(?<!\\)[<\[|`]", shown.replace("\\\\", ""))
    assert cleaned(shown) == shown


@given(st.text())
def test_code_cannot_be_left(text: str) -> None:
    shown = code(text)
    assert shown.count("`") == 2 and "|" not in shown and "\n" not in shown


def test_the_first_hidden_character_is_found_with_its_line() -> None:
    assert first_hidden("a\r\nb\u202ec\u200b") == (2, "U+202E")
    assert first_hidden("a\tb\r\nc é 過 🔥") is None


def test_hidden_characters_cost_linear_time() -> None:
    assert cleaned("\u202e" * 300_000) == ""
    assert first_hidden("\n" * 300_000 + "\u202e" * 300_000) == (300_001, "U+202E")
