"""What is made of a model's text, and what is not."""

import json

import pytest

from bot.diagnosis.answer import Expected, Unusable, schema, understood
from bot.lore import Diagnosis

EXPECTED = Expected(
    evidence={"E1": "E1", "T1": "T1 host_history"}, letters=("a", "b"), author="m"
)
GOOD = {
    "summary": "One. Two. Three.",
    "hypotheses": [{"cause": "A loop.", "for": ["E1"], "against": ["T1"]}],
    "settle": "A profile.",
    "confidence": 0.5,
    "preferred": "b",
}


def say(**changes: object) -> Diagnosis:
    return understood(json.dumps({**GOOD, **changes}), EXPECTED)


def test_evidence_for_and_against_is_kept_apart() -> None:
    (cause,) = say().hypotheses
    assert (cause.evidence, cause.against) == (("E1",), ("T1 host_history",))


def test_a_long_summary_is_cut_after_three_sentences() -> None:
    assert say(summary="One is 1.5 s. Two. Three! Four. Five.").summary == (
        "One is 1.5 s. Two. Three!"
    )


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "nginx waits. python3 burns. postgres is fine. redis swaps. kill it.",
            "nginx waits. python3 burns. postgres is fine.",
        ),
        ("One。Two。Three。Four。", "One。 Two。 Three。"),
        ("One.\nTwo\nThree?\nFour.", "One. Two Three?"),
        ("It burns, e.g. at night. b. c. d.", "It burns, e.g. at night. b. c."),
    ],
)
def test_no_way_of_writing_makes_it_longer_than_three_sentences(
    said: str, kept: str
) -> None:
    assert say(summary=said).summary == kept


def test_texts_are_plain_lines_without_secrets() -> None:
    opinion = say(summary="It\u202e is\n\nthe disk; password=hunter2hunter2 x")
    assert opinion.summary == "It is the disk; password=[redacted] x"


def test_a_fenced_answer_is_understood() -> None:
    assert understood(f"```json\n{json.dumps(GOOD)}\n```", EXPECTED).preferred == "b"


def test_more_causes_than_four_are_cut() -> None:
    causes = [{"cause": f"C{n}", "for": ["E1"], "against": []} for n in range(9)]
    assert len(say(hypotheses=causes).hypotheses) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"preferred": "c"},
        {"preferred": "A"},
        {"preferred": ["a", "b"]},
        {"preferred": {"$ref": "a"}},
        {"confidence": 1.5},
        {"confidence": "high"},
        {"confidence": True},
        {"confidence": None},
        {"summary": ""},
        {"summary": "\u200b\u202e"},
        {"summary": 5},
        {"hypotheses": "none"},
        {"hypotheses": [{"for": ["E1"]}]},
        {"hypotheses": [{"cause": "x", "for": [1], "against": []}]},
        {"settle": ["x"]},
    ],
)
def test_what_is_no_answer_is_refused_with_the_reason(
    changes: dict[str, object],
) -> None:
    with pytest.raises(Unusable, match=r"\w+"):
        say(**changes)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '"a"', '{"summary":"CPU', '{"summary":"\\ud800"}', "NaN"]
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(Unusable):
        understood(text, EXPECTED)


def test_the_schema_allows_the_letters_and_nothing_else() -> None:
    properties = schema(("b", "a"))["properties"]
    assert isinstance(properties, dict)
    assert properties["preferred"]["enum"] == ["a", "b", "escalate", "nothing", ""]
