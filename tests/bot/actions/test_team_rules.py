"""The team's own rules in the story: proposed, clicked, claimed, given up, undone."""

from dataclasses import replace

import pytest

from bot.config.policy import Policy
from bot.model import NoAction, Phase
from bot.person import Person
from bot.policy.change import note_policy
from bot.storage import store
from bot.storage.database import Database
from handlers.blocks.card import card
from remediation.ledger import audit
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import State
from remediation.outcome import Outcome, Result, Seen
from tests.fakes.services import service
from tests.fakes.story import ALICE, BOB, CHEN, Story
from tests.fakes.things import process

# The story begins on a Sunday at 03:00 UTC.
FROM_THREE = {"days": ["sun"], "from": "03:00", "to": "04:00"}
FROM_FIVE_PAST = {"days": ["sun"], "from": "03:05", "to": "04:00"}
TO_FIVE_PAST = {"days": ["sun"], "from": "02:00", "to": "03:05"}
BOB_IN_PAY = replace(BOB, groups=frozenset({"S0PAY"}))
FAILED = Outcome(result=Result.FAILED, seen=Seen.ALIVE, summary="It is still alive.")


def told(database: Database, *rules: dict[str, object], **policy: object) -> Story:
    """A story under these rules."""
    named = [{"name": f"r{n}", **rule} for n, rule in enumerate(rules)]
    section = {"cooldown": "0s", "rules": named, **policy}
    return Story(database, policy=Policy.model_validate(section))


def refusal(story: Story, who: Person) -> str:
    with pytest.raises(NotDecided) as refused:
        story.decide.approve(story.incident().offered or "", who, None)
    return refused.value.reason


# --- proposing -----------------------------------------------------------------------


def test_a_change_window_stands_on_the_card_with_its_rule(database: Database) -> None:
    rule = {"deny": True, "when": FROM_THREE, "why": "no changes on Sunday night"}
    story = told(database, rule)
    incident = story.opens()
    reason = "no changes on Sunday night (sun 03:00-04:00 UTC)"
    assert incident.no_action == NoAction(rule="policy.rules.r0", reason=reason)
    assert story.proposals() == []
    drawn = str(card(incident, []).blocks)
    assert reason in drawn
    assert "rule policy.rules.r0" in drawn


def test_after_the_window_it_is_proposed_when_asked_again(database: Database) -> None:
    story = told(database, {"deny": True, "when": TO_FIVE_PAST})
    story.opens()
    story.clock.go(300)
    assert [p.letter for p in story.ask.again(1, ALICE)] == ["a", "b", "c"]
    assert story.incident().no_action is None


def test_what_a_person_asks_for_is_denied_alike(database: Database) -> None:
    story = told(database, {"deny": True, "when": FROM_THREE})
    with pytest.raises(NotDecided, match=r"\(rule policy\.rules\.r0\)"):
        story.ask.kill("web-1", 4242, ALICE)


def test_a_service_is_denied_by_its_name(database: Database) -> None:
    story = told(
        database,
        {"deny": True, "actions": ["restart"], "targets": {"units": ["nginx"]}},
        services={"allow": ["nginx"]},
    )
    story.services.units["nginx.service"] = service()
    incident = story.opens(culprits=(), service=service())
    assert incident.no_action is not None
    assert incident.no_action.rule == "policy.rules.r0"


def test_a_proposal_says_what_its_rules_ask_for(database: Database) -> None:
    story = told(database, {"risk": ["high"], "approvals": 2})
    story.opens()
    first, second, _ = story.proposals()
    assert (first.rule, first.needed) == ("policy.rules.r0", 2)
    assert (second.rule, second.needed) == ("policy.processes.lower_priority", 1)


def test_the_policys_hash_is_in_the_proposal_and_its_event(story: Story) -> None:
    story.opens()
    assert {p.policy for p in story.proposals()} == {story.ledger.book.digest}
    assert f"(policy {story.ledger.book.digest[:12]})" in story.texts()


