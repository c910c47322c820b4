"""Breaking the glass over a real connection: the button, the dialog, who is told."""

import pytest

from bot.database import Database
from bot.policy_section import Policy
from handlers.blocks.dialogs import break_glass
from handlers.blocks.home import home
from handlers.channel import Channel
from handlers.desk import Desk
from handlers.poster import Poster
from handlers.workspace import Workspace
from handlers.workspace.limits import check_view
from handlers.workspace.people import ALICE, BOB
from remediation.proposal import State
from tests.fakes.slack import whispered
from tests.fakes.story import Story
from tests.fakes.things import incident, proposal

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
    return home(board, person=ALICE.id, is_approver=True, configuration={})


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
    assert "the glass was broken once" in str(home_of(story))
    assert line.endswith(f"<@{ALICE.id}> <@{BOB.id}> <!subteam^S07ONCALL01>")


def test_it_needs_a_reason(
    card: str, workspace: Workspace, story: Story, poster: Poster
) -> None:
    view = dialog(workspace, ALICE.id, card, poster)
    workspace.submit_view(ALICE.id, view, {"why": "because"})
    assert story.proposals()[0].state is State.PENDING
    assert workspace.views(ALICE.id), "the dialog stays, with what was wrong"


def test_others_are_refused_in_the_dialog(
    card: str, workspace: Workspace, story: Story, poster: Poster
) -> None:
    view = dialog(workspace, BOB.id, card, poster)
    workspace.submit_view(BOB.id, view, {"why": "nobody else is awake"})
    (found,) = story.proposals()[:1]
    assert (found.state, found.voters) == (State.PENDING, (BOB.id,))


def test_a_button_of_another_card_opens_nothing(
    card: str, workspace: Workspace, poster: Poster
) -> None:
    workspace.click(ALICE.id, card, "Approve")
    poster.step()
    other = "web-1~abc123~0000000000000000"
    workspace.click(ALICE.id, card, "Break glass", value=other)
    assert "not known here" in whispered(workspace, ALICE.id)
    assert workspace.views(ALICE.id) == []


def test_its_dialog_is_taken_by_slack() -> None:
    check_view(break_glass(incident(), proposal(needed=2)))
