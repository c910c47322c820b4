"""A workspace of the tests' own, and a story that is told in it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_sdk import WebClient

from bot.config.policy import Approvers
from bot.config.report import ReportSection
from bot.config.settings import Settings
from bot.converse.asked import Sources
from bot.converse.converse import Converse
from bot.learning.drafts import Drafts
from bot.learning.feedback import Feedbacks
from bot.learning.postmortems import Postmortems
from bot.llm.spending import Purse
from bot.model import EvidenceItem, Table
from bot.oncall.handover import Handover
from bot.report.reports import Reports
from bot.runbooks.shelf import Shelf
from bot.runtime.telemetry import Telemetry
from bot.storage.database import Database
from handlers.app import build
from handlers.channel import Channel
from handlers.client import client
from handlers.desk import Desk
from handlers.guard import Guard
from handlers.poster import Poster
from handlers.reply import Reply
from handlers.socket import Socket
from handlers.workspace import Workspace
from handlers.workspace.people import ALICE, BOB
from memory.recollect import Memory
from tests.fakes.story import Story


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace.start() as running:
        yield running


@pytest.fixture
def slack(workspace: Workspace) -> WebClient:
    return client(workspace.bot_token, workspace.api_url, timeout=10)


@pytest.fixture
def quick(slack: WebClient, workspace: Workspace) -> Channel:
    """The incident channel without its pace of one message a second."""
    return Channel(
        client=slack,
        channel_id=workspace.channel_id,
        telemetry=Telemetry(),
        pace_seconds=0.0,
    )


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)


@pytest.fixture
def runbooks(tmp_path: Path) -> Path:
    """The one runbook folder, which is empty."""
    folder = tmp_path / "runbooks"
    folder.mkdir()
    return folder


@pytest.fixture
def desk(
    slack: WebClient,
    quick: Channel,
    workspace: Workspace,
    story: Story,
    runbooks: Path,
) -> Desk:
    """Everything that listeners work with; Alice and Bob approve."""
    record, poster = story.record, story.poster
    return Desk(
        host="web-1",
        channel=workspace.channel_id,
        command="/sre",
        configuration={"Host": "web-1"},
        guard=Guard(slack, Approvers(users=(ALICE.id, BOB.id))),
        reply=Reply(slack, workspace.api_url, quick),
        decide=story.decide,
        ask=story.ask,
        drill=story.drill,
        own=story.own,
        silence=story.silence,
        handover=Handover(record=story.record, poster=story.poster),
        simulate=story.simulate,
        status=story.status,
        plots=story.plots,
        database=story.database,
        ledger=story.ledger,
        telemetry=Telemetry(),
        feedback=Feedbacks(record=record, poster=poster),
        drafts=Drafts(record=record, folder=runbooks, poster=poster),
        postmortems=Postmortems(record=record, state_dir=runbooks.parent),
        reports=Reports(record=record, section=ReportSection()),
        purse=Purse(record=record, model="", per_day=5.0),
        shelf=Shelf((runbooks,), None),
        converse=Converse(_sources(story, runbooks)),
    )


def _sources(story: Story, runbooks: Path) -> Sources:
    """What questions are answered from, by rules."""
    table = Table(columns=("PID", "Program"), rows=(("4242", "burn.py"),))
    return Sources(
        settings=Settings.model_validate({"host": "web-1"}),
        record=story.record,
        status=story.status,
        memory=Memory(story.database, None, None),
        shelf=Shelf([runbooks], None),
        plots=story.plots,
        reports=Reports(record=story.record, section=ReportSection()),
        processes=lambda: (EvidenceItem(id="", title="Top by CPU", table=table),),
    )


@pytest.fixture
def connected(desk: Desk, slack: WebClient, workspace: Workspace) -> Iterator[Desk]:
    """The desk, with the app behind it connected by Socket Mode."""
    socket = Socket(build(slack, desk, signing_secret=None), slack, workspace.app_token)
    socket.start()
    yield desk
    runner = socket._handler.client.current_session_runner
    socket._handler.client.auto_reconnect_enabled = False
    runner.event.set()
    workspace.disconnect(hard=True)
    runner.thread.join(5)
    # `close` waits ten seconds for a reader that has gone already.
    threading.Thread(target=socket.stop, daemon=True).start()


@pytest.fixture
def card(connected: Desk, quick: Channel, workspace: Workspace, story: Story) -> str:
    """The ts of an incident's card, with the app connected."""
    story.opens()
    Poster(
        channel=quick,
        record=story.record,
        pictures=story.pictures,
        critical=(),
        everybody=(),
        telemetry=connected.telemetry,
    ).step()
    workspace.wait_connected()
    return workspace.posts()[0].ts