# --- clicking ------------------------------------------------------------------------


def test_a_window_that_began_since_refuses_the_click(database: Database) -> None:
    story = told(database, {"deny": True, "when": FROM_FIVE_PAST})
    story.opens()
    story.clock.go(300)
    assert "(rule policy.rules.r0)" in refusal(story, ALICE)
    with pytest.raises(NotDecided, match=r"policy\.rules\.r0"):
        story.decide.decidable(story.incident().offered or "", ALICE)
    assert story.proposals()[0].voters == ()


def test_a_rehearsal_says_what_the_rules_would(database: Database) -> None:
    story = told(database, {"deny": True, "when": FROM_FIVE_PAST})
    story.opens()
    story.clock.go(300)
    verdict = story.simulate.rehearse(story.incident().offered or "").verdict
    assert verdict.startswith("It would be refused by policy.rules.r0: ")


def test_a_rule_names_who_may_approve(database: Database) -> None:
    story = told(database, {"approvers": {"users": [ALICE.id]}})
    story.opens()
    assert refusal(story, BOB) == (
        "you are not among those who may approve this (rule policy.rules.r0)"
    )
    assert story.approved().state is State.APPROVED


def test_whoever_is_in_a_named_group_may_approve(database: Database) -> None:
    story = told(database, {"approvers": {"groups": ["S0PAY"]}})
    offered = story.opens().offered or ""
    assert "policy.rules.r0" in refusal(story, BOB)
    proposal = story.decide.approve(offered, BOB_IN_PAY, None).proposal
    assert proposal.votes == (BOB_IN_PAY.voter,)
    story.carry_out.step()
    assert len(story.hands.done) == 1


def test_a_rule_makes_nobody_an_approver(database: Database) -> None:
    story = told(database, {"approvers": {"users": [CHEN.id]}})
    story.opens()
    assert refusal(story, CHEN) == "you are not among the approvers"


def test_anybody_of_the_approvers_may_still_reject(database: Database) -> None:
    story = told(database, {"approvers": {"users": [ALICE.id]}})
    offered = story.opens().offered or ""
    assert story.decide.reject(offered, BOB, None).proposal.state is State.REJECTED


def test_nobody_approves_their_own_request_by_any_rule(database: Database) -> None:
    story = told(database, {"approvers": {"users": [ALICE.id]}})
    story.ask.kill("web-1", 4242, ALICE)
    assert "somebody else" in refusal(story, ALICE)
    assert "policy.rules.r0" in refusal(story, BOB)


def test_two_different_people_are_two(database: Database) -> None:
    story = told(database, {"risk": ["high"], "approvals": 2})
    offered = story.opens().offered or ""
    assert story.decide.approve(offered, ALICE, None).missing == 1
    assert "another person" in refusal(story, ALICE)
    assert story.decide.approve(offered, BOB, None).missing == 0


def test_a_window_that_asks_for_more_people_counts_at_the_click(
    database: Database,
) -> None:
    story = told(database, {"approvals": 2, "when": FROM_FIVE_PAST})
    offered = story.opens().offered or ""
    story.clock.go(300)
    assert story.decide.approve(offered, ALICE, None).missing == 1
    assert story.proposals()[0].needed == 2


def test_a_window_that_ended_makes_no_proposal_cheaper(database: Database) -> None:
    story = told(database, {"approvals": 2, "when": TO_FIVE_PAST})
    offered = story.opens().offered or ""
    story.clock.go(300)
    assert story.decide.approve(offered, ALICE, None).missing == 1


# --- between approval and execution --------------------------------------------------


def stopped(story: Story) -> str:
    """The worker looks after five minutes; say why it did nothing."""
    story.clock.go(300)
    story.carry_out.step()
    assert story.hands.done == []
    assert story.proposals()[0].state is State.REFUSED
    return story.texts()


def test_a_window_that_began_since_the_approval_stops_it(database: Database) -> None:
    story = told(database, {"deny": True, "when": FROM_FIVE_PAST})
    story.opens()
    story.approved()
    assert "Not carried out: the team denies it (sun 03:05-04:00 UTC) " in stopped(
        story
    )
    assert story.events(1)[-1] == "action.refused"


