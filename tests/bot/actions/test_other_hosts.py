"""Incidents of other hosts: what is proposed there, by whom, and what became of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.config.policy import Policy
from bot.config.services import ServicePolicy
from bot.model import Finding, Level
from bot.pointed import Pointed
from bot.storage.database import Database
from remediation.action import OperateUnit
from remediation.acts.service_manager import ManagerUnavailable
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import State
from remediation.outcome import Outcome, Result, Seen
from remediation.target.unit import UnitFacts, Verb
from tests.fakes.services import FakeServices, running, service
from tests.fakes.story import ALICE, BOB, Story

THEIR_BOOT = "77777777-0000-4000-8000-000000000007"
POLICY = Policy(cooldown=timedelta(0), services=ServicePolicy(allow=("nginx", "batch")))


def theirs(facts: UnitFacts, **changes: object) -> UnitFacts:
    """The same service on a host that was booted by itself."""
    identity = replace(facts.identity, boot_id=THEIR_BOOT)
    return replace(facts, identity=identity, **changes)


@pytest.fixture
def story(database: Database) -> Story:
    web_7 = FakeServices(units={"nginx.service": theirs(service())})
    mine = FakeServices(units={"nginx.service": service()})
    return Story(
        database, policy=POLICY, services=mine, others={"web-7": web_7, "web-8": mine}
    )


def alert(story: Story, **changes: object) -> Finding:
    """What a rule says of the nginx of web-7."""
    actions = changes.pop("actions", ("restart",))
    assert isinstance(actions, tuple)
    points_at = Pointed(service="nginx.service", rule="nginx_down", actions=actions)
    fields = {
        "host": "web-7",
        "detector": "prometheus",
        "subject": "nginx_down@web-7#1",
        "culprits": (),
        "points_at": points_at,
        **changes,
    }
    return story.found(**fields)


def opened(story: Story, **changes: object) -> None:
    story.sees(alert(story, **changes))


def why(story: Story) -> str:
    none = story.incident().no_action
    return none.reason if none else ""


def test_the_host_of_the_alert_is_in_what_is_approved(story: Story) -> None:
    opened(story)
    (proposal,) = story.proposals()
    action = proposal.action
    assert isinstance(action, OperateUnit)
    assert (action.host, action.verb) == ("web-7", Verb.RESTART)
    assert action.unit.boot_id == THEIR_BOOT
    assert story.incident().service is not None


def test_it_is_carried_out_though_its_boot_is_another_hosts(story: Story) -> None:
    opened(story)
    assert story.acted().state is State.DONE
    (approval,) = story.hands.done
    assert approval.proposal.action.host == "web-7"


def test_an_approval_of_an_earlier_boot_of_the_bot_is_dead(story: Story) -> None:
    opened(story)
    story.approved()
    story.clock.boot_id = "88888888-0000-4000-8000-000000000008"
    story.carry_out.step()
    assert story.hands.done == []


def test_what_a_rule_does_not_permit_is_not_proposed(story: Story) -> None:
    story.others["web-7"].units["nginx.service"] = theirs(
        service(active="inactive", sub="dead", result="success")
    )
    opened(story)
    assert story.proposals() == []
    assert "nothing of what is permitted for it (restart) is right" in why(story)


def test_what_a_rule_permits_is(story: Story) -> None:
    up = theirs(running(can_reload=True))
    story.others["web-7"].units["nginx.service"] = up
    opened(story, actions=("reload",))
    (proposal,) = story.proposals()
    assert isinstance(proposal.action, OperateUnit)
    assert proposal.action.verb is Verb.RELOAD


def test_what_its_gate_would_refuse_is_not_proposed(story: Story) -> None:
    denied = ((Verb.RESTART, "gate.units: not allowed"),)
    story.others["web-7"].units["nginx.service"] = theirs(service(), denied=denied)
    opened(story)
    none = story.incident().no_action
    assert none is not None
    assert (none.rule, none.reason) == ("privilege", "gate.units: not allowed")
    assert none.by_hand.startswith("ssh web-7 systemctl restart nginx.service")


def test_a_host_that_does_not_answer_is_said_to_and_can_be_asked_again(
    story: Story,
) -> None:
    story.others["web-7"].failure = ManagerUnavailable("web-7 cannot be reached")
    opened(story)
    assert why(story) == (
        "cannot act on nginx.service of web-7: web-7 cannot be reached"
    )
    story.others["web-7"].failure = None
    made = story.ask.again(1, BOB)
    assert [p.action.host for p in made] == ["web-7"]


def test_a_host_in_no_list_is_left_to_people(story: Story) -> None:
    opened(story, host="web-9", subject="nginx_down@web-9#1")
    assert why(story) == "cannot act on web-9: this bot acts on web-1 only"


def test_without_a_service_nothing_is_done_elsewhere(story: Story) -> None:
    opened(story, points_at=None)
    assert "of other hosts only services are acted on" in why(story)


def test_a_process_of_this_host_is_never_taken_for_one_of_another(
    story: Story,
) -> None:
    story.sees(story.found(host="web-7"))
    assert story.proposals() == []


def test_the_bots_own_host_may_be_meant(story: Story) -> None:
    opened(story, host="web-1", subject="nginx_down@web-1#1")
    (proposal,) = story.proposals()
    assert proposal.action.host == "web-1"


def test_a_service_is_one_per_host(story: Story) -> None:
    opened(story)
    opened(story, host="web-8", subject="nginx_down@web-8#1")
    assert [i.host for i in story.open()] == ["web-7", "web-8"]


def test_two_rules_about_one_service_are_one_incident(story: Story) -> None:
    opened(story)
    opened(story, subject="nginx_slow@web-7#1")
    assert len(story.open()) == 1


def test_a_person_asks_for_a_restart_there(story: Story) -> None:
    opened(story, host="web-1", subject="nginx_down@web-1#1")
    proposal = story.ask.operate("web-7", Verb.RESTART, "nginx", ALICE)
    assert proposal.action.host == "web-7"
    assert proposal.incident == 2, "the incident about this host's nginx is another"
    with pytest.raises(NotDecided, match="acts on web-1, not on web-9"):
        story.ask.operate("web-9", Verb.RESTART, "nginx", ALICE)
    with pytest.raises(NotDecided, match="nobody tells of gone"):
        story.ask.operate("web-7", Verb.RESTART, "gone", ALICE)
    with pytest.raises(NotDecided, match="acts on web-1, not on web-7"):
        story.ask.kill("web-7", 4242, ALICE)


def test_a_rehearsal_looks_there(story: Story) -> None:
    opened(story)
    (proposal,) = story.proposals()
    assert "would be carried out" in story.simulate.rehearse(proposal.id).verdict
    anew = theirs(running())
    story.others["web-7"].units["nginx.service"] = replace(
        anew, identity=replace(anew.identity, invocation="ee" * 16)
    )
    assert "started anew" in story.simulate.rehearse(proposal.id).verdict


def test_maintenance_of_a_service_there_keeps_its_proposals_back(story: Story) -> None:
    span = timedelta(hours=1)
    story.silence.begin_maintenance("web-7/nginx", ALICE, span, "new kernel")
    opened(story)
    assert story.open() == [] or story.proposals() == []
    with pytest.raises(NotDecided, match="watches web-1, not web-9"):
        story.silence.begin_maintenance("web-9/nginx", ALICE, span, "new kernel")


def interrupted(story: Story) -> None:
    opened(story)
    story.hands.outcome = Outcome(
        result=Result.INTERRUPTED, seen=Seen.UNKNOWN, summary="The answer was lost."
    )
    assert story.acted().state is State.INTERRUPTED


def test_what_was_interrupted_is_seen_later_and_told_once(story: Story) -> None:
    interrupted(story)
    their = story.others["web-7"]
    their.failure = ManagerUnavailable("web-7 cannot be reached")
    story.carry_out.look_again()
    assert "action.seen" not in story.events(1)

    their.failure = None
    their.run(
        Verb.RESTART,
        their.units["nginx.service"].identity,
        on_wait=lambda _: None,
        deadline=timedelta(1),
    )
    story.carry_out.look_again()
    story.carry_out.look_again()
    assert story.events(1).count("action.seen") == 1
    told = "Seen by now: nginx.service is active/running of another start"
    assert told in story.texts()
    outcome = story.proposals()[0].outcome
    assert outcome is not None and outcome.seen is Seen.RUNNING
    assert story.proposals()[0].state is State.INTERRUPTED
    assert len(story.hands.done) == 1, "nothing is done twice"


def test_what_was_interrupted_long_ago_is_left_alone(story: Story) -> None:
    interrupted(story)
    story.clock.go(7 * 3600)
    story.carry_out.look_again()
    assert "action.seen" not in story.events(1)


def test_what_is_well_before_the_action_has_ended_is_measured_after_it(
    story: Story,
) -> None:
    passing = {"is_passing": True, "keep_for": timedelta(0)}
    opened(story, **passing)
    story.approved()
    with story.database.write() as tx:
        (proposal,) = story.ledger.of(tx, 1)
        now = story.clock.now()
        story.ledger.claim(tx, proposal.id, claimant="x/1/1", now=now)
    for _ in range(3):
        story.clock.go(1)
        well = alert(story, value=1.0, level=Level.OK, **passing)
        story.sees(well)
    assert story.respond.watched("prometheus") == frozenset({well.subject})
