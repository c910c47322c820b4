"""The story of a click: who may, on which card, what follows, what is told."""

from datetime import timedelta

import pytest

from bot.actions.settle import take_back
from bot.config.policy import Policy
from bot.model import Phase
from bot.origin import Origin
from bot.storage import store
from bot.storage.database import Database
from remediation.ledger import lock
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import UNDO, State
from remediation.outcome import Outcome, Result, Seen
from tests.fakes.story import ALICE, BOB, CHANNEL, CHEN, Story

ELSEWHERE = Origin(channel=CHANNEL, ts="1700000000.999999")


def offered(story: Story) -> str:
    return story.opens().offered or ""


# --- who and where -------------------------------------------------------------------


def test_a_click_on_the_card_approves(story: Story) -> None:
    proposal_id = offered(story)
    decided = story.decide.approve(proposal_id, ALICE, story.posted())
    assert decided.proposal.state is State.APPROVED
    assert story.events(1)[-1] == "proposal.approved"
    assert (story.worker.times, story.poster.times) == (1, 2)


@pytest.mark.parametrize("verb", ["approve", "reject", "choose"])
def test_whoever_is_no_approver_decides_nothing(story: Story, verb: str) -> None:
    proposal_id = offered(story)
    with pytest.raises(NotDecided, match="not among the approvers"):
        getattr(story.decide, verb)(proposal_id, CHEN, story.posted())
    assert story.proposals()[0].state is State.PENDING


@pytest.mark.parametrize("verb", ["approve", "reject", "choose"])
def test_a_button_on_another_message_decides_nothing(story: Story, verb: str) -> None:
    proposal_id = offered(story)
    story.posted()
    with pytest.raises(NotDecided, match="does not stand on the card"):
        getattr(story.decide, verb)(proposal_id, ALICE, ELSEWHERE)


def test_a_button_in_another_channel_decides_nothing(story: Story) -> None:
    proposal_id, card = offered(story), story.posted()
    with pytest.raises(NotDecided, match="does not stand on the card"):
        story.decide.approve(proposal_id, ALICE, Origin(channel="C0", ts=card.ts))


def test_a_button_of_an_incident_that_was_never_posted_decides_nothing(
    story: Story,
) -> None:
    with pytest.raises(NotDecided, match="does not stand on the card"):
        story.decide.approve(offered(story), ALICE, ELSEWHERE)


def test_a_card_whose_first_answer_was_lost_is_the_card(
    story: Story, database: Database
) -> None:
    proposal_id = offered(story)
    story.posted(ts=None, attempting=store.CARD)
    story.decide.approve(proposal_id, ALICE, ELSEWHERE)
    with database.read() as tx:
        assert store.by_message(tx, CHANNEL, ELSEWHERE.ts) == 1


def test_the_twin_of_a_doubtful_card_decides_too(story: Story) -> None:
    proposal_id = offered(story)
    story.posted(doubtful=1)
    assert story.decide.approve(proposal_id, ALICE, ELSEWHERE)


def test_another_incidents_card_is_no_twin(story: Story) -> None:
    proposal_id = offered(story)
    story.sees(story.found(detector="memory", culprits=()))
    other = story.posted(2)
    story.posted(1, doubtful=1)
    with pytest.raises(NotDecided, match="does not stand on the card"):
        story.decide.approve(proposal_id, ALICE, other)


@pytest.mark.parametrize("text", ["", "x", "'; DROP TABLE votes", "a" * 3000])
def test_garbage_is_no_button_of_ours(story: Story, text: str) -> None:
    with pytest.raises(NotDecided, match="does not belong to Countersign"):
        story.decide.approve(text, ALICE, None)


def test_another_instances_button_is_decided_there(story: Story) -> None:
    with pytest.raises(NotDecided, match="issued by db-1"):
        story.decide.approve("db-1~ffffff~0123456789abcdef", ALICE, None)


