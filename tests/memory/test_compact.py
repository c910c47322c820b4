"""Folded cases are counted as if they were there: corrected, forgotten, folded again."""

from contextlib import closing
from datetime import timedelta

import pytest

from bot.storage.database import Database
from memory.case import Case, Outcome
from memory.recollect import Memory
from tests.fakes.letters import Letters
from tests.memory.pieces import DAY, case, symptoms

LATER = DAY + timedelta(days=99)
FAILED = Outcome.NO_EFFECT


@pytest.fixture
def memory(either_database: Database) -> Memory:
    """A memory in which incidents 1, 2 and 3 are one pattern: the restart helped."""
    made = Memory(either_database, None, None)
    made.remember_all([case(n) for n in (1, 2, 3)])
    made.compact(LATER)
    return made


def helped(memory: Memory) -> tuple[int, int]:
    """Return how often the restart was tried, and how often it worked."""
    record = memory.track(symptoms(), "restart")
    return record.tried, record.worked


def weights(memory: Memory) -> dict[str, int]:
    return {one.key: one.weight for one in memory.cases()}


def corrected(number: int, outcome: Outcome = FAILED) -> Case:
    return case(number, outcome=outcome)


def test_a_correction_of_a_folded_case_moves_its_count(memory: Memory) -> None:
    assert helped(memory) == (3, 3)
    memory.remember(corrected(1))
    assert helped(memory) == (3, 2)
    assert weights(memory) == {"pattern:incident:3": 2, "incident:1": 1}


def test_a_correction_that_is_read_again_counts_once(memory: Memory) -> None:
    for _ in range(3):
        memory.remember(corrected(1))
    assert helped(memory) == (3, 2)


def test_a_correction_can_be_taken_back(memory: Memory) -> None:
    memory.remember(corrected(1))
    memory.remember(corrected(1, Outcome.FIXED))
    assert helped(memory) == (3, 3)
    memory.compact(LATER)
    assert weights(memory) == {"pattern:incident:3": 3}


def test_corrected_cases_are_folded_by_what_was_said(memory: Memory) -> None:
    for number in (1, 3):
        memory.remember(corrected(number))
    memory.compact(LATER)
    assert helped(memory) == (3, 1)
    assert weights(memory) == {"pattern:incident:3": 1, "pattern:incident:3.2": 2}


def test_a_forgotten_folded_case_is_counted_no_more(memory: Memory) -> None:
    assert memory.knows("incident:2")
    assert memory.forget("incident:2")
    assert not memory.forget("incident:2")
    assert not memory.knows("incident:2")
    assert helped(memory) == (2, 2)


def test_a_pattern_without_cases_is_gone(memory: Memory) -> None:
    for number in (1, 2):
        memory.forget(f"incident:{number}")
    memory.remember(corrected(3))
    assert weights(memory) == {"incident:3": 1}
    assert [one.case.key for one in memory.recall(symptoms())] == ["incident:3"]


def test_what_a_forgotten_pattern_counted_is_forgotten(memory: Memory) -> None:
    assert memory.forget("pattern:incident:3")
    assert not memory.knows("incident:1")
    assert memory.cases() == []


def test_a_pattern_in_a_pattern_is_counted_once(memory: Memory) -> None:
    memory.remember(case(9))
    memory.compact(LATER)
    assert weights(memory) == {"pattern:incident:9": 4}
    pattern = memory.pattern_of("incident:1")
    assert pattern is not None
    assert pattern.key == "pattern:incident:9"
    memory.forget("incident:1")
    assert weights(memory) == {"pattern:incident:9": 3}


def test_an_emptied_pattern_leaves_the_copies_too(database: Database) -> None:
    with closing(Memory(database, Letters(), None)) as memory:
        memory.remember_all([case(1), case(2)])
        memory.compact(LATER)
        for number in (1, 2):
            memory.forget(f"incident:{number}")
        assert memory.recall(symptoms()) == []
