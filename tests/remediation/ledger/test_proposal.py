"""Ids of proposals: whose they are can be read, what they are cannot be guessed."""

import pytest

from remediation.ledger.proposal import ID_PATTERN, issuer, new_id


def test_ids_are_well_formed() -> None:
    assert ID_PATTERN.fullmatch(new_id("web-1.example~0a1b2c"))


def test_no_id_comes_twice() -> None:
    assert len({new_id("web-1~0a1b2c") for _ in range(1000)}) == 1000


def test_an_id_names_who_issued_it() -> None:
    assert issuer(new_id("web-1~0a1b2c")) == "web-1~0a1b2c"


@pytest.mark.parametrize(
    "text",
    ["", "x", "web-1~0a1b2c~short", "a b~0a1b2c~" + "x" * 16, "w~XXXXXX~" + "x" * 16],
)
def test_garbage_is_no_id(text: str) -> None:
    assert ID_PATTERN.fullmatch(text) is None
