"""What people say after the end: the last word counts, and each is told once."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.learning.feedback import CAUSE_CHARACTERS, Feedbacks, Word, merged, spoken
from bot.learning.remember import COMMENT
from bot.learning.retell import case_of
from bot.lore import Feedback
from bot.person import Person
from memory.case import Case
from remediation.ledger.audit import read, verify
from remediation.ledger.decision import NotDecided
from tests.fakes.story import ALICE, BOB, CHEN, Story

RIGHT, WRONG = Word(is_right=True), Word(is_right=False)


@pytest.fixture
def feedback(story: Story) -> Feedbacks:
    return Feedbacks(record=story.record, poster=story.poster)


def remembered(story: Story) -> Case:
    return case_of(story.incident(), story.proposals())


def told(story: Story) -> list[tuple[str | None, str]]:
    with story.database.read() as tx:
        events = [sealed.event for sealed in read(tx, incident=1)]
    return [(e.actor, e.text) for e in events if e.kind == "feedback.given"]


def test_an_approver_says_that_the_cause_is_right(
    story: Story, feedback: Feedbacks
) -> None:
    story.ends(acted=False)
    before = story.incident().version
    assert feedback.give(1, ALICE, RIGHT)
    assert story.incident().feedback == Feedback(by=ALICE.id, is_right=True)
    assert story.incident().version == before + 1
    assert told(story) == [(ALICE.id, "says that the cause is right")]


NOTED = " (noted; what an approver says counts)"


@pytest.mark.parametrize(
    "word", [RIGHT, WRONG, Word(is_right=False, cause="aliens"), Word(helped=True)]
)
def test_what_anybody_else_says_is_noted_and_confirms_nothing(
    story: Story, feedback: Feedbacks, word: Word
) -> None:
    story.ends()
    before = story.incident(), remembered(story)
    assert not feedback.give(1, CHEN, word)
    assert (story.incident(), remembered(story)) == before
    assert told(story) == [(CHEN.id, f"{spoken(word)}{NOTED}")]


def test_it_does_not_take_the_place_of_an_approvers_word(
    story: Story, feedback: Feedbacks
) -> None:
    story.ends(acted=False)
    feedback.give(1, ALICE, Word(is_right=False, cause="the batch"))
    before = story.incident()
    feedback.give(1, CHEN, RIGHT)
    assert story.incident() == before
    assert remembered(story).cause == "the batch"
    assert [who for who, _ in told(story)] == [ALICE.id, CHEN.id]


def test_an_approver_who_agrees_with_it_confirms(
    story: Story, feedback: Feedbacks
) -> None:
    story.ends(acted=False)
    feedback.give(1, CHEN, RIGHT)
    assert not remembered(story).confirmed
    feedback.give(1, BOB, RIGHT)
    assert remembered(story).confirmed


def test_it_is_noted_once_until_something_else_is_said(
    story: Story, feedback: Feedbacks
) -> None:
    story.ends(acted=False)
    feedback.give(1, CHEN, RIGHT)
    with pytest.raises(NotDecided, match="said already") as refused:
        feedback.give(1, CHEN, RIGHT)
    assert refused.value.by == CHEN.id
    for word in (WRONG, RIGHT):
        feedback.give(1, CHEN, word)
    assert len(told(story)) == 3


def test_memory_hears_of_it(story: Story, feedback: Feedbacks) -> None:
    story.ends(acted=False)
    feedback.give(1, CHEN, RIGHT)
    assert story.events(1)[-1] == COMMENT


def test_a_correction_replaces_the_opinion(story: Story, feedback: Feedbacks) -> None:
    story.ends(acted=False)
    feedback.give(1, ALICE, Word(is_right=False, cause="the nightly batch"))
    assert story.incident().feedback == Feedback(
        by=ALICE.id, cause="the nightly batch", is_right=False
    )
    assert told(story) == [(ALICE.id, "corrected the cause: the nightly batch")]


def test_a_wrong_cause_may_stay_unknown(story: Story, feedback: Feedbacks) -> None:
    story.ends(acted=False)
    feedback.give(1, ALICE, WRONG)
    assert told(story) == [(ALICE.id, "says that the cause is wrong")]


def test_the_last_word_counts_and_each_change_is_told(
    story: Story, feedback: Feedbacks
) -> None:
    story.ends(acted=False)
    feedback.give(1, ALICE, Word(is_right=False, cause="the batch"))
    feedback.give(1, BOB, RIGHT)
    assert story.incident().feedback == Feedback(by=BOB.id, is_right=True)
    assert [who for who, _ in told(story)] == [ALICE.id, BOB.id]


@pytest.mark.parametrize("who", [ALICE, BOB])
def test_what_was_said_already_changes_nothing(
    story: Story, feedback: Feedbacks, who: Person
) -> None:
    story.ends(acted=False)
    feedback.give(1, ALICE, RIGHT)
    version = story.incident().version
    with pytest.raises(NotDecided, match="said already") as refused:
        feedback.give(1, who, RIGHT)
    assert refused.value.by == ALICE.id
    assert len(told(story)) == 1
    assert story.incident().version == version


def test_whether_it_helped_stands_beside_the_cause(
    story: Story, feedback: Feedbacks
) -> None:
    story.ends()
    feedback.give(1, ALICE, RIGHT)
    feedback.give(1, BOB, Word(helped=False))
    assert story.incident().feedback == Feedback(
        by=ALICE.id, is_right=True, helped=False, helped_by=BOB.id
    )
    assert told(story)[-1] == (BOB.id, "says that the action did not help")


def test_without_an_action_nothing_can_have_helped(
    story: Story, feedback: Feedbacks
) -> None:
    story.ends(acted=False)
    with pytest.raises(NotDecided, match="no action was carried out"):
        feedback.give(1, ALICE, Word(helped=True))
    assert story.incident().feedback is None


def test_an_open_incident_is_not_judged(story: Story, feedback: Feedbacks) -> None:
    story.opens()
    with pytest.raises(NotDecided, match="not resolved yet"):
        feedback.give(1, ALICE, RIGHT)


def test_a_false_alarm_has_no_cause(story: Story, feedback: Feedbacks) -> None:
    story.opens()
    story.own.false_alarm(1, ALICE)
    with pytest.raises(NotDecided, match="false alarm"):
        feedback.give(1, ALICE, RIGHT)


def test_what_is_written_is_one_short_harmless_line_without_secrets(
    story: Story, feedback: Feedbacks
) -> None:
    story.ends(acted=False)
    cause = "the\nbatch \u202e\x00 password=hunter2secret " + "x" * 900
    feedback.give(1, ALICE, Word(is_right=False, cause=cause))
    kept = story.incident().feedback
    assert kept is not None
    assert kept.cause.startswith("the batch")
    assert len(kept.cause) <= CAUSE_CHARACTERS
    assert "hunter2" not in kept.cause + story.texts()
    assert kept.cause.split("…")[0].isascii()
    with story.database.read() as tx:
        assert verify(tx).fault is None


WORDS = st.one_of(
    st.just(RIGHT),
    st.builds(Word, is_right=st.just(False), cause=st.sampled_from(["", "a", "b"])),
    st.builds(Word, helped=st.booleans()),
)


@given(st.lists(WORDS, max_size=8))
def test_only_the_last_word_of_each_kind_is_left(words: list[Word]) -> None:
    said: Feedback | None = None
    for word in words:
        said = merged(said, word, by="U1")
        assert spoken(word)
    causes = [(w.is_right, w.cause) for w in words if w.is_right is not None]
    helps = [w.helped for w in words if w.helped is not None]
    is_right, cause = causes[-1] if causes else (None, "")
    helped = helps[-1] if helps else None
    who = "" if helped is None else "U1"
    wanted = Feedback(
        by="U1", is_right=is_right, cause=cause, helped=helped, helped_by=who
    )
    assert said == (wanted if words else None)


@pytest.mark.parametrize(
    "odd", [{}, {"cause": "x"}, {"is_right": True, "cause": "x"}, {"helped": None}]
)
def test_a_word_says_something(odd: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Word"):
        Word(**odd)  # type: ignore[arg-type]


def test_whose_word_does_not_count_fills_no_thread(
    story: Story, feedback: Feedbacks
) -> None:
    story.ends()
    visitor = replace(BOB, is_approver=False)
    given = 0
    for number in range(20):
        with suppress(NotDecided):
            feedback.give(1, visitor, Word(is_right=number % 2 == 0))
            given += 1
    assert given == story.events(1).count(COMMENT) == 4
