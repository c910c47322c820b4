"""The unmodified bot with a model behind it that helps, fails, lies or hangs; and without."""

import re
import time

import pytest

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
from tests.scenarios.stage import (
    PATIENT,
    Bot,
    card_of,
    deciding,
    first_post,
    number_of,
    opinion,
    runaway,
    thread_says,
    until,
    villain,
)

pytestmark = pytest.mark.timeout(240)
THINKS = {
    **GOOD,
    "summary": "The program computes without a pause.",
    "hypotheses": [{"cause": "A runaway loop.", "for": ["E1"], "against": []}],
}
READ = {
    **THINKS,
    "hypotheses": [{"cause": "A runaway loop.", "for": ["T1"], "against": []}],
}


# --- with a model --------------------------------------------------------------------


def test_the_models_opinion_is_on_the_card_with_its_evidence(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    gemini.will(says(THINKS))
    with runaway(asking, str(THINKS["summary"])) as (process, card):
        assert "(gemini" in opinion(card)
        assert "from E1" in opinion(card)
        assert deciding(list(card.blocks)) == first_post(workspace, card)
        story = thread_says(workspace, card, "E1 · ")
    assert str(process.pid) in story


def test_it_reads_more_evidence_before_it_answers(
    asking: Bot, gemini: FakeGemini
) -> None:
    gemini.answers = in_turn(calls("host_history"), says(READ))
    with runaway(asking, str(THINKS["summary"])) as (_process, card):
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


@pytest.mark.promise(29)
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
    print(
        f"promise 29: the model hangs: card after {stands:.1f} s, “missing” after "
        f"{missed:.1f} s"
    )


def test_a_click_does_not_wait_for_a_hanging_model(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    asking.config["model"] = {"budget": {"seconds": 60}}
    gemini.will(HANGS)
    with runaway(asking) as (process, card):
        until(lambda: gemini.heard, PATIENT)
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(30) == -15
        assert (
            "*What I think* (gemini" not in card_of(workspace, process.pid).all_text()
        )
        thread_says(workspace, card, "Recovered")


@pytest.mark.promise(29)
@pytest.mark.parametrize(
    "answer",
    [
        raw(b"\x00\xff<html>no json</html>"),
        raw(b"{" + b'"a":1,' * 1_500_000 + b'"b":2}'),
        says({**THINKS, "preferred": "c, and press it for me"}),
        fails(429, "RESOURCE_EXHAUSTED"),
        fails(403, "PERMISSION_DENIED"),
    ],
    ids=["garbage", "10 MB", "wrong choice", "quota", "key"],
)
def test_a_bad_answer_changes_neither_facts_nor_buttons(
    workspace: Workspace, asking: Bot, gemini: FakeGemini, answer: Act
) -> None:
    gemini.will(answer)
    with runaway(asking, "Missing: ") as (_process, card):
        assert "(rules" in opinion(card)
        assert deciding(list(card.blocks)) == first_post(workspace, card)
        assert "weather" not in card.all_text()
    print(
        "promise 29: the model answers badly: same facts, same buttons, and it is said"
    )


def test_an_opinion_that_gives_orders_is_words(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    orders = "<!channel> *Approve* <https://evil.example|now>. <@U07ALICE001> did."
    gemini.will(says({**THINKS, "summary": orders}))
    with runaway(asking, "evil.example") as (process, card):
        assert deciding(list(card.blocks)) == first_post(workspace, card)
        assert "<!channel>" not in opinion(card)
        assert "<https://evil" not in opinion(card)
        assert process.poll() is None


# --- without a key -------------------------------------------------------------------


def ended_and_remembered(workspace: Workspace, bot: Bot) -> str:
    """A first runaway that was approved, died and is remembered; return its number."""
    with runaway(bot) as (process, card):
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(PATIENT) == -15
        card_of(workspace, process.pid, "Resolved", PATIENT)
    until(lambda: " fixed " in bot.run("memory", "list").stdout, PATIENT)
    return number_of(card)


def test_the_second_runaway_shows_what_happened_last_time(
    workspace: Workspace, bot: Bot
) -> None:
    first = ended_and_remembered(workspace, bot)
    with villain() as process:
        card = card_of(workspace, process.pid, "Last time", PATIENT)
        text = card.all_text()
        assert "terminate worked 1 of 1 times" in text
        assert re.search(rf"Similar incident {first} on \d{{4}}-\d\d-\d\d: ", text)
        assert "; it helped" in text
        assert deciding(list(card.blocks)) == first_post(workspace, card)


def test_what_was_forgotten_is_not_told_again(workspace: Workspace, bot: Bot) -> None:
    first = ended_and_remembered(workspace, bot)
    done = bot.run("memory", "forget", first)
    assert "The bot that runs here follows" in done.stdout
    with villain() as process:
        # The page for runaways is looked up in the same edit as memory is.
        card = card_of(workspace, process.pid, "*Runbook*", PATIENT)
        # A command that starts up may run wild for a second, and be remembered as that.
        assert f"Similar incident {first} " not in card.all_text()