def test_an_unknown_id_of_ours_is_said_to_be_unknown(story: Story) -> None:
    with pytest.raises(NotDecided, match="not known here"):
        story.decide.approve("web-1~abc123~0123456789abcdef", ALICE, None)


def test_a_refused_click_leaves_no_event(story: Story) -> None:
    proposal_id = offered(story)
    before = story.events()
    with pytest.raises(NotDecided):
        story.decide.approve(proposal_id, ALICE, ELSEWHERE)
    assert story.events() == before


# --- votes ---------------------------------------------------------------------------


def test_the_first_of_two_says_how_many_are_missing(database: Database) -> None:
    story = Story(database, policy=Policy(approvals=2))
    assert story.decide.approve(offered(story), ALICE, None).missing == 1
    assert "(1 more needed)" in story.texts()


def test_a_rejection_is_told_with_its_reason(story: Story) -> None:
    story.decide.reject(offered(story), BOB, None, why="the nightly batch")
    assert story.texts().endswith(": the nightly batch")


def test_whoever_rejected_says_why_afterwards(story: Story) -> None:
    proposal_id = offered(story)
    story.decide.reject(proposal_id, BOB, None)
    story.decide.say_why(proposal_id, BOB, "the nightly batch")
    assert story.proposals()[0].note == "the nightly batch"
    assert story.events(1)[-1] == "proposal.reason"


@pytest.mark.parametrize(("who", "why"), [(ALICE, "mine"), (BOB, "")])
def test_nobody_else_says_why_and_nobody_says_nothing(
    story: Story, who: object, why: str
) -> None:
    proposal_id = offered(story)
    story.decide.reject(proposal_id, BOB, None)
    with pytest.raises(NotDecided, match="say why"):
        story.decide.say_why(proposal_id, who, why)  # type: ignore[arg-type]


def test_another_candidate_is_put_on_the_card(story: Story) -> None:
    card = story.opens() and story.posted()
    second = story.proposals()[1]
    story.decide.choose(second.id, ALICE, card)
    assert story.incident().offered == second.id
    assert second.state is State.PENDING


def test_what_is_decided_is_not_put_on_the_card(story: Story) -> None:
    proposal_id = offered(story)
    story.decide.reject(proposal_id, BOB, None)
    with pytest.raises(NotDecided, match="already rejected"):
        story.decide.choose(proposal_id, BOB, None)


# --- expiry --------------------------------------------------------------------------


def test_what_nobody_decided_expires(story: Story) -> None:
    offered(story)
    story.clock.go(900)
    story.decide.expire()
    assert {p.state for p in story.proposals()} == {State.EXPIRED}
    assert "expired after 15 min; it was not rejected" in story.texts()


def test_while_nothing_is_overdue_nothing_is_written(story: Story) -> None:
    offered(story)
    woken = story.poster.times
    story.decide.expire()
    assert story.poster.times == woken


# --- carrying out --------------------------------------------------------------------


def test_an_approval_is_carried_out_once(story: Story) -> None:
    story.opens()
    proposal = story.acted()
    story.carry_out.step()
    assert proposal.state is State.DONE
    assert [a.proposal.id for a in story.hands.done] == [proposal.id]
    assert story.events(1)[-2:] == ["action.started", "action.done"]


def test_after_an_action_its_effect_is_measured(story: Story) -> None:
    story.opens()
    proposal = story.acted()
    check = story.incident().check
    assert check is not None
    assert (check.proposal, check.window) == (
        proposal.id,
        timedelta(seconds=30),
    )


def test_what_was_refused_is_not_measured(story: Story) -> None:
    story.hands.outcome = Outcome(
        result=Result.REFUSED, seen=Seen.CHANGED, summary="another program"
    )
    story.opens()
    assert story.acted().state is State.REFUSED
    assert story.incident().check is None


