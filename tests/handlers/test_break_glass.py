"""Breaking the glass over a real connection: the button, the dialog, who is told."""

import re

import pytest

from bot.config.policy import Policy
from bot.config.report import ReportSection
from bot.report.reports import Reports
from bot.storage.database import Database
from handlers.blocks.dialogs import break_glass
from handlers.blocks.home import home
from handlers.blocks.thread import line
from handlers.channel import Channel
from handlers.desk import Desk
from handlers.poster import Poster
from handlers.workspace import Workspace
from handlers.workspace.limits import check_view
from handlers.workspace.people import ALICE, BOB
from remediation.ledger.audit import Event, Sealed
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import State
from tests.fakes.clock import START
from tests.fakes.slack import whispered
from tests.fakes.story import ALICE as A
from tests.fakes.story import BOB as B
from tests.fakes.story import Story
from tests.fakes.things import culprit, incident, process, proposal

TWO = {"approvals": 2, "break_glass": {"users": [ALICE.id]}, "cooldown": "0s"}


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database, policy=Policy.model_validate(TWO))


@pytest.fixture
def poster(connected: Desk, quick: Channel, story: Story) -> Poster:
    return Poster(
        channel=quick,
        record=story.record,
        pictures=story.pictures,
        critical=(),
        everybody=(ALICE.id, BOB.id, "S07ONCALL01"),
        telemetry=connected.telemetry,
    )


def home_of(story: Story) -> dict[str, object]:
    board = story.status.board()
    week = Reports(record=story.record, section=ReportSection()).week()
    return home(board, week, person=ALICE.id, is_approver=True, configuration={})


def dialog(workspace: Workspace, who: str, card: str, poster: Poster) -> str:
    """The id of the dialog that the button opens, once one person has approved."""
    assert "Break glass" not in workspace.posts()[0].button_texts()
    workspace.click(who, card, "Approve")
    poster.step()
    workspace.click(who, card, "Break glass")
    return workspace.wait_for(lambda: workspace.views(who), 10)[-1].id


def test_one_who_may_approves_alone_and_everybody_is_told(
    card: str, workspace: Workspace, story: Story, poster: Poster
) -> None:
    view = dialog(workspace, ALICE.id, card, poster)
    assert story.proposals()[0].state is State.PENDING
    assert workspace.submit_view(ALICE.id, view, {"why": "nobody else is awake"}).acked
    assert story.proposals()[0].state is State.APPROVED
    poster.step()
    (line,) = [m.text for m in workspace.messages() if "broke the glass" in m.text]
    assert "Reason: nobody else is awake" in line
    assert "the glass was broken" in str(workspace.posts()[0].blocks)
    assert "*Glass broken* once" in str(home_of(story))
    assert line.endswith(f"<@{ALICE.id}> <@{BOB.id}> <!subteam^S07ONCALL01>")


def test_it_needs_a_reason(
    card: str, workspace: Workspace, story: Story, poster: Poster
) -> None:
    view = dialog(workspace, ALICE.id, card, poster)
    workspace.submit_view(ALICE.id, view, {"why": "because"})
    assert story.proposals()[0].state is State.PENDING
    assert workspace.views(ALICE.id), "the dialog stays, with what was wrong"


def test_others_are_told_at_the_button(
    card: str, workspace: Workspace, story: Story, poster: Poster
) -> None:
    workspace.click(BOB.id, card, "Approve")
    poster.step()
    workspace.click(BOB.id, card, "Break glass")
    assert "policy.break_glass" in whispered(workspace, BOB.id, "break_glass")
    assert workspace.views(BOB.id) == []
    with pytest.raises(NotDecided, match=r"policy\.break_glass"):
        story.decide.break_glass(story.incident().offered or "", B, "nobody is awake")
    (found,) = story.proposals()[:1]
    assert (found.state, found.voters) == (State.PENDING, (BOB.id,))


def test_a_button_of_another_card_opens_nothing(
    card: str, workspace: Workspace, poster: Poster
) -> None:
    workspace.click(ALICE.id, card, "Approve")
    poster.step()
    other = "web-1~abc123~0000000000000000"
    workspace.click(ALICE.id, card, "Break glass", value=other)
    assert whispered(workspace, ALICE.id, "not known here")
    assert workspace.views(ALICE.id) == []


def test_a_proposal_of_another_card_opens_nothing_either(
    card: str, workspace: Workspace, story: Story, poster: Poster
) -> None:
    story.sees(story.found(detector="memory", culprits=(culprit(77),), subject="x"))
    workspace.click(ALICE.id, card, "Approve")
    poster.step()
    story.reader.living[77] = process(77)
    story.clock.go(60)
    (other, *_) = story.ask.again(2, A)
    workspace.click(ALICE.id, card, "Break glass", value=other.id)
    assert whispered(workspace, ALICE.id, "does not stand on the card")
    assert workspace.views(ALICE.id) == []
    assert story.proposals(2)[-1].votes == ()


def test_a_secret_is_no_reason(story: Story) -> None:
    story.opens()
    with pytest.raises(NotDecided, match="say why"):
        story.decide.break_glass(
            story.incident().offered or "", A, "[redacted] [redacted]"
        )


@pytest.mark.parametrize("people", [3, 80, 200])
def test_no_reason_cuts_off_whom_the_line_calls(people: int) -> None:
    many = [f"U0PERSON{n:04d}" for n in range(people)]
    event = Event(kind="proposal.glass_broken", text="&" * 2000, at=START, incident=1)
    drawn = line(Sealed(seq=1, event=event, hash="ab" * 32), mentions=many)
    called = re.findall(r"<@(U0PERSON\d{4})>", drawn.text)
    assert called == many[:80]
    assert len(drawn.text) < 3000
    assert len(str(drawn.blocks[0]["text"]["text"])) <= 3000  # type: ignore[index]


def test_its_dialog_is_taken_by_slack() -> None:
    check_view(break_glass(incident(), proposal(needed=2)))
