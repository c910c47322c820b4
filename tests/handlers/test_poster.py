"""The thread is a projection: whatever Slack does, the difference is closed in order."""

import threading
import time
from datetime import timedelta

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.model import Level
from bot.quiet import unpaged
from bot.quiet.unpaged import Why
from bot.runtime.telemetry import Telemetry
from bot.storage import store
from bot.storage.database import NotLeading
from handlers.blocks.card import card_id
from handlers.blocks.thread import CALLS_EVERYBODY, WAKES
from handlers.channel import Channel, Pace
from handlers.poster import Poster
from handlers.workspace import Workspace
from handlers.workspace.message import Message
from handlers.workspace.people import ALICE
from remediation.ledger.audit import Event, append, current, read
from remediation.rules.drilled import DRILL
from tests.fakes.story import ALICE as APPROVER
from tests.fakes.story import CHEN, Story


@pytest.fixture
def poster(quick: Channel, story: Story) -> Poster:
    return Poster(
        channel=quick,
        record=story.record,
        pictures=story.pictures,
        critical=(ALICE.id,),
        everybody=(ALICE.id,),
        telemetry=Telemetry(),
    )


def lines(workspace: Workspace) -> list[str]:
    return [m.text for m in workspace.messages() if m.is_reply]


def only_card(workspace: Workspace) -> Message:
    (card,) = workspace.posts()
    return card