def test_a_lock_after_the_click_stops_it(story: Story, database: Database) -> None:
    story.opens()
    story.approved()
    with database.write() as tx:
        lock.set_lock(tx, by="U1", why="odd", at=story.clock.wall)
    story.carry_out.step()
    assert story.hands.done == []
    assert story.proposals()[0].state is State.REFUSED
    assert "Not carried out: the bot is locked (odd)" in story.texts()


def test_a_busy_host_lets_it_wait(story: Story) -> None:
    story.opens()
    story.sees(story.found(detector="memory"))
    first = story.approved()
    with story.database.write() as tx:
        story.ledger.claim(tx, first.id, claimant="b/1/1", now=story.clock.now())
    second = story.ask.kill("web-1", 4242, BOB)
    story.decide.approve(second.id, ALICE, None)
    story.carry_out.step()
    assert story.hands.done == []
    assert story.proposals()[-1].state is State.APPROVED


def test_a_failure_while_acting_is_recorded_and_not_repeated(story: Story) -> None:
    story.hands.failure = RuntimeError("out of memory")
    story.opens()
    story.approved()
    with pytest.raises(RuntimeError):
        story.carry_out.step()
    story.carry_out.step()
    assert story.proposals()[0].state is State.INTERRUPTED
    assert len(story.hands.done) == 1
    assert "out of memory" not in story.texts()


def test_an_action_of_a_dead_executor_is_observed(story: Story) -> None:
    story.opens()
    proposal = story.approved()
    dead = f"{story.clock.boot_id}/4190000/1"
    with story.database.write() as tx:
        story.ledger.claim(tx, proposal.id, claimant=dead, now=story.clock.now())
    story.carry_out.recover()
    assert story.proposals()[0].state is State.INTERRUPTED
    assert story.hands.done == []


def test_an_action_of_a_living_executor_is_let_be(story: Story) -> None:
    story.opens()
    proposal = story.approved()
    me = story.carry_out._observer.claimant
    with story.database.write() as tx:
        story.ledger.claim(tx, proposal.id, claimant=me, now=story.clock.now())
    story.carry_out.recover()
    assert story.proposals()[0].state is State.EXECUTING


# --- undo ----------------------------------------------------------------------------


def paused(database: Database, **policy: object) -> Story:
    story = Story(database, policy=Policy(candidates=("pause",), **policy))
    story.hands.outcome = Outcome(
        result=Result.DONE, seen=Seen.STOPPED, summary="It stands still."
    )
    story.opens()
    assert story.acted().state is State.DONE
    return story


def test_a_pause_is_undone_within_its_quiet_time(database: Database) -> None:
    story = paused(database)
    story.clock.go(5)
    story.decide.undo(1, BOB)
    story.carry_out.step()
    assert story.proposals()[-1].action.kind == "resume"
    assert story.proposals()[-1].state is State.DONE


def test_a_lowered_priority_gets_its_former_value_back(database: Database) -> None:
    story = Story(database, policy=Policy(candidates=("lower_priority",)))
    story.hands.outcome = Outcome(
        result=Result.DONE, seen=Seen.RUNNING, summary="Slower.", undo_nice=3
    )
    story.opens()
    story.acted()
    action = story.decide.undo(1, BOB).proposal.action
    assert (action.kind, getattr(action, "nice", None)) == ("restore_priority", 3)


def test_a_priority_whose_former_value_is_unknown_is_not_put_back(
    database: Database,
) -> None:
    story = Story(database, policy=Policy(candidates=("lower_priority",)))
    story.opens()
    story.acted()
    with pytest.raises(NotDecided, match="can be undone"):
        story.decide.undo(1, BOB)


def test_a_button_undoes_its_own_action_or_says_what_came_after(
    database: Database,
) -> None:
    story = paused(database)
    pause = story.proposals()[0].id
    with pytest.raises(NotDecided, match="was done after that"):
        story.decide.undo(1, BOB, of="web-1~b75b1a~AnotherProposal00")
    assert story.decide.undo(1, BOB, of=pause).proposal.action.kind == "resume"


