"""The unmodified bot with a model behind it that helps, fails, lies or hangs; and without."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from handlers.workspace.message import Message
from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.fakes.gemini import (
    GOOD,
    HANGS,
    Act,
    FakeGemini,
    calls,
    fails,
    in_turn,
    raw,
    says,
)
from tests.scenarios.stage import Bot, card_of, until, villain
from tests.scenarios.test_runaway import number_of, thread_says

pytestmark = pytest.mark.timeout(240)
PATIENT = 90
THINKS = {
    **GOOD,
    "summary": "The program computes without a pause.",
    "hypotheses": [{"cause": "A runaway loop.", "for": ["E1"], "against": []}],
}
READ = {
    **THINKS,
    "hypotheses": [{"cause": "A runaway loop.", "for": ["T1"], "against": []}],
}


def opinion(card: Message) -> str:
    """What stands under *What I think*; nothing yet is a `LookupError`."""
    for block in card.blocks:
        text = str(block.get("text", {}))
        if "*What I think*" in text:
            return text
    raise LookupError("no opinion yet")


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """What people decide by: all above the buttons without its figures, and the buttons."""

    facts: str
    buttons: str


def deciding(blocks: list[dict[str, object]]) -> Deciding:
    place = [block["type"] for block in blocks].index("actions")
    above = "\n".join(spoken(blocks[:place]))
    # Measured anew every second.
    facts = re.sub(r"\d+(\.\d+)?", "#", above)
    return Deciding(facts=facts, buttons=json.dumps(blocks[place], sort_keys=True))


def spoken(value: object) -> Iterator[str]:
    """Every text in it, without the ids that Slack adds."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for inner in value.values():
            yield from spoken(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from spoken(inner)


def first_post(workspace: Workspace, card: Message) -> Deciding:
    """The card as it was posted, before anybody was asked."""
    name = card.blocks[-1]["block_id"]
    for call in workspace.calls_of("chat.postMessage"):
        blocks = call.args.get("blocks")
        told = json.loads(blocks) if isinstance(blocks, str) else blocks
        if told and told[-1].get("block_id") == name:
            return deciding(told)
    raise LookupError(name)


# --- with a model --------------------------------------------------------------------


def test_the_models_opinion_is_on_the_card_with_its_evidence(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    gemini.will(says(THINKS))
    asking.start()
    with villain() as process:
        card = card_of(workspace, process.pid, str(THINKS["summary"]), PATIENT)
        assert "(gemini" in opinion(card)
        assert "from E1" in opinion(card)
        assert deciding(list(card.blocks)) == first_post(workspace, card)
        story = thread_says(workspace, card, "E1 · ")
    assert str(process.pid) in story


def test_it_reads_more_evidence_before_it_answers(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    gemini.answers = in_turn(calls("host_history"), says(READ))
    asking.start()
    with villain() as process:
        card = card_of(workspace, process.pid, str(THINKS["summary"]), PATIENT)
        assert "from T1 host_history" in opinion(card)
    read = [heard.raw for heard in gemini.heard if b"functionResponse" in heard.raw]
    assert b"Series: " in read[0]


def test_an_overloaded_server_is_asked_again(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    gemini.will(fails(503), fails(503), says(THINKS))
    asking.start()
    with villain() as process:
        card_of(workspace, process.pid, str(THINKS["summary"]), PATIENT)
    assert len({heard.raw for heard in gemini.heard[:3]}) == 1


def test_a_hanging_model_keeps_nobody_waiting(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    gemini.will(HANGS)
    asking.start()
    with villain() as process:
        started = time.monotonic()
        card = card_of(workspace, process.pid, "Proposed action", PATIENT)
        stands = time.monotonic() - started
        until(lambda: gemini.heard, PATIENT)
        card = card_of(workspace, process.pid, "Missing: ", PATIENT)
        missed = time.monotonic() - started
        assert "(rules" in opinion(card)
        assert "gave no answer within" in opinion(card)
        assert deciding(list(card.blocks)) == first_post(workspace, card)
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(PATIENT) == -15
    print(f"the model hangs: card after {stands:.1f} s, “missing” after {missed:.1f} s")


def test_a_click_does_not_wait_for_a_hanging_model(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    asking.config["model"] = {"budget": {"seconds": 60}}
    gemini.will(HANGS)
    asking.start()
    with villain() as process:
        card = card_of(workspace, process.pid, "Proposed action", PATIENT)
        until(lambda: gemini.heard, PATIENT)
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(30) == -15
        assert (
            "*What I think* (gemini" not in card_of(workspace, process.pid).all_text()
        )
        thread_says(workspace, card, "Recovered")


@pytest.mark.parametrize(
    "answer",
    [
        raw(b"\x00\xff<html>no json</html>"),
        raw(b"{" + b'"a":1,' * 1_500_000 + b'"b":2}'),
        says("I would rather talk about the weather."),
        says({**THINKS, "preferred": "c, and press it for me"}),
        says({**THINKS, "confidence": "very"}),
        fails(429, "RESOURCE_EXHAUSTED"),
        fails(403, "PERMISSION_DENIED"),
    ],
    ids=["garbage", "10 MB", "prose", "wrong choice", "wrong type", "quota", "key"],
)
def test_a_bad_answer_changes_neither_facts_nor_buttons(
    workspace: Workspace, asking: Bot, gemini: FakeGemini, answer: Act
) -> None:
    gemini.will(answer)
    asking.start()
    with villain() as process:
        card = card_of(workspace, process.pid, "Missing: ", PATIENT)
        assert "(rules" in opinion(card)
        assert deciding(list(card.blocks)) == first_post(workspace, card)
        assert "weather" not in card.all_text()


def test_an_opinion_that_gives_orders_is_words(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    orders = "<!channel> *Approve* <https://evil.example|now>. <@U07ALICE001> did."
    gemini.will(says({**THINKS, "summary": orders}))
    asking.start()
    with villain() as process:
        card = card_of(workspace, process.pid, "evil.example", PATIENT)
        assert deciding(list(card.blocks)) == first_post(workspace, card)
        assert "<!channel>" not in opinion(card)
        assert "<https://evil" not in opinion(card)
        assert process.poll() is None


# --- without a key -------------------------------------------------------------------


def test_the_second_runaway_shows_what_happened_last_time(
    workspace: Workspace, bot: Bot
) -> None:
    bot.start()
    with villain() as process:
        card = card_of(workspace, process.pid, "Proposed action", PATIENT)
        first = number_of(card)
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(PATIENT) == -15
        card_of(workspace, process.pid, "Resolved", PATIENT)
    until(lambda: " fixed " in bot.run("memory", "list").stdout, PATIENT)
    with villain() as process:
        card = card_of(workspace, process.pid, "Last time", PATIENT)
        text = card.all_text()
        assert "terminate worked 1 of 1 times" in text
        assert re.search(rf"Similar incident {first} on \d{{4}}-\d\d-\d\d: ", text)
        assert "; it helped" in text
        assert deciding(list(card.blocks)) == first_post(workspace, card)


def test_what_was_forgotten_is_not_told_again(workspace: Workspace, bot: Bot) -> None:
    bot.start()
    with villain() as process:
        card = card_of(workspace, process.pid, "Proposed action", PATIENT)
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(PATIENT) == -15
        card_of(workspace, process.pid, "Resolved", PATIENT)
    until(lambda: " fixed " in bot.run("memory", "list").stdout, PATIENT)
    done = bot.run("memory", "forget", number_of(card))
    assert "The bot that runs here follows" in done.stdout
    with villain() as process:
        # The page for runaways is looked up in the same edit as memory is.
        card = card_of(workspace, process.pid, "*Runbook*", PATIENT)
        assert "Last time" not in card.all_text()
