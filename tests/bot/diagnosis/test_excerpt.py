"""A document is cut where it is longest, at a line, and nowhere else."""

from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.excerpt import CUT, excerpt

LONG = "## B\n" + "one line\n" * 100
DOCUMENT = f"# Title\n\n## A\nshort\n\n{LONG}\n## C\nalso short\n"


def test_what_fits_is_the_same() -> None:
    assert excerpt(DOCUMENT, len(DOCUMENT)) == DOCUMENT


def test_only_the_longest_section_is_cut() -> None:
    shown = excerpt(DOCUMENT, 400)
    assert shown.startswith("# Title\n\n## A\nshort\n\n## B\none line\n")
    assert shown.endswith(f"one line\n{CUT}\n\n## C\nalso short\n")
    assert shown.count(CUT) == 1


@given(st.lists(st.text("ab\n# ", max_size=200), max_size=8), st.integers(0, 500))
def test_it_is_hardly_longer_than_it_may_be(texts: list[str], most: int) -> None:
    document = "\n## ".join(texts)
    marks = (len(CUT) + 2) * (1 + document.count("## "))
    assert len(excerpt(document, most)) <= max(most, 0) + marks
