"""The row of a closed card, over a real connection, with Bolt in between."""

from pathlib import Path

import pytest

from bot.lore import Feedback
from bot.storage import store
from handlers.blocks.buttons import feedback_row
from handlers.blocks.markup import Message, section
from handlers.channel import Channel
from handlers.desk import Desk
from handlers.poster import Poster
from handlers.workspace import Workspace
from handlers.workspace.people import ALICE, BOB, GUEST, STRANGER
from tests.fakes.slack import whispered
from tests.fakes.story import Story


def posted(workspace: Workspace, story: Story, quick: Channel) -> str:
    """Post incident 1's closed card with its row; return its ts."""
    row = feedback_row(story.incident(), story.proposals())
    assert row is not None
    ts = quick.post(Message(text="closed", blocks=(section("closed"), row)))
    with story.database.write() as tx:
        store.unposted(tx, workspace.channel_id)
        store.posted(tx, 1, ts=ts)
    return ts


@pytest.fixture
def card(connected: Desk, quick: Channel, workspace: Workspace, story: Story) -> str:
    assert connected.feedback
    story.ends()
    workspace.wait_connected()
    return posted(workspace, story, quick)


def opened(workspace: Workspace, who: str, card: str, button: str) -> str:
    workspace.click(who, card, button)
    return workspace.wait_for(lambda: workspace.views(who), 10)[-1].id


def test_two_clicks_say_how_it_was(
    card: str, workspace: Workspace, story: Story
) -> None:
    assert workspace.click(BOB.id, card, "Right cause").acked
    assert workspace.click(ALICE.id, card, "It did not help").acked
    assert story.incident().feedback == Feedback(
        by=BOB.id, is_right=True, helped=False, helped_by=ALICE.id
    )
    assert story.events(1)[-2:] == ["feedback.given", "feedback.given"]


def test_who_may_not_approve_hears_that_it_is_only_noted(
    card: str, workspace: Workspace, story: Story
) -> None:
    assert workspace.click(STRANGER.id, card, "Right cause").acked
    assert whispered(workspace, STRANGER.id, "Noted in the thread")
    view = opened(workspace, STRANGER.id, card, "Wrong cause")
    workspace.submit_view(STRANGER.id, view, {"cause": "aliens"})
    assert "Noted in the thread" in str(workspace.views(STRANGER.id)[-1].blocks)
    assert story.incident().feedback is None
    assert story.events(1)[-2:] == ["feedback.given", "feedback.given"]


def test_a_second_click_says_that_it_was_said(
    card: str, workspace: Workspace, story: Story
) -> None:
    workspace.click(ALICE.id, card, "It helped")
    workspace.click(BOB.id, card, "It helped")
    assert f"that was said already (by <@{ALICE.id}>)" in whispered(workspace, BOB.id)
    assert story.events(1).count("feedback.given") == 1


def test_who_cannot_be_verified_says_nothing(
    card: str, workspace: Workspace, story: Story
) -> None:
    workspace.click(GUEST.id, card, "Right cause")
    assert whispered(workspace, GUEST.id, "guests")
    assert story.incident().feedback is None


def test_a_cause_is_corrected_in_a_dialog(
    card: str, workspace: Workspace, story: Story
) -> None:
    view = opened(workspace, BOB.id, card, "Wrong cause")
    assert workspace.submit_view(BOB.id, view, {"cause": "<!channel> batch"}).acked
    assert story.incident().feedback == Feedback(
        by=BOB.id, cause="<!channel> batch", is_right=False
    )
    assert workspace.views(BOB.id) == []


def test_a_cause_may_be_wrong_without_a_better_one(
    card: str, workspace: Workspace, story: Story
) -> None:
    view = opened(workspace, BOB.id, card, "Wrong cause")
    assert workspace.submit_view(BOB.id, view, {}).acked
    said = story.incident().feedback
    assert said is not None
    assert (said.is_right, said.cause) == (False, "")


def test_the_dialog_stays_and_says_what_was_wrong(
    card: str, workspace: Workspace, story: Story
) -> None:
    for _ in range(2):
        view = opened(workspace, BOB.id, card, "Wrong cause")
        workspace.submit_view(BOB.id, view, {"cause": "the batch"})
    assert len(workspace.views(BOB.id)) == 1
    assert story.events(1).count("feedback.given") == 1


def test_a_dialog_that_names_nothing_is_refused(
    card: str, workspace: Workspace, desk: Desk
) -> None:
    assert card
    from handlers.modals import _number
    from remediation.ledger.decision import NotDecided

    for odd in ("", "x", "-1", "1" * 30, "²", "99"):
        with pytest.raises(NotDecided):
            _number(desk, {"private_metadata": odd})
    assert workspace.views(BOB.id) == []


def test_a_button_on_another_message_says_nothing(
    card: str, workspace: Workspace, story: Story, quick: Channel
) -> None:
    row = feedback_row(story.incident())
    assert card
    assert row is not None
    copy = quick.post(Message(text="copy", blocks=(row,)))
    workspace.click(ALICE.id, copy, "Right cause")
    assert whispered(workspace, ALICE.id, "does not stand on the card")
    assert story.incident().feedback is None


def test_a_dialog_that_cannot_be_opened_is_explained(
    card: str, workspace: Workspace
) -> None:
    workspace.faults.refuse("views.open", "expired_trigger_id")
    workspace.click(ALICE.id, card, "Wrong cause")
    assert whispered(workspace, ALICE.id, "could not be opened (expired")


def test_a_resolution_becomes_a_runbook_draft(
    card: str, workspace: Workspace, story: Story, runbooks: Path
) -> None:
    view = opened(workspace, ALICE.id, card, "Save as runbook draft")
    workspace.submit_view(ALICE.id, view, {"title": "Batch eats the CPU"})
    assert "saved as batch_eats_the_cpu.md" in str(workspace.views(ALICE.id)[-1].blocks)
    text = (runbooks / "batch_eats_the_cpu.md").read_text()
    assert "title: Batch eats the CPU" in text
    assert "approved 1a" in text
    assert story.events(1)[-1] == "runbook.drafted"


def test_only_approvers_get_that_dialog(
    card: str, workspace: Workspace, runbooks: Path
) -> None:
    workspace.click(STRANGER.id, card, "Save as runbook draft")
    said = whispered(workspace, STRANGER.id)
    assert "only approvers may save a runbook" in said
    assert f"<@{ALICE.id}>" in said
    assert workspace.views(STRANGER.id) == []
    assert list(runbooks.iterdir()) == []


def test_a_draft_that_cannot_be_written_says_so_in_the_dialog(
    card: str, workspace: Workspace, story: Story, runbooks: Path
) -> None:
    view = opened(workspace, ALICE.id, card, "Save as runbook draft")
    runbooks.rmdir()
    runbooks.write_text("in the way")
    workspace.submit_view(ALICE.id, view, {"title": "T"})
    assert workspace.views(ALICE.id)[-1].id == view
    assert "runbook.drafted" not in story.events(1)


def test_the_poster_tells_each_word_in_the_thread(
    card: str, workspace: Workspace, story: Story, quick: Channel, desk: Desk
) -> None:
    workspace.click(ALICE.id, card, "Right cause")
    poster = Poster(
        channel=quick,
        record=story.record,
        pictures=story.pictures,
        critical=(),
        everybody=(),
        telemetry=desk.telemetry,
    )
    poster.step()
    told = [line.all_text() for line in workspace.thread(card)]
    line = f"<@{ALICE.id}> says that the cause is right"
    assert len([text for text in told if line in text]) == 1
