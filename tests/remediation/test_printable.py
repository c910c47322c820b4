import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.printable import printable

_PLAIN = {chr(code) for code in range(0x20, 0x7F)}


@given(st.binary(max_size=600))
def test_any_bytes_become_one_plain_line(raw: bytes) -> None:
    assert set(printable(raw, limit=10_000)) <= _PLAIN


@given(st.text(alphabet=st.characters(), max_size=600), st.integers(1, 300))
def test_nothing_is_longer_than_its_limit_and_the_count(text: str, limit: int) -> None:
    shown = printable(text, limit=limit)

    assert set(shown) <= _PLAIN | {"…"}
    assert len(shown) <= limit + 24


@given(st.text(alphabet=st.characters(), max_size=300))
def test_what_is_shown_can_be_stored_anywhere(text: str) -> None:
    printable(text).encode("utf-8")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("worker", "worker"),
        ("a\nb\x1b[31m", "a\\nb\\x1b[31m"),
        ("\u202egpj", "\\u202egpj"),
        ("ss\u200bhd", "ss\\u200bhd"),
        (b"\xff\x00", "\\xff\\x00"),
        ("\U000e0041", "\\U000e0041"),
        ("", ""),
    ],
)
def test_what_is_invisible_or_moves_text_is_shown_by_its_number(
    raw: str | bytes, shown: str
) -> None:
    assert printable(raw) == shown


def test_a_megabyte_is_cut_and_counted() -> None:
    assert printable(b"A" * 2**20, limit=20) == "AAAAAAAA… (+1048568 more)"
