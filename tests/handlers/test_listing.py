"""What Simulate of a cleaning shows: each file, or exactly how many are not shown."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from slack_sdk import WebClient

from bot.config.policy import Policy
from bot.storage.database import Database
from handlers.blocks import answers
from handlers.blocks.listing import listing
from handlers.blocks.markup import MESSAGE_LIMIT, Message, characters
from handlers.channel import Channel
from handlers.desk import Desk
from handlers.poster import Poster
from handlers.reply import Reply
from handlers.workspace import Workspace
from handlers.workspace.limits import check_message
from handlers.workspace.people import ALICE
from remediation.action import CleanFiles
from tests.bot.host.test_disk import _listed, here
from tests.fakes.slack import whispered
from tests.fakes.story import Story
from tests.remediation.acts.litter import old


@pytest.fixture
def story(database: Database, tmp_path: Path) -> Story:
    """A disk that is full of old logs."""
    cleaning = {"folders": [_listed(tmp_path, "app")], "untouched": "0s"}
    fields = {"cooldown": timedelta(0), "cleaning": cleaning}
    return Story(database, policy=Policy.model_validate(fields))


def filled(story: Story, folder: Path, count: int) -> CleanFiles:
    for number in range(count):
        old(folder / "app" / f"service-web-2026-{number:04}.log.gz", 1000 + number)
    mount = here(folder)
    about = {"detector": "filesystem", "subject": mount, "label": f"Disk {mount}"}
    story.opens(**about, mount=mount, culprits=())
    action = story.proposals()[0].action
    assert isinstance(action, CleanFiles)
    return action


def names_in(blocks: Sequence[object], action: CleanFiles) -> int:
    return sum(file.path in str(blocks) for file in action.files)


def test_every_file_is_named_where_they_fit(story: Story, tmp_path: Path) -> None:
    action = filled(story, tmp_path, 200)
    drawn = answers.simulation(story.simulate.rehearse(story.proposals()[0].id))
    assert names_in(drawn.blocks, action) == 200
    assert "not shown" not in str(drawn.blocks)
    assert drawn.whole == ""


def test_how_many_are_not_shown_is_said_exactly(story: Story, tmp_path: Path) -> None:
    action = filled(story, tmp_path, 500)
    drawn = answers.simulation(story.simulate.rehearse(story.proposals()[0].id))
    shown = names_in(drawn.blocks, action)
    print(
        f"Simulate of 500 files: {shown} shown, {characters(drawn.blocks)} characters"
    )
    assert shown > 250
    assert f"{500 - shown} of 500 are not shown here" in str(drawn.blocks)
    assert names_in([drawn.whole], action) == 500
    assert characters(drawn.blocks) <= MESSAGE_LIMIT
    check_message(drawn.text, list(drawn.blocks))


def test_a_line_is_shown_whole_or_not_at_all() -> None:
    lines = ["a" * 2000, "b" * 2000, "c" * 2000]
    blocks, shown = listing(lines, 5000)
    assert (len(blocks), shown) == (2, 2)
    assert [characters(block) for block in blocks] == [2000, 2000]
    assert listing(lines, 1000) == ([], 0)
    assert listing([], 1000) == ([], 0)


def test_the_whole_list_lies_in_the_thread_of_the_card(
    story: Story,
    tmp_path: Path,
    connected: Desk,
    quick: Channel,
    workspace: Workspace,
) -> None:
    filled(story, tmp_path, 500)
    Poster(
        channel=quick,
        record=story.record,
        pictures=story.pictures,
        critical=(),
        everybody=(),
        telemetry=connected.telemetry,
    ).step()
    workspace.wait_connected()
    card = workspace.posts()[0].ts
    workspace.click(ALICE.id, card, "Simulate")
    assert whispered(workspace, ALICE.id, "The whole list is a file")
    (stored,) = (file for file in workspace.files if file.name == "list.txt")
    assert stored.thread_ts == card
    lines = stored.data.decode().splitlines()
    assert len(lines) == 500
    assert lines[0] == "  1.5 KB  service-web-2026-0499.log.gz"


def test_a_list_without_a_card_says_where_it_can_be_had(
    slack: WebClient, quick: Channel, workspace: Workspace
) -> None:
    message = Message(text="x", blocks=(), whole="a\nb")
    body = {"channel_id": workspace.channel_id, "user_id": ALICE.id}
    Reply(slack, workspace.api_url, quick)(body, message)
    said = workspace.ephemerals(ALICE.id)[-1].all_text()
    assert "Simulate on the card puts the whole list into its thread." in said
    assert workspace.files == []


def test_a_file_that_slack_does_not_take_is_said(
    slack: WebClient, quick: Channel, workspace: Workspace
) -> None:
    message = Message(text="x", blocks=(), whole="a\nb")
    place = {"channel_id": "C0NOWHERE", "message_ts": "1.000001"}
    body = {
        "channel": {"id": workspace.channel_id},
        "user": {"id": ALICE.id},
        "container": place,
    }
    Reply(slack, workspace.api_url, quick)(body, message)
    said = workspace.ephemerals(ALICE.id)[-1].all_text()
    assert "The whole list could not be uploaded" in said