def test_what_was_stopped_counts_into_no_limit(database: Database) -> None:
    story = told(database, {"deny": True, "when": FROM_FIVE_PAST}, cooldown="30m")
    story.opens()
    story.approved()
    stopped(story)
    story.clock.go(3600)
    assert len(story.ask.again(1, ALICE)) == 3


def test_more_approvals_needed_since_stop_it(database: Database) -> None:
    story = told(database, {"approvals": 2, "when": FROM_FIVE_PAST})
    story.opens()
    story.approved()
    said = stopped(story)
    assert "it needs 2 approvals now, and has 1 (rule policy.rules.r0)" in said


def test_another_circle_of_approvers_since_stops_it(database: Database) -> None:
    rule = {"approvers": {"groups": ["S0PAY"]}, "when": FROM_FIVE_PAST}
    story = told(database, rule)
    story.opens()
    story.approved()
    assert "not everybody who approved may do so now" in stopped(story)


def test_the_groups_of_the_click_count_at_the_act(database: Database) -> None:
    rule = {"approvers": {"groups": ["S0PAY"]}, "when": FROM_FIVE_PAST}
    story = told(database, rule)
    offered = story.opens().offered or ""
    story.decide.approve(offered, BOB_IN_PAY, None)
    story.clock.go(300)
    story.carry_out.step()
    assert len(story.hands.done) == 1


def test_a_stricter_policy_after_a_restart_stops_what_was_approved(
    database: Database,
) -> None:
    before = told(database)
    before.opens()
    before.approved()
    after = told(database, {"deny": True})
    after.carry_out.step()
    assert after.hands.done == []
    assert "(rule policy.rules.r0)" in after.texts()


def test_what_was_proposed_by_an_older_release_is_asked_by_its_action(
    database: Database,
) -> None:
    old = told(database)
    old.ledger.book = replace(old.ledger.book, digest="")
    now = old.clock.now()
    live = old.candidates.targets.live(4242)
    with database.write() as tx:
        number = old.ask._open(tx, live, now, BOB)
        drafts, _ = old.candidates.judge(tx, store.get(tx, number), live, now)
        made = old.ledger.propose(tx, replace(drafts[0], asked=None), now=now)
    story = told(database, {"deny": True, "targets": {"exes": ["/usr/bin/python3*"]}})
    with pytest.raises(NotDecided, match=r"policy\.rules\.r0"):
        story.decide.approve(made.id, ALICE, None)


def test_undoing_is_not_denied(database: Database) -> None:
    story = told(database, {"deny": True, "when": FROM_FIVE_PAST}, candidates=["pause"])
    story.hands.outcome = Outcome(result=Result.DONE, seen=Seen.STOPPED, summary="")
    story.opens()
    story.acted()
    story.clock.go(300)
    story.decide.undo(1, BOB)
    story.carry_out.step()
    assert story.proposals()[-1].state is State.DONE


# --- giving up -----------------------------------------------------------------------


def in_vain(story: Story) -> None:
    """One action that changes nothing, measured."""
    story.acted()
    story.clock.go(40)
    story.sees(story.found())


def test_after_two_actions_in_vain_people_are_called(database: Database) -> None:
    story = told(database)
    story.opens()
    in_vain(story)
    story.ask.again(1, ALICE)
    once = story.incident().phase
    in_vain(story)
    incident = story.incident()
    assert (once, incident.phase) == (Phase.OPEN, Phase.ESCALATED)
    assert incident.no_action is not None
    assert incident.no_action.rule == "policy.give_up_after"
    assert "(rule policy.give_up_after)" in story.texts()
    assert "a person must look" in str(card(incident, story.proposals()).blocks)


