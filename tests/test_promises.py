"""No promise is only words: each has tests, and SECURITY.md and `make promises` count alike."""

import re
from pathlib import Path
from typing import Literal

import pytest

from tests.promises.promised import PROMISED
from tests.promises.tally import Row, figures_in

TESTS = Path(__file__).parent
SECURITY = (TESTS.parent / "SECURITY.md").read_text()


def marks() -> list[str]:
    """What stands in the marks of all tests, "5, 19" or nothing."""
    found = []
    for file in TESTS.rglob("test_*.py"):
        if file != Path(__file__):
            found += re.findall(r"mark\.promise\b\(?([\d, ]*)", file.read_text())
    return found


def test_each_test_of_a_promise_says_which() -> None:
    assert len(marks()) > len(PROMISED)
    assert "" not in marks()


def test_each_promise_has_a_test() -> None:
    tested = {int(number) for mark in marks() for number in mark.split(",")}
    assert tested == set(PROMISED)


def test_security_counts_as_the_table_does() -> None:
    numbers = re.findall(r"^(\d+)\. \*\*", SECURITY, re.MULTILINE)
    assert [int(number) for number in numbers] == list(PROMISED)


def test_a_figure_is_told_under_each_number_that_it_names() -> None:
    printed = (
        "seed 7\npromises 5, 19: 60 clicks\npromise 5 (sqlite): 3 of 3\n.promise 8"
    )
    assert list(figures_in(printed)) == [
        (5, "60 clicks"),
        (19, "60 clicks"),
        (5, "sqlite: 3 of 3"),
    ]


def report(
    outcome: Literal["passed", "failed", "skipped"],
    when: Literal["setup", "call", "teardown"] = "call",
    printed: str = "",
) -> pytest.TestReport:
    return pytest.TestReport(
        "tests/test_it.py::test_it",
        ("tests/test_it.py", 1, "test_it"),
        {},
        outcome,
        None,
        when,
        [("Captured stdout call", printed)],
        duration=1.5,
    )


def test_a_promise_holds_only_if_a_test_ran_and_all_passed() -> None:
    nobody, kept, broken, left_out = (Row(number=5) for _ in range(4))
    kept.hear(report("passed", printed="promise 5: failed 0"))
    broken.hear(report("passed"))
    broken.hear(report("failed", when="teardown"))
    left_out.hear(report("passed"))
    left_out.hear(report("skipped", when="setup"))
    assert [r.held for r in (nobody, kept, broken, left_out)] == [
        False,
        True,
        False,
        False,
    ]
    assert kept.figures == ["failed 0"]
    assert "no test of it ran" in next(nobody.lines())
    assert "tests/test_it.py::test_it" in next(broken.lines())


def test_a_row_goes_on_in_the_second_part_of_a_run() -> None:
    first = Row(number=5)
    first.hear(report("passed", printed="promise 5: failed 0"))
    first.hear(report("failed", when="teardown"))
    assert Row.from_json(first.as_json()) == first
