"""Questions to the bot, over a real connection: streamed, posted, refused, drawn, busy."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk import WebClient

from bot.converse.question import Answer, Question
from bot.model import Incident, Table
from handlers.blocks import answers
from handlers.blocks.markup import is_dead_markdown
from handlers.crew import Crew, Full
from handlers.desk import Desk
from handlers.mentions import is_command
from handlers.reply import Spoken
from handlers.stream import LEARNED_SECONDS, Stream
from handlers.workspace import Workspace
from handlers.workspace.people import ALICE, BOB, GUEST, OUTSIDER, STRANGER
from remediation.ledger.proposal import State
from tests.fakes.slack import whispered
from tests.fakes.story import Story

STREAMING = ("chat.startStream", "assistant.threads.setStatus")
TABLE = Table(columns=("PID", "COMMAND"), rows=(("4242", "<!channel> burn.py"),))


class Prepared:
    """Words of a model that the test prepared; it may wait, or fail."""

    def __init__(self) -> None:
        self.text = "It is the batch."
        self.asked: list[Question] = []
        self.failure: Exception | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def worded(
        self, question: Question, found: Answer | None, incident: Incident | None
    ) -> Answer:
        del found, incident
        self.asked.append(question)
        self.may_go_on.wait(20)
        if self.failure is not None:
            raise self.failure
        return Answer(text=self.text, author="fake")


@pytest.fixture
def words(desk: Desk) -> Iterator[Prepared]:
    """The model behind the desk."""
    prepared = Prepared()
    assert desk.converse is not None
    desk.converse._model = prepared
    yield prepared
    prepared.may_go_on.set()


@pytest.fixture
def worded(card: str, words: Prepared) -> str:
    """The card's ts, with a model behind the desk."""
    assert words
    return card


def told(workspace: Workspace, ts: str, words: str, channel: str | None = None) -> str:
    """Wait until the thread's last message says `words` and is finished; return it."""

    def last() -> str | None:
        message = workspace.thread(ts, channel)[-1]
        done = not message.streaming and message.user == workspace.bot_user_id
        return message.all_text() if done and words in message.all_text() else None

    return workspace.wait_for(last)


def posts(workspace: Workspace) -> list[str]:
    """The texts of everything that was posted whole."""
    return [str(call.args["text"]) for call in workspace.calls_of("chat.postMessage")]


def finished(workspace: Workspace, answers: int) -> None:
    """Wait until so many answers are wholly there."""
    workspace.wait_for(
        lambda: (
            len(workspace.calls_of("chat.stopStream")) >= answers
            and not any(m.streaming for m in workspace.messages())
        ),
        20,
    )


# --- what is asked -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "help", "status", "STATUS", "status web-1", "show 12", "take 12", "kill",
        "kill web-1:4242", "approve 12b", "lock: everything is odd", "unlock",
        "restart nginx", "stop nginx.service web-1", "handover 12 <@U1|bob>",
        "handover <@U1>", "runbook disk full", "cost", "reject 12a the batch",
        "mute web-1 2h", "incidents 7d", "incidents", "chart cpu 1h", "again 3",
        "chart cpu 1h web-7", "chart rate(x[5m])", "chart sum by (job) (up) 6h db-1",
        'chart main: up{job="node"} 2d',
    ],
)  # fmt: skip
def test_the_words_of_the_command_stay_commands(text: str) -> None:
    assert is_command(text)


@pytest.mark.parametrize(
    "text",
    [
        "show memory of web-1 for 6 h", "take a look at this", "kill 4242",
        "kill it", "why?", "how are things?", "status of web-1", "approve it",
        "incidents today", "statsu", "again please", "escalate it",
        "lock contention in postgres: why is it slow", "unlock - who may do that?",
        "lock file of apt is stuck", "lock screen", "lock", "unlock yourself",
        "unlock it", "mute the alarm", "take 1?", "again 2 please", "chart is broken",
        "cost of this outage", "help me", "restart it", "stop the deploy please",
        "start here", "stop this", "undo 12?", "runbook for this?",
        "chart of cpu of web-7 over 6h", "chart the load please",
    ],
)  # fmt: skip
def test_a_sentence_is_a_question(text: str) -> None:
    assert not is_command(text)


# --- how it is answered --------------------------------------------------------------


def test_why_is_streamed_into_the_thread_with_evidence(
    card: str, workspace: Workspace
) -> None:
    workspace.mention(STRANGER.id, "why is it slow?", thread_ts=card)
    said = told(workspace, card, "Open the card of incident 1")
    assert "Incident 1: CPU 98" in said
    assert "By rules" in said
    (status,) = workspace.calls_of("assistant.threads.setStatus")
    assert status.args["status"] == "is looking …"
    (start,) = workspace.calls_of("chat.startStream")
    assert start.args["recipient_user_id"] == STRANGER.id
    assert start.args["recipient_team_id"] == STRANGER.team_id
    assert len(workspace.calls_of("chat.stopStream")) == 1


