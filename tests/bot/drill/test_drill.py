"""A drill from the wish to its end, and everything it must stay out of."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.config.policy import Policy
from bot.drill.child import Child, NotStarted
from bot.drill.drill import PATIENCE, Drill
from bot.drill.watching import DrillDetector
from bot.model import Level, Phase
from bot.storage import quiet, store
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import State
from remediation.outcome import Outcome, Result, Seen
from remediation.rules.drilled import DRILL
from tests.fakes.drilling import Stage, awaited
from tests.fakes.story import ALICE, BOB, CHEN, Story

# --- from the wish to the card --------------------------------------------------------


def test_a_drill_is_an_incident_with_one_proposal_and_says_so(stage: Stage) -> None:
    found = stage.begins()
    [proposal] = stage.story.proposals()
    stage.drill.step()

    assert found.title == "Drill: harmless process waiting on web-1"
    assert found.lead.summary.startswith("This is a drill, nothing is wrong.")
    assert found.level is Level.WARNING
    assert proposal.rule == DRILL
    assert proposal.action.kind == "terminate"
    assert proposal.requested_by is None, "whoever asked named no target"
    lives = proposal.expires.wall - proposal.created_at
    assert lives < stage.story.policy.approval_ttl
    assert stage.incident().owner == ALICE.id
    assert stage.said("drill.asked") == ["asked for this drill; nothing is wrong"]


def test_it_ends_its_child_whatever_the_team_chooses_first(stage: Stage) -> None:
    only_pause = Policy(candidates=("pause",), cooldown=timedelta(0))
    stage.story.candidates._policy = only_pause
    stage.begins()
    kinds = [p.action.kind for p in stage.story.proposals()]
    assert kinds == ["terminate"]


def test_simulate_says_that_the_drill_allows_it(stage: Stage) -> None:
    stage.begins()
    [proposal] = stage.story.proposals()
    told = stage.story.simulate.rehearse(proposal.id)
    assert told.verdict == "It would be carried out (allowed by drill)."


def test_the_very_child_that_somebody_names_is_not_the_drills(stage: Stage) -> None:
    stage.begins()
    stage.story.candidates._own = replace(
        stage.story.candidates._own, pid=stage.detector._facts.read(stage.pid).ppid
    )
    with pytest.raises(NotDecided, match=r"protected\.own_child"):
        stage.story.ask.kill("web-1", stage.pid, BOB)
    assert len(stage.story.proposals()) == 1


# --- who may, and when ----------------------------------------------------------------


def test_only_approvers_ask(stage: Stage) -> None:
    with pytest.raises(NotDecided, match="only approvers"):
        stage.drill.ask(CHEN)


def test_one_at_a_time(stage: Stage) -> None:
    stage.drill.ask(ALICE)
    with pytest.raises(NotDecided, match="just been asked for"):
        stage.drill.ask(BOB)
    stage.goes_on()
    stage.goes_on()
    with pytest.raises(NotDecided, match="incident 1 is a drill that is not over"):
        stage.drill.ask(BOB)
    assert len(stage.children) == 1


def test_a_lock_or_a_quiet_host_is_no_time_for_one(stage: Stage) -> None:
    stage.story.own.lock("the network is being changed", BOB)
    with pytest.raises(NotDecided, match="locked"):
        stage.drill.ask(ALICE)
    stage.story.own.unlock(BOB)
    until = stage.story.clock.wall + timedelta(hours=1)
    with stage.story.database.write() as tx:
        quiet.mute(tx, "web-1", until=until, by=BOB.id)
    with pytest.raises(NotDecided, match="muted or in maintenance"):
        stage.drill.ask(ALICE)


def test_a_bot_that_sees_no_host_has_nothing_to_drill_on(story: Story) -> None:
    blind = Drill(
        host="web-1",
        record=story.record,
        lasts=timedelta(minutes=1),
        drilled=story.drilled,
        poster=story.poster,
        unseen="it sees its container only",
    )
    with pytest.raises(NotDecided, match="it sees its container only"):
        blind.ask(ALICE)


def test_a_wish_that_nobody_answered_in_time_is_forgotten(stage: Stage) -> None:
    stage.drill.ask(ALICE)
    stage.story.clock.go(PATIENCE.total_seconds() + 1)
    stage.drill.step()
    assert stage.children == []
    stage.begins()
    assert len(stage.children) == 1


def test_a_wish_outlives_the_bot_that_took_it(stage: Stage) -> None:
    stage.story.drill.ask(ALICE)
    stage.goes_on()
    assert len(stage.children) == 1


def test_what_cannot_be_started_leaves_nothing(story: Story) -> None:
    def fails(_lasts: timedelta) -> Child:
        raise NotStarted("the limit of processes is reached")

    drill = Drill(
        host="web-1",
        record=story.record,
        lasts=timedelta(minutes=1),
        drilled=story.drilled,
        poster=story.poster,
        start=fails,
    )
    drill.ask(ALICE)
    drill.step()
    drill.step()
    assert drill.running is None
    drill.ask(BOB)


# --- its end --------------------------------------------------------------------------


def test_approved_it_is_judged_like_any_action_and_counts_for_no_limit(
    stage: Stage,
) -> None:
    stage.begins()
    done = stage.story.acted()
    stage.child.let_go()
    stage.ends()
    for _ in range(2):
        stage.story.clock.go(31)
        stage.goes_on()
    assert done.state is State.DONE
    over = stage.incident()
    assert over.phase is Phase.RESOLVED
    assert "Drill: harmless process waiting → ended" in over.resolution
    assert not stage.story.drilled.is_child(stage.child.identity)
    # The next drill finds no trace of it.
    stage.drill.step()
    stage.drill.ask(BOB)


def test_rejected_the_child_is_let_go_and_the_card_says_why(stage: Stage) -> None:
    found = stage.begins()
    stage.drill.step()
    stage.story.decide.reject(found.offered or "", BOB, None)
    stage.drill.step()
    assert not stage.story.drilled.is_child(stage.child.identity), "at once"
    stage.ends()
    stage.goes_on()
    said = "the drill is over: it was rejected, and its process ended by itself"
    assert stage.incident().resolution == said


def test_what_is_taken_back_is_no_action_that_failed(stage: Stage) -> None:
    found = stage.begins()
    with stage.story.database.write() as tx:
        stage.story.ledger.supersede(tx, found.number, now=stage.story.clock.now())
    stage.drill.step()
    stage.ends()
    stage.goes_on()
    assert "what was offered was taken back" in stage.incident().resolution


def test_it_is_proposed_once(stage: Stage) -> None:
    found = stage.begins()
    with pytest.raises(NotDecided, match="begins another"):
        stage.story.ask.again(found.number, ALICE)


def test_a_wish_that_could_not_be_dropped_starts_no_second_one(stage: Stage) -> None:
    stage.drill.ask(ALICE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.drill, "_drop_wish", lambda: None)
        stage.goes_on()
    stage.goes_on()
    stage.story.decide.reject(stage.incident().offered or "", BOB, None)
    stage.drill.step()
    stage.ends()
    stage.goes_on()
    stage.goes_on()
    assert len(stage.children) == 1


def test_expired_it_says_that_nobody_decided(stage: Stage) -> None:
    stage.begins()
    stage.story.clock.go(stage.story.policy.approval_ttl.total_seconds())
    stage.story.decide.expire()
    stage.drill.step()
    stage.ends()
    stage.goes_on()
    assert "nobody decided in time" in stage.incident().resolution


def test_a_child_whose_time_was_over_first_is_told_likewise(story: Story) -> None:
    child = Child.start(timedelta(seconds=1))
    drill = Drill(
        host="web-1",
        record=story.record,
        lasts=timedelta(seconds=1),
        drilled=story.drilled,
        poster=story.poster,
        start=lambda _: child,
    )
    drill.ask(ALICE)
    drill.step()
    awaited(child)
    child.let_go()
    detector = DrillDetector("web-1", drill, story.reader, story.clock)
    [found] = detector.check([child.subject])
    assert found.is_well
    assert "nobody decided in time, and its process ended by itself" in found.summary


def test_a_card_that_is_closed_ends_the_drill(stage: Stage) -> None:
    stage.begins()
    stage.drill.step()
    stage.story.own.false_alarm(1, ALICE)
    stage.drill.step()
    stage.ends()
    stage.drill.step()
    assert stage.drill.running is None


def test_a_child_for_which_no_card_comes_is_let_go(stage: Stage) -> None:
    stage.drill.ask(ALICE)
    stage.drill.step()
    stage.story.clock.go(PATIENCE.total_seconds() + 1)
    stage.drill.step()
    stage.ends()
    stage.drill.step()
    assert stage.drill.running is None


def test_a_drill_of_a_bot_before_is_over(stage: Stage) -> None:
    stage.begins()
    stage.child.let_go()
    stage.ends()
    anew = DrillDetector(
        "web-1", stage.story.drill, stage.story.reader, stage.story.clock
    )
    respond = stage.story.restarted()
    found = anew.check(respond.watched(DRILL))
    stage.story.respond = respond
    stage.story.sees(*found)
    said = "ended with the Countersign that had started it"
    assert said in stage.incident().resolution


def test_nothing_to_offer_ends_it_with_the_reason(stage: Stage) -> None:
    stage.story.candidates._own = replace(stage.story.candidates._own, pid=1)
    stage.story.candidates._rules = replace(
        stage.story.candidates._rules,
        protect=replace(stage.story.candidates._rules.protect, protect=("*python*",)),
    )
    assert stage.begins().offered is None
    stage.drill.step()
    stage.ends()
    stage.goes_on()
    assert "nothing was offered (the configuration protects *python*)" in (
        stage.incident().resolution
    )


def test_an_action_that_fails_ends_the_drill_too(stage: Stage) -> None:
    stage.begins()
    failed = Outcome(result=Result.FAILED, seen=Seen.ALIVE, summary="It is alive.")
    stage.story.hands.outcome = failed
    stage.story.acted()
    stage.drill.step()
    stage.ends()
    stage.goes_on()
    assert "its action did not end it" in stage.incident().resolution


def test_a_wish_waits_until_the_drill_of_a_bot_before_is_over(stage: Stage) -> None:
    stage.drill.ask(ALICE)
    with stage.story.database.read() as tx:
        kept = store.recall(tx, "drill wanted")
    assert kept is not None
    stage.goes_on()
    stage.goes_on()
    with stage.story.database.write() as tx:
        store.remember(tx, "drill wanted", kept)
    stage.story.drill.step()
    assert stage.story.drill.running is None
    with stage.story.database.read() as tx:
        assert store.recall(tx, "drill wanted") == kept


def _foreign(stage: Stage, *, leads: bool) -> State:
    """What becomes of an approved drill where another bot holds its child."""
    stage.begins()
    stage.story.approved()
    carry_out = stage.story.carry_out
    carry_out._is_foreign = lambda proposal: proposal.rule == DRILL
    carry_out._leads = lambda: leads
    carry_out.step()
    assert stage.story.hands.done == []
    return stage.story.proposals()[0].state


def test_a_bot_that_follows_leaves_it_to_the_one_that_leads(stage: Stage) -> None:
    assert _foreign(stage, leads=False) is State.APPROVED


def test_a_bot_that_leads_refuses_what_it_did_not_start(stage: Stage) -> None:
    assert _foreign(stage, leads=True) is State.REFUSED
    assert "this bot did not start the process of this drill" in stage.story.texts()
    assert "action.started" not in stage.story.events()
