"""A model says more in a postmortem: of the document it got, at the incident's expense."""

import json

import pytest

from bot.config.model import Budget
from bot.diagnosis.excerpt import CUT
from bot.diagnosis.improve import Improve
from bot.llm import costs
from bot.ports import DiagnosisUnavailable
from bot.runtime import tracing
from tests.bot.diagnosis.conftest import MODEL, Room
from tests.fakes.gemini import Act, fails, says

SAID = {"summary": "A loop burned the CPU.", "follow_ups": ["Mend it.", "Test it."]}
DOCUMENT = "# Incident 12\n\n## Summary\n\nCPU 98 %.\n\n## Follow-ups\n\n* [ ] Ask.\n"


def improve(
    room: Room, document: str, *, number: int = 12, tokens: int = 30_000
) -> str:
    budget = Budget(tokens=tokens)
    asks = Improve(room.provider(), budget=budget, account=room.account)
    return asks(number, document)


def sent(room: Room) -> str:
    """The document as it reached the model."""
    (heard,) = room.gemini.heard
    contents = heard.body["contents"]
    assert isinstance(contents, list)
    said = contents[0]["parts"][0]["text"]
    text = json.loads(said.removeprefix("<data>").removesuffix("</data>"))["text"]
    assert isinstance(text, str)
    return text


def test_what_it_says_comes_as_two_sections(room: Room) -> None:
    room.gemini.will(says(SAID))
    assert improve(room, DOCUMENT) == (
        "## Summary\n\nA loop burned the CPU.\n\n## Follow-ups\n\n"
        "* Mend it.\n* Test it.\n"
    )


def test_it_is_booked_and_traced_with_its_incident(room: Room) -> None:
    room.gemini.will(says(SAID))
    improve(room, DOCUMENT, number=12)
    with room.database.read() as tx:
        assert costs.by_incident(tx, 12).calls == 1
        assert [step.name for step in tracing.steps(tx, 12)] == [f"write {MODEL}"]


def test_the_incidents_money_holds_for_it(room: Room) -> None:
    budget = Budget(dollars_per_incident=0)
    asks = Improve(room.provider(), budget=budget, account=room.account)
    with pytest.raises(DiagnosisUnavailable, match="money"):
        asks(12, DOCUMENT)
    assert room.gemini.heard == []


def test_a_long_document_is_sent_whole_where_the_budget_allows_it(room: Room) -> None:
    room.gemini.will(says(SAID))
    whole = DOCUMENT + "\n".join(f"* line {n} of the end" for n in range(1000))
    improve(room, whole)
    assert sent(room) == whole


def test_one_beyond_the_budget_is_cut_at_a_line_and_both_are_told(room: Room) -> None:
    room.gemini.will(says(SAID))
    long = "\n".join(f"| {n} | happened |" for n in range(9000))
    improve(room, f"# A\n\n## Timeline\n\n{long}\n\n## Cause\n\nA loop.\n")
    document = sent(room)
    assert 30_000 < len(document) <= 41_000
    assert f"| happened |\n{CUT}\n\n## Cause\n\nA loop." in document
    assert CUT.encode() in room.gemini.heard[0].raw.partition(b"systemInstruction")[2]


def test_few_tokens_send_a_small_document(room: Room) -> None:
    room.gemini.will(says(SAID))
    improve(room, DOCUMENT + "word word\n" * 9000, tokens=8000)
    assert len(sent(room)) <= 12_100


def test_secrets_of_a_document_stay_here(room: Room) -> None:
    room.gemini.will(says(SAID))
    improve(room, f"{DOCUMENT}\npassword=hunter2hunter2\n")
    assert "hunter2" not in sent(room)


@pytest.mark.parametrize(
    "act",
    [fails(429), says("prose"), says({"summary": 7}), says({**SAID, "summary": 1})],
)
def test_no_usable_answer_is_said_and_entered(room: Room, act: Act) -> None:
    room.gemini.will(act)
    with pytest.raises(DiagnosisUnavailable, match=r"quota|could not be used"):
        improve(room, DOCUMENT)
    with room.database.read() as tx:
        rows = tx.execute(costs.model_calls.select()).all()
    assert [row.outcome for row in rows] == ["unavailable"]
