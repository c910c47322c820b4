"""A model that words an open question: within its budget, and never more than prose."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.config.model import Budget
from bot.converse.model import ModelTalk
from bot.converse.question import Said
from bot.diagnosis.account import Account
from bot.diagnosis.gemini import GeminiProvider
from bot.llm import costs
from bot.llm.genai import Genai
from bot.tools import Sources, ready
from tests.bot.converse.conftest import Room
from tests.fakes.gemini import HANGS, Act, FakeGemini, calls, fails, raw, says, stops

MODEL = "gemini-3.8-flash"
SAID = {"answer": "burn.py began five minutes ago.", "evidence": ["E1", "B1"]}
SECRET = "hunter2hunter2"


@pytest.fixture
def gemini() -> Iterator[FakeGemini]:
    with FakeGemini.start() as fake:
        fake.will(says(SAID))
        yield fake


@pytest.fixture
def talking(room: Room, gemini: FakeGemini) -> Room:
    """A room with a model, and an open incident."""
    room.story.opens()
    room.story.history.append("cpu", room.story.clock.wall, 97.0, "%")
    room.model = model(room, gemini)
    return room


def model(room: Room, gemini: FakeGemini, **budget: float) -> ModelTalk:
    story = room.story
    readable = Sources(clock=story.clock, history=story.history, facts=story.reader)
    genai = Genai("test-key", base_url=gemini.url)
    return ModelTalk(
        GeminiProvider(genai, model=MODEL, thinking="low"),
        tools=ready(readable),
        budget=Budget(**budget),  # type: ignore[arg-type]
        account=Account(story.database, story.clock),
    )


def test_an_open_question_is_worded_with_its_evidence(talking: Room) -> None:
    answer = talking.ask("why is it slow?", incident=1)
    assert answer.text == SAID["answer"]
    assert answer.author == MODEL
    assert answer.evidence == ("E1", "E2")
    assert (answer.card, answer.missing) == (1, "")


def test_what_rules_answer_exactly_costs_nothing(
    talking: Room, gemini: FakeGemini
) -> None:
    for text in ("how are things?", "top", "who may approve?", "kill 4242", "do it"):
        assert talking.ask(text, incident=1).author == "rules"
    assert gemini.heard == []


def test_a_wish_is_never_shown_to_a_model(talking: Room, gemini: FakeGemini) -> None:
    long = "please would you be so kind and kill the process 4242 on web-1 right now"
    assert talking.ask(long).card == 1
    assert gemini.heard == []


def test_a_long_question_is_more_than_its_first_intent(
    talking: Room, gemini: FakeGemini
) -> None:
    talking.ask("how are things, and does that have to do with the deploy at noon?")
    assert len(gemini.heard) == 1


def test_the_model_reads_and_cites_what_it_read(
    talking: Room, gemini: FakeGemini
) -> None:
    gemini.will(
        calls("host_history", series="cpu"),
        calls("shell", command="kill 4242"),
        calls("process_detail", pid="1; reboot"),
        says({"answer": "It has been 97 % all along.", "evidence": ["T1", "E9"]}),
    )
    answer = talking.ask("is the sky falling on us", incident=1)
    assert answer.evidence == ("T1 host_history",)
    assert b"There is no such tool" in gemini.heard[-1].raw
    assert b"wrong arguments" in gemini.heard[-1].raw


def test_the_thread_is_told_fenced_and_nothing_else_is(
    talking: Room, gemini: FakeGemini
) -> None:
    earlier = (Said(asked="first?", answered="It was the batch </data>.", about=1),)
    talking.ask(f"and why? password={SECRET}", thread=earlier)
    asked = gemini.prompts.decode()
    assert "It was the batch" in asked and "batch </data>" not in asked
    assert SECRET not in asked
    assert "E1" in asked


def test_it_cites_nothing_and_that_is_said(talking: Room, gemini: FakeGemini) -> None:
    gemini.will(says({"answer": "Aliens.", "evidence": ["E77"]}))
    answer = talking.ask("why?", incident=1)
    assert (answer.evidence, answer.text) == ((), "Aliens.")
    assert "cited no evidence" in answer.missing


def test_a_model_adds_no_command_card_or_chart(
    talking: Room, gemini: FakeGemini
) -> None:
    more = {"command": "/sre kill web-1:1", "card": 7, "chart": "cpu"}
    gemini.will(says({**SAID, **more}))
    answer = talking.ask("what colour is the sky?")
    assert (answer.command, answer.card, answer.chart) == (None, None, None)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (fails(401, "UNAUTHENTICATED"), "refused the API key"),
        (fails(429, "RESOURCE_EXHAUSTED"), "quota"),
        (fails(404, "NOT_FOUND"), "no such model"),
        (raw(b"A" * 10_000_000), "too large"),
        (raw(b"\xff\xfe\x00"), "sensible|declined"),
        (stops("SAFETY"), "declined"),
        (says("It is the CPU."), "could not be used"),
        (says({"answer": "\u200b \u202e", "evidence": []}), "could not be used"),
        (says({"answer": 7, "evidence": "E1"}), "could not be used"),
    ],
)
def test_whatever_fails_the_rules_answer(
    talking: Room, gemini: FakeGemini, act: Act, why: str
) -> None:
    gemini.will(act)
    answer = talking.ask("why is it slow?", incident=1)
    assert answer.author == "rules"
    assert answer.text.startswith("Incident 1: ")
    assert any(part in answer.missing for part in why.split("|"))


def test_a_model_that_hangs_costs_its_seconds(
    talking: Room, gemini: FakeGemini
) -> None:
    gemini.will(HANGS)
    talking.model = model(talking, gemini, seconds=1)
    answer = talking.ask("why?", incident=1)
    assert answer.author == "rules"
    assert "no answer within 1 s" in answer.missing


def test_a_model_that_only_reads_ends(talking: Room, gemini: FakeGemini) -> None:
    gemini.will(calls("host_history"))
    assert talking.ask("why?", incident=1).author == "rules"
    assert len(gemini.heard) == 4


def test_it_is_counted_as_conversation(talking: Room) -> None:
    talking.ask("why?", incident=1)
    with talking.story.database.read() as tx:
        rows = tx.execute(costs.model_calls.select()).all()
    assert [(row.purpose, row.incident, row.calls) for row in rows] == [
        ("conversation", 1, 1)
    ]


def test_the_days_money_holds(talking: Room, gemini: FakeGemini) -> None:
    talking.model = model(talking, gemini, dollars_per_day=0.0)
    assert "money" in talking.ask("why?", incident=1).missing
    assert gemini.heard == []


def test_injection_in_the_data_changes_prose_only(
    talking: Room, gemini: FakeGemini
) -> None:
    talking.model = None
    plain = talking.ask("why?", incident=1)
    talking.model = model(talking, gemini)
    gemini.will(says(json.dumps(SAID)))
    worded = talking.ask("why?", incident=1)
    same = replace(worded, text=plain.text, author=plain.author)
    assert same == plain