def test_a_new_incident_becomes_a_card(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    poster.step()
    card = only_card(workspace)
    assert card.button_texts() == ["Approve", "Reject", "Simulate", "Take"]
    assert card.text.startswith(f"<@{ALICE.id}> Critical: CPU 98 % on web-1")


def test_events_become_lines_in_their_order(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    story.own.take(1, CHEN)
    story.own.lock("odd", CHEN)
    poster.step()
    assert [line.split("> ")[1] for line in lines(workspace)] == [
        "took this",
        "locked Countersign: odd",
    ]


def test_nothing_new_calls_nobody(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    poster.step()
    before = len(workspace.calls)
    poster.step()
    assert len(workspace.calls) == before


def test_a_change_edits_the_card_in_place(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    poster.step()
    story.decide.reject(story.incident().offered or "", APPROVER, None)
    poster.step()
    assert "Reject" not in only_card(workspace).button_texts()
    assert len(workspace.calls_of("chat.update")) == 1


def test_cards_go_before_a_long_thread(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    for _ in range(4):
        story.own.take(1, CHEN)
    story.sees(story.found(detector="memory", culprits=()))
    poster.step()
    methods = [c.args.get("thread_ts") for c in workspace.calls_of("chat.postMessage")]
    assert methods[:2] == [None, None]


def test_messages_are_sent_a_second_apart(
    slack: WebClient,
    workspace: Workspace,
    story: Story,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[float] = []
    call = slack.api_call

    def noted(method: str, **arguments: object) -> SlackResponse:
        if method == "chat.postMessage":
            sent.append(time.monotonic())
        return call(method, **arguments)  # type: ignore[arg-type]

    # As they leave: how long one is on its way is the network's.
    monkeypatch.setattr(slack, "api_call", noted)
    real = Poster(
        channel=Channel(
            client=slack, channel_id=workspace.channel_id, telemetry=Telemetry()
        ),
        record=story.record,
        pictures=story.pictures,
        critical=(),
        everybody=(),
        telemetry=Telemetry(),
    )
    story.opens()
    story.own.take(1, CHEN)
    real.step()
    assert len(workspace.calls_of("chat.postMessage")) == 2
    assert sent[1] - sent[0] >= 1.0


def test_a_stop_waits_for_no_slot() -> None:
    pace = Pace(60.0)
    with pace.turn():
        pass
    threading.Timer(0.1, pace.stopping.set).start()
    begun = time.monotonic()
    with pace.turn():
        pass
    assert time.monotonic() - begun < 30


# --- when slack fails ----------------------------------------------------------------


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
def test_a_rate_limit_delays_and_loses_nothing(
    poster: Poster, workspace: Workspace, story: Story, method: str
) -> None:
    story.opens()
    if method == "chat.update":
        poster.step()
    story.own.take(1, CHEN)
    workspace.faults.rate_limit(method, retry_after_seconds=0)
    poster.step()
    assert len(workspace.posts()) == 1
    assert len(lines(workspace)) == 1
    assert f"<@{CHEN.id}>" in only_card(workspace).all_text()


def test_an_outage_is_caught_up_with(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    workspace.faults.server_error("chat.postMessage", times=2, status=503)
    poster.step()
    assert len(workspace.posts()) == 1


def test_a_card_whose_answer_was_lost_is_found_again(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    workspace.faults.cut_after("chat.postMessage")
    poster.step()
    card = only_card(workspace)
    assert card.blocks[-1]["block_id"] == card_id(story.incident())
    with story.database.read() as tx:
        posting = store.posting(tx, 1)
    assert posting is not None
    assert (posting.ts, posting.doubtful) == (card.ts, False)


def test_a_card_that_was_found_again_shows_what_happened_meanwhile(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    workspace.faults.cut_after("chat.postMessage")
    poster._pass()
    assert "Approve" in only_card(workspace).button_texts()

    story.decide.reject(story.incident().offered or "", APPROVER, None)
    poster.step()

    assert "Approve" not in only_card(workspace).button_texts()


def test_a_line_whose_answer_was_lost_is_found_again(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    poster.step()
    story.own.take(1, CHEN)
    workspace.faults.cut_after("chat.postMessage")
    poster.step()
    assert len(lines(workspace)) == 1


def test_where_slack_cannot_say_the_card_is_doubtful(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    workspace.faults.cut_after("chat.postMessage")
    workspace.faults.refuse("conversations.history", "missing_scope")
    poster.step()
    with story.database.read() as tx:
        posting = store.posting(tx, 1)
    assert posting is not None
    assert posting.doubtful
    assert len(workspace.posts()) == 2


def test_a_deleted_card_stops_no_line(
    poster: Poster, workspace: Workspace, story: Story, slack: WebClient
) -> None:
    story.opens()
    poster.step()
    card = only_card(workspace)
    slack.chat_delete(channel=workspace.channel_id, ts=card.ts)
    story.own.take(1, CHEN)
    poster.step()
    assert len(lines(workspace)) == 1


def test_what_comes_back_to_a_deleted_card_gets_one_again(
    poster: Poster, workspace: Workspace, story: Story, slack: WebClient
) -> None:
    story.opens()
    poster.step()
    story.sees(story.well())
    poster.step()
    slack.chat_delete(channel=workspace.channel_id, ts=only_card(workspace).ts)
    story.clock.go(600)
    story.sees(story.found())
    for _ in range(3):
        poster.step()

    card = only_card(workspace)
    assert card.button_texts()[0] == "Approve"


def test_refused_blocks_fall_back_to_text(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    workspace.faults.refuse("chat.postMessage", "invalid_blocks")
    poster.step()
    card = only_card(workspace)
    (block,) = card.blocks
    assert "Approve or reject 1a" in card.text
    # Verbatim: Slack looks for no links in it.
    assert block["text"] == {"type": "mrkdwn", "text": card.text, "verbatim": True}


def test_an_edit_whose_blocks_are_refused_falls_back_to_text(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    poster.step()
    story.own.take(1, CHEN)
    workspace.faults.refuse("chat.update", "msg_blocks_too_long")
    poster.step()
    (block,) = only_card(workspace).blocks
    assert block["text"]["verbatim"] is True


def test_a_line_that_is_refused_for_good_holds_up_no_other(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    poster.step()
    story.own.take(1, CHEN)
    story.own.lock("odd", CHEN)
    workspace.faults.refuse("chat.postMessage", "msg_too_long")
    poster.step()
    assert [line.split("> ")[1] for line in lines(workspace)] == [
        "locked Countersign: odd"
    ]


def test_what_an_admin_forbids_for_a_while_loses_no_line(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    poster.step()
    story.own.take(1, CHEN)
    workspace.faults.refuse("chat.postMessage", "restricted_action")
    assert not poster.step()
    assert "permit the app to post" in poster.shut
    assert lines(workspace) == []
    poster.step()
    assert poster.shut == ""
    assert len(lines(workspace)) == 1


def test_a_channel_without_the_bot_is_counted_and_tried_again(
    poster: Poster,
    workspace: Workspace,
    story: Story,
    caplog: pytest.LogCaptureFixture,
) -> None:
    story.opens()
    workspace.set_members(ALICE.id)
    poster.step()
    (said,) = (one for one in caplog.records if one.name == "handlers.poster")
    assert "not_in_channel nothing is posted: invite the bot" in said.message
    assert said.exc_info is None
    errors = {"place": "poster"}
    counted = poster._telemetry.registry.get_sample_value(
        "countersign_errors_total", errors
    )
    assert counted == 1
    workspace.set_members(ALICE.id, workspace.bot_user_id)
    poster.step()
    assert len(workspace.posts()) == 1


def test_a_chart_is_posted_into_the_thread(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    _measured(story)
    story.opens()
    poster.step()
    assert workspace.files[0].thread_ts == only_card(workspace).ts


def test_a_chart_whose_answer_was_lost_is_not_sent_again(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    _measured(story)
    story.opens()
    poster.step()
    with story.database.write() as tx:
        due = next(e.seq for e in read(tx, incident=1) if e.event.kind == "chart.due")
        store.posted(tx, 1, seq=due - 1, attempting=due)
    poster.step()
    assert [file.name for file in workspace.files] == [f"incident-1-{due}.png"]


def test_who_leads_no_more_posts_and_edits_nothing(
    poster: Poster, slack: WebClient, workspace: Workspace, story: Story
) -> None:
    def passed() -> None:
        raise NotLeading

    story.opens()
    late = Channel(
        client=slack,
        channel_id=workspace.channel_id,
        telemetry=Telemetry(),
        pace_seconds=0.0,
        confirm=passed,
    )
    deposed = Poster(
        channel=late,
        record=story.record,
        pictures=story.pictures,
        critical=(),
        everybody=(),
        telemetry=Telemetry(),
    )
    with pytest.raises(NotLeading):
        deposed.step()
    assert workspace.posts() == []
    poster.step()
    story.own.take(1, CHEN)
    with pytest.raises(NotLeading):
        deposed.step()
    assert workspace.calls_of("chat.update") == []


def test_a_server_without_files_gets_no_chart_and_all_lines(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    _measured(story)
    story.opens()
    story.own.take(1, CHEN)
    workspace.faults.refuse("files.getUploadURLExternal", "unknown_method")
    poster.step()
    assert workspace.files == []
    assert len(lines(workspace)) == 1


def _measured(story: Story) -> None:
    for value in (90.0, 98.0):
        story.history.append("cpu", story.clock.wall, value, "%")
        story.clock.go(5)


def test_without_a_permalink_the_card_stands(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    workspace.faults.server_error("chat.getPermalink")
    poster.step()
    assert len(workspace.posts()) == 1


# --- who is called -------------------------------------------------------------------


def test_what_got_worse_calls_the_people_on_call(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    story.own.escalate(1, CHEN)
    poster.step()
    assert lines(workspace)[0].endswith(f"<@{ALICE.id}>")


def test_an_owner_is_called_instead(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.opens()
    story.own.take(1, CHEN)
    story.own.escalate(1, CHEN)
    poster.step()
    assert lines(workspace)[1].endswith(f"escalated this <@{CHEN.id}>")


# --- the ledger's head ---------------------------------------------------------------


@pytest.mark.parametrize("level", [Level.CRITICAL, Level.WARNING])
def test_what_comes_back_wakes_whom_it_woke_before(
    poster: Poster, workspace: Workspace, story: Story, level: Level
) -> None:
    story.opens(level=level)
    poster.step()
    story.sees(story.well())
    story.clock.go(600)
    story.sees(story.found(level=level))
    poster.step()

    (told,) = [line for line in lines(workspace) if "It is back" in line]
    assert (f"<@{ALICE.id}>" in told) is (level is Level.CRITICAL)
    assert only_card(workspace).button_texts()[0] == "Approve"


def test_the_head_is_told_once_a_day_and_only_with_news(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    day = story.clock.wall.date()
    poster.tell_head(day)
    quiet = len(workspace.posts())
    story.own.lock("odd", CHEN)
    for later in (day, day, day.replace(day=2)):
        poster.tell_head(later)
    with story.database.read() as tx:
        head = current(tx)
        assert read(tx)[-1].hash == head.hash
    assert quiet == 0
    assert [m.text for m in workspace.posts()] == [
        f"Ledger head {head.seq}:{head.hash}"
    ]


def test_the_digest_is_told_once_a_day_and_forgotten(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    day = story.clock.wall.date()
    poster.tell_digest(day - timedelta(days=1))
    assert workspace.posts() == []
    story.unpaged.add(story.found(label="CPU *of* <!here>"), Why.BRIEF)
    story.unpaged.add(story.found(label="Memory"), Why.EXPECTED, "uses 3 of 4 cores")
    story.unpaged.keep()
    workspace.faults.server_error("chat.postMessage")
    for _ in range(3):
        poster.tell_digest(day)
    (told,) = workspace.posts()
    assert "Memory on web-1, once, expected: uses 3 of 4 cores" in told.all_text()
    assert "<!here>" not in told.all_text()
    with story.database.read() as tx:
        assert unpaged.all_of(tx) == ()


def test_what_comes_after_the_digest_waits_for_the_next_day(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    day = story.clock.wall.date()
    poster.tell_digest(day)
    story.unpaged.add(story.found(), Why.BRIEF)
    story.unpaged.keep()
    poster.tell_digest(day)
    assert workspace.posts() == []
    poster.tell_digest(day + timedelta(days=1))
    assert len(workspace.posts()) == 1


def test_a_head_that_slack_does_not_take_is_told_later(
    poster: Poster, workspace: Workspace, story: Story
) -> None:
    story.own.lock("odd", CHEN)
    workspace.faults.server_error("chat.postMessage")
    before = head_told(poster)
    poster.tell_head(story.clock.wall.date())
    assert head_told(poster) == before
    poster.tell_head(story.clock.wall.date())
    assert len(workspace.posts()) == 1
    assert head_told(poster) > before


def head_told(poster: Poster) -> float:
    name = "countersign_head_told_timestamp_seconds"
    found = poster._telemetry.registry.get_sample_value(name)
    assert found is not None
    return found


def test_what_is_purged_meanwhile_has_nothing_to_post(
    poster: Poster, workspace: Workspace, story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    story.opens()
    with story.database.write() as tx:
        behind = store.unposted(tx, workspace.channel_id)
        store.drop(tx, [1])
    for close in (poster._card, poster._line_of):
        assert poster._each(behind, close) == behind
    poster.step()
    assert workspace.posts() == []
    assert "work.failed" not in caplog.text


@pytest.mark.parametrize("kind", sorted(WAKES | CALLS_EVERYBODY))
def test_a_drill_calls_nobody_whatever_happens_in_it(
    poster: Poster, workspace: Workspace, story: Story, kind: str
) -> None:
    story.opens(detector=DRILL)
    with story.database.write() as tx:
        event = Event(kind=kind, text="so it went", at=story.clock.wall, incident=1)
        append(tx, event)
    poster.step()
    assert "<@" not in only_card(workspace).text
    assert "so it went" in lines(workspace)[-1]
    assert "<@" not in lines(workspace)[-1]
