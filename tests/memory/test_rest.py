"""What failed is left alone, each time for twice as long."""

from datetime import timedelta

import pytest

from memory.rest import Rest


class Hand:
    """A clock whose hand the test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def rest(hand: Hand) -> Rest:
    return Rest(timedelta(minutes=1), timedelta(minutes=5), hand)


def fail_again(rest: Rest, hand: Hand) -> float:
    hand.at += rest.seconds()
    rest.failed()
    return rest.seconds()


def test_the_pause_doubles_up_to_the_longest(rest: Rest, hand: Hand) -> None:
    pauses = [fail_again(rest, hand) for _ in range(5)]
    assert pauses == [60, 120, 240, 300, 300]


def test_many_failures_within_a_pause_count_as_one(rest: Rest) -> None:
    for _ in range(3):
        rest.failed()
    assert rest.seconds() == 60


def test_what_worked_once_begins_with_the_first_pause_again(
    rest: Rest, hand: Hand
) -> None:
    fail_again(rest, hand)
    fail_again(rest, hand)
    rest.worked()
    assert (rest.is_failing, rest.seconds()) == (False, 0)
    assert fail_again(rest, hand) == 60


def test_after_the_pause_it_still_counts_as_failing(rest: Rest, hand: Hand) -> None:
    rest.failed()
    hand.at += 60
    assert (rest.is_failing, rest.seconds()) == (True, 0)