@pytest.mark.parametrize(
    "error", ["unknown_method", "missing_scope", "plan_upgrade_required"]
)
def test_without_streaming_it_is_a_plain_message_and_learned_once(
    card: str, workspace: Workspace, error: str
) -> None:
    for method in STREAMING:
        workspace.faults.refuse(method, error, times=9)
    for words in ("why is it slow?", "who are you?"):
        workspace.mention(ALICE.id, words, thread_ts=card)
        told(workspace, card, "By rules")
        told(workspace, card, "Countersign" if "who" in words else "Incident 1")
    assert [len(workspace.calls_of(method)) for method in STREAMING] == [1, 1]


@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream"])
def test_a_stream_that_breaks_off_is_said_again_whole(
    card: str, workspace: Workspace, method: str
) -> None:
    workspace.faults.server_error(method)
    workspace.mention(ALICE.id, "who are you?", thread_ts=card)
    posted = workspace.wait_for(
        lambda: [c for c in posts(workspace) if "Countersign, the" in c], 10
    )
    assert len(posted) == 1
    assert not any(message.streaming for message in workspace.thread(card))


def test_a_rate_limit_is_no_lesson(card: str, workspace: Workspace) -> None:
    workspace.faults.rate_limit("chat.startStream")
    workspace.mention(ALICE.id, "who are you?", thread_ts=card)
    told(workspace, card, "Countersign")
    workspace.mention(ALICE.id, "why?", thread_ts=card)
    told(workspace, card, "Incident 1")
    assert len(workspace.calls_of("chat.startStream")) == 2


def test_what_was_learned_is_tried_again_after_an_hour(
    slack: WebClient, workspace: Workspace
) -> None:
    at = [0.0]
    stream = Stream(slack, monotonic=lambda: at[0])
    spoken = Spoken(channel=workspace.channel_id, thread_ts="1.1", user=ALICE.id)
    workspace.faults.refuse(STREAMING[1], "missing_scope")
    for _ in range(3):
        stream.status(spoken, "is looking")
    at[0] = LEARNED_SECONDS
    stream.status(spoken, "is looking")
    assert len(workspace.calls_of(STREAMING[1])) == 2


def test_a_figure_is_drawn_into_the_thread(
    card: str, workspace: Workspace, story: Story
) -> None:
    for seconds in range(3):
        story.history.append("memory", story.clock.wall, 40.0 + seconds, "%")
        story.clock.go(5)
    workspace.mention(ALICE.id, "show memory of web-1 for 6 h", thread_ts=card)
    (file,) = workspace.wait_for(lambda: workspace.files)
    assert file.data.startswith(b"\x89PNG")
    assert workspace.wait_for(
        lambda: [f for f in workspace.files if f.thread_ts == card], 10
    )


def test_without_points_or_upload_that_is_said(
    card: str, workspace: Workspace, story: Story
) -> None:
    story.history.append("memory", story.clock.wall, 40.0, "%")
    workspace.mention(ALICE.id, "show memory", thread_ts=card)
    told(workspace, card, "not enough points")
    story.clock.go(5)
    story.history.append("memory", story.clock.wall, 41.0, "%")
    workspace.faults.refuse("files.getUploadURLExternal", "missing_scope")
    workspace.mention(ALICE.id, "show memory", thread_ts=card)
    told(workspace, card, "Slack took no picture")


def test_top_is_a_table_without_live_mark_up(card: str, workspace: Workspace) -> None:
    workspace.mention(ALICE.id, "top processes", thread_ts=card)
    told(workspace, card, "4242")
    message = workspace.thread(card)[-1]
    kinds = [block["type"] for block in message.blocks]
    assert "rich_text" in kinds
    mrkdwn = [b for b in message.blocks if b["type"] != "rich_text"]
    assert "<!channel>" not in str(mrkdwn)


def test_the_bots_messages_tab_answers_in_its_thread(
    card: str, workspace: Workspace
) -> None:
    assert card
    done = workspace.message_bot(ALICE.id, "how are things?")
    assert done is not None
    event = done.sent["event"]
    assert "1 incident is open." in told(
        workspace, event["ts"], "By rules", event["channel"]
    )