def test_a_termination_is_not_undone(story: Story) -> None:
    story.opens()
    story.acted()
    with pytest.raises(NotDecided, match="can be undone"):
        story.decide.undo(1, BOB)


def test_where_nothing_was_done_nothing_is_undone(story: Story) -> None:
    story.opens()
    with pytest.raises(NotDecided, match="can be undone"):
        story.decide.undo(1, BOB)


def test_only_approvers_undo(database: Database) -> None:
    story = paused(database)
    with pytest.raises(NotDecided, match="not among the approvers"):
        story.decide.undo(1, CHEN)


# --- incidents that were only a request ----------------------------------------------


def test_a_rejected_request_is_settled(story: Story) -> None:
    proposal = story.ask.kill("web-1", 4242, ALICE)
    story.decide.reject(proposal.id, BOB, None)
    assert story.incident().phase is Phase.RESOLVED
    assert story.incident().resolution == "rejected"


def test_an_expired_request_is_settled(story: Story) -> None:
    story.ask.kill("web-1", 4242, ALICE)
    story.clock.go(900)
    story.decide.expire()
    assert story.incident().resolution == "expired"


def test_a_request_that_was_carried_out_is_settled_by_what_was_seen(
    story: Story,
) -> None:
    proposal = story.ask.kill("web-1", 4242, ALICE)
    story.decide.approve(proposal.id, BOB, None)
    story.carry_out.step()
    incident = story.incident()
    assert (incident.phase, incident.resolution) == (Phase.RESOLVED, "It ended.")
    assert incident.check is None


def test_a_request_that_may_not_be_carried_out_is_settled(story: Story) -> None:
    proposal = story.ask.kill("web-1", 4242, ALICE)
    story.decide.approve(proposal.id, BOB, None)
    story.own.lock("odd", CHEN)
    story.carry_out.step()
    assert story.incident().resolution.startswith("Not carried out: the bot is locked")


def test_an_incident_that_was_measured_is_not_settled_by_a_rejection(
    story: Story,
) -> None:
    story.decide.reject(offered(story), BOB, None)
    assert story.incident().is_open


# --- the incident's end ---------------------------------------------------------------


def test_a_closed_incident_takes_no_approval(story: Story) -> None:
    proposal = offered(story)
    story.own.false_alarm(1, ALICE)
    with pytest.raises(NotDecided, match="resolved already"):
        story.decide.approve(proposal, BOB, None)


def test_what_was_approved_is_not_done_after_the_end(story: Story) -> None:
    story.decide.approve(offered(story), ALICE, None)
    story.own.false_alarm(1, BOB)
    story.carry_out.step()
    assert "resolved meanwhile" in story.texts()


def test_only_the_proposal_on_the_card_is_missed_aloud(story: Story) -> None:
    offered(story)
    story.clock.go(900)
    story.decide.expire()
    assert story.events(1).count("proposal.expired") == 1
    assert story.events(1).count("proposal.lapsed") == 2


def test_two_clicks_on_undo_undo_once(database: Database) -> None:
    story = paused(database)
    story.decide.undo(1, BOB)
    with pytest.raises(NotDecided, match="being undone already"):
        story.decide.undo(1, ALICE)


def test_a_dialog_opens_only_for_a_vote_that_would_count(story: Story) -> None:
    offered = story.opens().offered or ""
    story.decide.decidable(offered, ALICE)
    story.decide.reject(offered, BOB, None)
    with pytest.raises(NotDecided, match="already rejected"):
        story.decide.decidable(offered, ALICE)


def test_an_undo_outlives_a_change_of_blame(database: Database) -> None:
    story = paused(database)
    story.decide.undo(1, BOB)
    with story.database.write() as tx:
        take_back(tx, story.ledger, 1, story.clock.now())
    assert story.proposals()[-1].rule == UNDO
    assert story.proposals()[-1].state is State.APPROVED
