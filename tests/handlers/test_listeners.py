"""Clicks, dialogs and mentions over a real connection, with Bolt in between."""

import time
from dataclasses import replace

import pytest

from bot.actions.simulate import Simulation
from bot.storage import store
from handlers.blocks.markup import Message
from handlers.channel import Channel
from handlers.desk import Desk
from handlers.workspace import Workspace
from handlers.workspace.people import ALICE, BOB, STRANGER
from remediation.ledger.proposal import State
from remediation.rules.rule import Rule
from remediation.rules.rulebook import RuleBook
from remediation.target.unit import UnitFacts
from tests.fakes.services import FakeServices, service
from tests.fakes.slack import whispered
from tests.fakes.story import Story


def counted(desk: Desk, verb: str, *, yes: bool) -> float:
    labels = {"verb": verb, "counted": str(yes).lower()}
    return (
        desk.telemetry.registry.get_sample_value("countersign_decisions_total", labels)
        or 0.0
    )


def test_a_click_is_durable_when_it_is_acknowledged(
    card: str, workspace: Workspace, story: Story, desk: Desk
) -> None:
    assert workspace.click(ALICE.id, card, "Approve").acked
    assert story.proposals()[0].state is State.APPROVED
    assert counted(desk, "approve", yes=True) == 1


def test_a_refusal_is_explained_to_the_clicker_alone(
    card: str, workspace: Workspace, story: Story, desk: Desk
) -> None:
    assert workspace.click(STRANGER.id, card, "Approve").acked
    assert whispered(workspace, STRANGER.id, "not among the approvers")
    assert story.proposals()[0].state is State.PENDING
    assert counted(desk, "approve", yes=False) == 1


def test_a_button_with_another_value_decides_nothing(
    card: str, workspace: Workspace, story: Story
) -> None:
    workspace.click(ALICE.id, card, "Approve", value="db-1~ffffff~0123456789abcdef")
    assert whispered(workspace, ALICE.id, "issued by db-1")
    assert story.proposals()[0].state is State.PENDING


def test_the_menu_escalates_mutes_and_chooses(
    card: str, workspace: Workspace, story: Story
) -> None:
    for option in ("Escalate", "Mute for 1 h", "Instead: lower priority (b)"):
        assert workspace.choose(ALICE.id, card, option).acked
    incident = story.incident()
    assert incident.phase == "escalated"
    assert incident.muted_until is not None
    assert incident.offered == story.proposals()[1].id


def test_expected_work_is_declared_by_a_person_in_the_file(
    card: str, workspace: Workspace, story: Story
) -> None:
    before = story.incident()
    workspace.choose(ALICE.id, card, "Expected work: how to declare it")
    told = whispered(workspace, ALICE.id)
    assert "Nothing was changed." in told
    assert "expected:" in told and "cores:" in told
    assert story.incident() == before


def test_a_false_alarm_closes_it(card: str, workspace: Workspace, story: Story) -> None:
    workspace.choose(ALICE.id, card, "False alarm")
    assert not story.incident().is_open


def test_take_and_simulate(card: str, workspace: Workspace, story: Story) -> None:
    workspace.click(STRANGER.id, card, "Take")
    workspace.click(ALICE.id, card, "Simulate")
    assert story.incident().owner == STRANGER.id
    assert whispered(workspace, ALICE.id, "It would be carried out")


@pytest.mark.parametrize(
    "known",
    [{"ts": None, "attempting": store.CARD}, {"ts": "1.1", "doubtful": 1}],
    ids=["no answer yet", "a twin"],
)
def test_a_card_counts_also_where_slacks_answer_is_not_there(
    card: str, workspace: Workspace, story: Story, known: dict[str, object]
) -> None:
    with story.database.write() as tx:
        store.posted(tx, 1, **known)
    workspace.click(BOB.id, card, "Take")
    assert story.incident().owner == BOB.id


def test_what_only_looks_like_the_card_does_nothing(
    card: str, workspace: Workspace, story: Story
) -> None:
    with story.database.write() as tx:
        store.posted(tx, 1, ts="1.1")
    workspace.click(BOB.id, card, "Take")
    assert whispered(workspace, BOB.id, "does not stand on the card")
    assert story.incident().owner is None


def test_another_bots_incident_of_the_same_number_is_no_twin(
    card: str, workspace: Workspace, story: Story, quick: Channel
) -> None:
    (shown,) = workspace.posts()
    assert shown.ts == card
    foot = {**shown.blocks[-1], "block_id": "card:1:1577836800.000000"}
    its = quick.post(Message(text="its", blocks=(*shown.blocks[:-1], foot)))
    with story.database.write() as tx:
        store.posted(tx, 1, doubtful=1)
    workspace.click(BOB.id, its, "Take")
    assert whispered(workspace, BOB.id, "does not stand on the card")
    assert story.incident().owner is None


def rejected_because(workspace: Workspace, card: str, why: str) -> None:
    workspace.click(BOB.id, card, "Reject")
    whispered(workspace, BOB.id)
    workspace.click(BOB.id, workspace.ephemerals(BOB.id)[-1].ts, "Say why")
    view = workspace.wait_for(lambda: workspace.views(BOB.id), 10)[-1]
    assert workspace.submit_view(BOB.id, view.id, {"why": why}).acked


def test_a_rejection_may_be_explained(
    card: str, workspace: Workspace, story: Story
) -> None:
    rejected_because(workspace, card, "the batch")
    assert story.proposals()[0].note == "the batch"
    assert workspace.views(BOB.id) == []