def test_the_messages_tab_takes_the_words_of_the_command(
    card: str, workspace: Workspace
) -> None:
    assert card
    done = workspace.message_bot(ALICE.id, "status")
    assert done is not None
    event = done.sent["event"]
    workspace.wait_for(
        lambda: (
            "1 open incidents"
            in workspace.thread(event["ts"], event["channel"])[-1].text
        ),
        10,
    )


# --- who, how often, how much --------------------------------------------------------


@pytest.mark.parametrize("who", [GUEST, OUTSIDER], ids=["guest", "outsider"])
def test_strangers_get_no_answer(card: str, workspace: Workspace, who: Any) -> None:
    before = len(workspace.thread(card))
    workspace.mention(who.id, "why is it slow?", thread_ts=card)
    whispered(workspace, who.id, "full members of this workspace only")
    assert len(workspace.thread(card)) == before + 1


def test_nobody_is_answered_while_slack_verifies_nobody(
    card: str, workspace: Workspace
) -> None:
    workspace.faults.server_error("users.info", times=9)
    workspace.mention(BOB.id, "why is it slow?", thread_ts=card)
    assert "could not verify you" in whispered(
        workspace, BOB.id, "Nothing was looked up"
    )


@pytest.mark.parametrize("fault", ["retry_envelopes", "duplicate_envelopes"])
def test_a_repeated_question_is_answered_once(
    worded: str, workspace: Workspace, words: Prepared, fault: str
) -> None:
    getattr(workspace.faults, fault)()
    workspace.mention(ALICE.id, "why?", thread_ts=worded)
    told(workspace, worded, "It is the batch")
    workspace.mention(ALICE.id, "and why that?", thread_ts=worded)
    workspace.wait_for(lambda: len(words.asked) == 2)
    finished(workspace, 2)
    assert len([q for q in words.asked if q.text == "why?"]) == 1


def test_the_thread_is_remembered_and_no_other(
    worded: str, workspace: Workspace, words: Prepared
) -> None:
    workspace.mention(ALICE.id, "why?", thread_ts=worded)
    told(workspace, worded, "It is the batch")
    workspace.mention(BOB.id, "and why that?", thread_ts=worded)
    workspace.wait_for(lambda: len(words.asked) == 2)
    workspace.mention(BOB.id, "why on earth?")
    workspace.wait_for(lambda: len(words.asked) == 3)
    finished(workspace, 3)
    first, second, elsewhere = words.asked
    assert (first.incident, first.thread) == (1, ())
    assert [said.asked for said in second.thread] == ["why?"]
    assert (elsewhere.incident, elsewhere.thread) == (None, ())


def test_the_event_is_acknowledged_before_the_answer(
    worded: str, workspace: Workspace, words: Prepared
) -> None:
    words.may_go_on.clear()
    assert workspace.mention(ALICE.id, "why?", thread_ts=worded).acked
    assert workspace.click(ALICE.id, worded, "Approve").acked
    words.may_go_on.set()
    told(workspace, worded, "It is the batch")


def test_a_full_queue_says_so(
    worded: str, workspace: Workspace, words: Prepared
) -> None:
    words.may_go_on.clear()
    for _ in range(22):
        assert workspace.mention(ALICE.id, "why?", thread_ts=worded).acked
    whispered(workspace, ALICE.id, "Ask again in a minute")
    words.may_go_on.set()
    finished(workspace, 20)


def test_a_crew_of_one_takes_one_and_keeps_one_waiting() -> None:
    crew, over, began = (
        Crew("test", failed=print, hands=1, waiting=1),
        threading.Event(),
        [],
    )
    running = threading.Event()

    def job() -> None:
        began.append(1)
        running.set()
        over.wait(10)

    crew.take(job)
    assert running.wait(10)
    crew.take(job)
    with pytest.raises(Full):
        crew.take(job)
    over.set()


def test_an_error_is_answered_in_words(
    worded: str, workspace: Workspace, words: Prepared, desk: Desk
) -> None:
    words.failure = ZeroDivisionError("the secret of the house")
    workspace.mention(ALICE.id, "why?", thread_ts=worded)
    said = whispered(workspace, ALICE.id, "Something failed on my side")
    assert "secret" not in said
    errors = desk.telemetry.registry.get_sample_value(
        "countersign_errors_total", {"place": "talk"}
    )
    assert errors == 1


# --- words never act -----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["kill 4242", "please terminate the runaway", "approve it", "do it", "stop it now"],
)
def test_words_lead_to_the_card(
    card: str, workspace: Workspace, story: Story, text: str
) -> None:
    before = story.events()
    workspace.mention(ALICE.id, text, thread_ts=card)
    told(workspace, card, "Open the card of incident 1")
    assert story.events() == before
    assert {p.state for p in story.proposals()} == {State.PENDING}