def test_once_given_up_nothing_more_is_proposed(database: Database) -> None:
    story = told(database, give_up_after=1)
    story.opens()
    in_vain(story)
    assert story.ask.again(1, ALICE) == []
    assert story.events(1).count("incident.escalated") == 1
    assert not [p for p in story.proposals() if p.is_pending]


def test_an_action_that_failed_is_one_in_vain(database: Database) -> None:
    story = told(database, give_up_after=1)
    story.hands.outcome = FAILED
    story.opens()
    story.acted()
    assert story.incident().phase is Phase.ESCALATED


def test_an_incident_that_people_were_called_to_is_not_escalated_twice(
    database: Database,
) -> None:
    story = told(database, give_up_after=1)
    story.opens()
    story.own.escalate(1, ALICE)
    in_vain(story)
    assert story.events(1).count("incident.escalated") == 1
    assert story.incident().no_action is not None


def test_the_next_incident_of_the_same_condition_is_given_up_at_once(
    database: Database,
) -> None:
    story = told(database, give_up_after=1)
    story.opens()
    in_vain(story)
    story.sees(story.well())
    story.clock.go(60)
    story.sees(story.found())
    incident = story.incident(2)
    assert (incident.phase, story.proposals(2)) == (Phase.ESCALATED, [])


def test_after_a_day_it_is_tried_again(database: Database) -> None:
    story = told(database, give_up_after=1)
    story.opens()
    in_vain(story)
    story.sees(story.well())
    story.clock.go(25 * 3600)
    story.sees(story.found())
    assert len(story.proposals(2)) == 3


def test_what_helped_since_begins_the_count_anew(database: Database) -> None:
    story = told(database)
    story.opens()
    in_vain(story)
    story.ask.again(1, ALICE)
    story.acted()
    story.clock.go(40)
    story.sees(story.well())
    story.clock.go(60)
    story.sees(story.found())
    in_vain_before = story.incident(2).phase
    story.acted(2)
    story.clock.go(40)
    story.sees(story.found())
    assert (in_vain_before, story.incident(2).phase) == (Phase.OPEN, Phase.OPEN)


def test_a_person_may_still_name_a_target(database: Database) -> None:
    story = told(database, give_up_after=1)
    story.opens()
    in_vain(story)
    assert story.ask.kill("web-1", 4242, ALICE).is_pending


# --- what can be undone first --------------------------------------------------------


def kinds(story: Story) -> list[str]:
    return [p.action.kind for p in story.proposals() if p.is_pending]


def test_what_can_be_undone_is_offered_first(database: Database) -> None:
    story = told(database, reversible_first=["high"])
    story.opens()
    assert kinds(story) == ["lower_priority", "pause"]


def test_after_it_was_tried_the_rest_is_offered(database: Database) -> None:
    story = told(database, reversible_first=["terminate"])
    story.opens()
    in_vain(story)
    story.ask.again(1, ALICE)
    assert kinds(story) == ["terminate", "lower_priority", "pause"]


def test_where_nothing_can_be_undone_nothing_waits(database: Database) -> None:
    story = told(database, reversible_first=["terminate"], candidates=["terminate"])
    story.opens()
    assert kinds(story) == ["terminate"]


def test_where_what_can_be_undone_is_refused_nothing_waits(database: Database) -> None:
    story = told(
        database, reversible_first=["terminate"], candidates=["terminate", "pause"]
    )
    story.reader.living[4242] = process(ports=(80,))
    story.opens()
    assert kinds(story) == ["terminate"]


# --- a change of the policy ----------------------------------------------------------


def changes(database: Database) -> list[str]:
    with database.read() as tx:
        events = [entry.event for entry in audit.read(tx)]
    return [event.text for event in events if event.kind == "policy.changed"]


def test_a_change_of_the_policy_is_an_event(database: Database, story: Story) -> None:
    for digest in ("a" * 64, "a" * 64, "b" * 64):
        note_policy(database, digest, story.clock.now())
    assert changes(database) == ["The policy changed: aaaaaaaaaaaa -> bbbbbbbbbbbb"]
    with database.read() as tx:
        assert audit.verify(tx).fault is None