def test_a_secret_in_the_reason_of_a_rejection_is_not_kept(
    card: str, workspace: Workspace, story: Story
) -> None:
    rejected_because(workspace, card, "it needs\npassword=hunter2secret, the batch")
    kept = story.proposals()[0].note + story.texts()
    assert "hunter2" not in kept
    assert "it needs password=[redacted]" in kept


def opened(workspace: Workspace) -> str:
    workspace.command(ALICE.id, "approve 1a")
    return workspace.wait_for(lambda: workspace.views(ALICE.id), 10)[-1].id


def test_a_dialog_approves(card: str, workspace: Workspace, story: Story) -> None:
    assert card
    workspace.submit_view(ALICE.id, opened(workspace), {})
    assert story.proposals()[0].state is State.APPROVED


def test_a_dialog_says_when_it_is_too_late(card: str, workspace: Workspace) -> None:
    view_id = opened(workspace)
    workspace.click(ALICE.id, card, "Approve")
    workspace.submit_view(ALICE.id, view_id, {})
    assert "Nothing was done: it is already approved" in str(
        workspace.views(ALICE.id)[-1].blocks
    )


def test_a_rule_refuses_in_the_dialog_and_at_the_button(
    card: str, workspace: Workspace, story: Story
) -> None:
    view_id = opened(workspace)
    night = Rule(name="night", why="nobody is awake", deny=True)
    story.ledger.book = RuleBook(rules=(night,))
    workspace.submit_view(ALICE.id, view_id, {})
    assert "Nothing was done: nobody is awake (rule policy.rules.night)." in str(
        workspace.views(ALICE.id)[-1].blocks
    )
    workspace.click(ALICE.id, card, "Approve")
    assert whispered(workspace, ALICE.id, "nobody is awake (rule policy.rules.night)")
    assert story.proposals()[0].voters == ()


def test_a_mention_is_answered_in_its_thread(card: str, workspace: Workspace) -> None:
    workspace.mention(STRANGER.id, "status", thread_ts=card)
    workspace.wait_for(
        lambda: "1 open incidents" in workspace.thread(card)[-1].all_text(), 10
    )


def test_a_refused_mention_stays_out_of_the_thread(
    card: str, workspace: Workspace
) -> None:
    before = len(workspace.thread(card))
    workspace.mention(STRANGER.id, "unlock", thread_ts=card)
    assert whispered(workspace, STRANGER.id, "only approvers may unlock")
    # Only what they said themselves stands there.
    assert len(workspace.thread(card)) == before + 1


def test_a_repeated_mention_is_answered_once(card: str, workspace: Workspace) -> None:
    workspace.faults.retry_envelopes()
    workspace.mention(STRANGER.id, "status", thread_ts=card)
    workspace.wait_for(
        lambda: "1 open incidents" in workspace.thread(card)[-1].all_text(), 10
    )
    said = [m.all_text() for m in workspace.thread(card)]
    assert len([text for text in said if "1 open incidents on" in text]) == 1


def test_home_shows_the_board(card: str, workspace: Workspace) -> None:
    assert card
    workspace.open_home(ALICE.id)
    home = workspace.wait_for(lambda: workspace.home(ALICE.id))
    assert "You may approve" in str(home.blocks)


def test_a_listener_that_fails_says_so_without_its_error(
    card: str, workspace: Workspace, story: Story, desk: Desk
) -> None:
    from sqlalchemy import text

    with story.database.write() as tx:
        tx.execute(text("ALTER TABLE votes RENAME TO gone"))
    assert not workspace.click(ALICE.id, card, "Approve").acked
    said = whispered(workspace, ALICE.id)
    assert "Something failed on my side" in said
    assert "votes" not in said
    errors = desk.telemetry.registry.get_sample_value(
        "countersign_errors_total", {"place": "listener"}
    )
    assert errors == 1


def test_a_slow_look_is_acknowledged_and_answered_later(
    card: str, workspace: Workspace, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearse = story.simulate.rehearse

    def slowly(proposal_id: str) -> Simulation:
        time.sleep(3.2)
        return rehearse(proposal_id)

    monkeypatch.setattr(story.simulate, "rehearse", slowly)
    assert workspace.click(ALICE.id, card, "Simulate").acked
    assert whispered(workspace, ALICE.id, "It would be carried out")


class Slow(FakeServices):
    """A manager of services that takes longer than Slack waits."""

    def facts(self, name: str) -> UnitFacts:
        time.sleep(3.2)
        return super().facts(name)


def test_a_command_on_a_slow_host_is_acknowledged_and_answered_later(
    card: str, workspace: Workspace, story: Story
) -> None:
    assert card
    slow = Slow({"nginx.service": service()})
    story.candidates.targets._fleet = replace(story.fleet, own=slow)
    said = workspace.command(ALICE.id, "restart nginx")
    assert said.acked
    assert whispered(workspace, ALICE.id, "services.allow")


def test_everybody_sees_that_a_host_is_in_maintenance(
    card: str, workspace: Workspace
) -> None:
    assert card
    workspace.command(ALICE.id, "maintenance web-1 2h new kernel")
    posted = workspace.wait_for(
        lambda: [m for m in workspace.messages() if "new kernel" in m.text], 10
    )
    assert f"<@{ALICE.id}>" in posted[0].text