def test_the_exact_command_is_shown(card: str, workspace: Workspace) -> None:
    workspace.mention(ALICE.id, "kill 999", thread_ts=card)
    told(workspace, card, "/sre kill web-1:999")


# --- text from outside ---------------------------------------------------------------

ADDRESSES = (
    "evil.example", "evil.example/x", "www.evil.example", "see (evil.example).", "EVIL.EXAMPLE:8080/x",
    "a.b-c.evil.example", "nginx.service.evil.example", "burn.py", "x.log.sh/a",
    "10.0.0.1", "10.0.0.1:8080/x", "1.2.3.4.evil.example",
)  # fmt: skip
HOSTILE = (
    "<!channel>", "<@U07ALICE001>", "<https://evil.example|card>", "[card](https://e.x)",
    "**bold** _x_ `code` ~~x~~", "# heading", "> quote", "![p](https://e.x/p.png)",
    "| a | b |", "https://evil.example", "@here", "\u202egpj.exe",
    "&lt;!channel&gt;", "----", "====", "*a* _b_", "<b>x</b>", "mailto:a@b.example",
)  # fmt: skip


@pytest.fixture
def streamed(slack: WebClient, workspace: Workspace) -> Callable[..., bool]:
    """Stream pieces to Alice; say whether they were taken."""
    stream = Stream(slack)
    spoken = Spoken(channel=workspace.channel_id, thread_ts="1.1", user=ALICE.id)
    return lambda *pieces: stream.say(spoken, ALICE.team_id, pieces, ())


@pytest.mark.parametrize("text", HOSTILE)
def test_what_may_be_mark_up_is_not_streamed(
    streamed: Callable[..., bool], workspace: Workspace, text: str
) -> None:
    assert not streamed(*answers.pieces(Answer(text=f"all is well\n{text}")))
    assert workspace.calls_of("chat.startStream") == []


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_is_not_streamed_however_it_is_split(
    streamed: Callable[..., bool], workspace: Workspace, text: str
) -> None:
    for at in range(1, len(text)):
        assert not streamed(text[:at], text[at:])
    assert workspace.calls_of("chat.startStream") == []


@pytest.mark.parametrize("pieces", [(), ("x" * 11_001,)], ids=["none", "too long"])
def test_what_slack_would_not_take_is_not_streamed(
    streamed: Callable[..., bool], pieces: tuple[str, ...]
) -> None:
    assert not streamed(*pieces)


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_in_an_answer_is_broken_and_streamed(
    streamed: Callable[..., bool], text: str
) -> None:
    pieces = answers.pieces(Answer(text=f"all is well\nsee {text}"))
    assert streamed(*pieces)
    assert text not in "".join(pieces)
    assert "".join(pieces).replace("[.]", ".").endswith(text)


@given(st.text(alphabet="ab1._-/: []()", max_size=40))
def test_no_client_finds_an_address_in_streamed_text(text: str) -> None:
    streamed = "".join(answers.pieces(Answer(text=text)))
    assert not re.search(r"[a-z0-9-]\.[a-z]{2}", streamed)


def test_a_models_mark_up_is_posted_and_dead(
    worded: str, workspace: Workspace, words: Prepared
) -> None:
    words.text = "<!channel> see [this](https://evil.example)"
    workspace.mention(ALICE.id, "why?", thread_ts=worded)
    said = told(workspace, worded, "By fake")
    assert "&lt;!channel&gt;" in said and "https[:]//evil" in said
    assert workspace.calls_of("chat.startStream") == []


@pytest.mark.parametrize("text", HOSTILE)
def test_posted_text_is_no_mark_up(text: str) -> None:
    said = str(answers.said(Answer(text=text, author=text, missing=text), "").blocks)
    for live in ("<!", "<@", "<h", "<b", "://"):
        assert live not in said


def test_plain_answers_are_streamed_as_they_are() -> None:
    text = (
        "Incident 1: CPU 98.5 % on web-1 (critical).\nE1, leaking_process; 12:00:00 UTC"
        "\nnginx.service on python3.11, e.g. version 3.11.2, as app.log says."
    )
    assert "".join(answers.pieces(Answer(text=text))) == text
    assert is_dead_markdown(text)


# --- words never act, also at the door ------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "lock contention in postgres: why is it slow",
        "unlock - who may do that?",
        "mute the alarm",
        "take 1?",
        "again 1 please",
        "restart it",
    ],
)
def test_no_sentence_changes_a_row_at_the_door(
    workspace: Workspace, story: Story, card: str, words: str
) -> None:
    before = story.events()
    workspace.mention(ALICE.id, words, thread_ts=card)
    told(workspace, card, "")
    assert story.events() == before
