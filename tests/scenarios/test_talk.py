"""People ask, with a model and without one; what it cost; and somebody else's Gemini."""

import pytest

from handlers.workspace.message import Message
from handlers.workspace.people import ALICE, OUTSIDER, STRANGER
from handlers.workspace.workspace import Workspace
from tests.fakes.aimock import FIXTURES, Start
from tests.fakes.gemini import GOOD, HANGS, FakeGemini, says
from tests.scenarios.stage import (
    PATIENT,
    Bot,
    deciding,
    first_post,
    number_of,
    opinion,
    runaway,
)

pytestmark = pytest.mark.timeout(300)
WHY = "why is it slow?"
QUESTION = WHY.encode()


def asked(workspace: Workspace, words: str, card: Message) -> str:
    """Ask in the card's thread; return the answer once it is complete."""
    sent = workspace.mention(ALICE.id, words, thread_ts=card.ts).sent
    assert sent is not None
    question = float(sent["event"]["ts"])

    def find() -> str | None:
        later = [m for m in workspace.thread(card.ts)[1:] if float(m.ts) > question]
        said = [m for m in later if m.user == workspace.bot_user_id and not m.streaming]
        return said[-1].all_text() if said else None

    return workspace.wait_for(find, PATIENT)


# --- questions -----------------------------------------------------------------------


def test_a_question_in_the_thread_is_answered_with_evidence(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot) as (process, card):
        answer = asked(workspace, WHY, card)
        assert f"pid {process.pid}" in answer
        assert "E1" in answer
        assert deciding(list(card.blocks)) == first_post(workspace, card)


def test_words_never_act(workspace: Workspace, bot: Bot) -> None:
    with runaway(bot) as (process, card):
        for words in ("please kill it now", f"terminate {process.pid}", "yes, do it"):
            asked(workspace, words, card)
        assert process.poll() is None
        assert workspace.find_button("Approve", card.ts)
    assert "approved" not in bot.run("audit", "export").stdout


def test_a_model_words_the_answer_to_an_open_question(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    worded = says({"answer": "A loop eats it.", "evidence": ["E1"]})
    gemini.answers = lambda heard: worded if QUESTION in heard.raw else says(GOOD)
    with runaway(asking, str(GOOD["summary"])) as (_process, card):
        answer = asked(workspace, WHY, card)
    assert "A loop eats it." in answer
    assert "E1" in answer


def test_without_the_model_the_rules_answer_and_say_so(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    gemini.answers = lambda heard: HANGS if QUESTION in heard.raw else says(GOOD)
    with runaway(asking, str(GOOD["summary"])) as (process, card):
        answer = asked(workspace, WHY, card)
        assert f"pid {process.pid}" in answer
    assert "gave no answer within" in answer


def test_people_of_other_workspaces_are_told_nothing(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot) as (process, card):
        workspace.mention(OUTSIDER.id, WHY, thread_ts=card.ts)
        told = whisper(workspace, OUTSIDER.id)
    assert "Nothing was looked up" in told
    assert str(process.pid) not in told


def whisper(workspace: Workspace, user: str) -> str:
    said = workspace.wait_for(lambda: workspace.ephemerals(user), PATIENT)
    return said[-1].all_text()


# --- what it cost --------------------------------------------------------------------


def test_the_cost_is_told_by_incident_and_day(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    gemini.will(says(GOOD, tokens=1170))
    with runaway(asking, str(GOOD["summary"])) as (_process, card):
        workspace.command(STRANGER.id, "cost")
        told = whisper(workspace, STRANGER.id)
        assert "gemini-3.8-flash* explains incidents" in told
        assert f"*{number_of(card)}* " in told
        assert "1 call · 1,170 tokens" in told
        assert "*Today* " in told
        assert "$" in told


def test_the_steps_of_an_explanation_are_shown(
    workspace: Workspace, asking: Bot, gemini: FakeGemini
) -> None:
    with runaway(asking, str(GOOD["summary"])) as (_process, card):
        assert gemini.heard
        workspace.command(ALICE.id, f"show {number_of(card)}")
        told = whisper(workspace, ALICE.id)
        assert "gemini" in told
        assert "tokens" in told


# --- somebody else's Gemini ----------------------------------------------------------


def test_the_bot_talks_with_an_independent_server(
    workspace: Workspace, bot: Bot, serve: Start
) -> None:
    reads = {"toolCalls": [{"name": "host_history", "arguments": "{}"}]}
    fixtures = [FIXTURES[0], {**FIXTURES[1], "response": reads}]
    url = serve(fixtures)
    bot.extra |= {"GEMINI_API_KEY": "a-key", "GOOGLE_GEMINI_BASE_URL": url}
    with runaway(bot, str(GOOD["summary"])) as (_process, card):
        assert "from T1 host_history" in opinion(card)
        assert deciding(list(card.blocks)) == first_post(workspace, card)
