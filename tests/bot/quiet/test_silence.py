"""Mutes and maintenance: what opens no card, what is proposed no more, and what comes after."""

from datetime import timedelta

import pytest

from bot.model import Phase
from bot.oncall.escalate import Escalate
from bot.person import Person
from bot.quiet.maintenance import begin, end, target_of
from bot.storage import quiet
from bot.storage.quiet import Quiet
from handlers.blocks.card import card
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import Proposal, State
from tests.fakes.services import service
from tests.fakes.story import ALICE, BOB, CHEN, Story
from tests.fakes.things import culprit, process

HOUR = timedelta(hours=1)


def kept(story: Story) -> dict[str, Quiet]:
    with story.database.read() as tx:
        return {one.target: one for one in quiet.kept(tx, story.clock.now())}


def test_muting_an_incident_mutes_its_conditions(story: Story) -> None:
    story.opens()
    assert story.silence.mute_incident(1, ALICE, HOUR).muted_until == (
        story.clock.wall + HOUR
    )
    assert kept(story)["web-1/cpu/"].until == story.clock.wall + HOUR


def test_a_mute_is_lifted_once(story: Story) -> None:
    story.silence.mute("web-1", ALICE, HOUR)
    story.silence.unmute("web-1", ALICE)
    with pytest.raises(NotDecided, match="not muted"):
        story.silence.unmute("web-1", ALICE)


def test_muting_again_replaces_the_end(story: Story) -> None:
    story.silence.mute("web-1", ALICE, HOUR)
    story.silence.mute("web-1", ALICE, 2 * HOUR)
    assert kept(story)["web-1"].until == story.clock.wall + 2 * HOUR


# --- mutes on the card ---------------------------------------------------------------


def test_a_mute_that_is_over_leaves_the_card(story: Story) -> None:
    story.opens()
    story.silence.mute_incident(1, ALICE, HOUR)
    story.clock.go(HOUR.total_seconds())
    story.silence.sweep()
    assert story.incident().muted_until is None
    assert story.status.board().quiet == ()


def test_a_lifted_mute_leaves_the_card(story: Story) -> None:
    story.opens()
    story.silence.mute_incident(1, ALICE, HOUR)
    story.silence.unmute("web-1/cpu/", ALICE)
    assert story.incident().muted_until is None


def test_a_muted_host_shows_on_its_cards(story: Story) -> None:
    story.opens()
    story.silence.mute("web-1", ALICE, HOUR)
    assert story.incident().muted_until == story.clock.wall + HOUR


def test_a_mute_ends(story: Story) -> None:
    with story.database.write() as tx:
        quiet.mute(tx, "web-1", until=story.clock.wall + HOUR, by="U1")
    assert list(kept(story)) == ["web-1"]
    story.clock.go(3600)
    assert kept(story) == {}


# --- maintenance ---------------------------------------------------------------------


def in_maintenance(story: Story, target: str = "web-1") -> Quiet:
    return story.silence.begin_maintenance(target, ALICE, HOUR, "new kernel")


def test_nothing_opens_while_somebody_works_on_the_host(story: Story) -> None:
    in_maintenance(story)
    story.sees(story.found())
    assert story.open() == []
    assert story.status.board().quiet[0].why == "new kernel"


def test_what_is_still_wrong_afterwards_comes_then(story: Story) -> None:
    in_maintenance(story)
    story.sees(story.found())
    story.clock.go(3600)
    story.silence.sweep()
    story.sees(story.found())
    assert len(story.proposals()) == 3
    assert story.status.board().quiet == ()


def test_what_is_proposed_already_is_taken_back_and_said(story: Story) -> None:
    story.opens()
    in_maintenance(story)
    incident = story.incident()
    assert {p.state for p in story.proposals()} == {State.SUPERSEDED}
    assert incident.offered is None
    assert incident.muted_until == story.clock.wall + HOUR
    drawn = str(card(incident, story.proposals()).blocks)
    assert "web-1 is in maintenance until 1 Mar 04:00 UTC: new kernel" in drawn
    assert "Propose again" not in drawn, "it could only be refused"
    told = f"Nothing is proposed and nobody is called. Begun by @{ALICE.id}"
    assert told in story.texts()


def test_a_click_on_what_was_taken_back_does_not_count(story: Story) -> None:
    offered = story.opens().offered or ""
    in_maintenance(story)
    with pytest.raises(NotDecided, match="superseded"):
        story.decide.approve(offered, BOB, None)


def test_asking_again_meanwhile_says_why_not(story: Story) -> None:
    story.opens()
    in_maintenance(story)
    story.clock.go(60)
    assert story.ask.again(1, BOB) == []
    none = story.incident().no_action
    assert none is not None
    assert none.rule == "maintenance"


def test_at_its_end_the_buttons_come_back_by_themselves(story: Story) -> None:
    story.opens()
    in_maintenance(story)
    story.clock.go(3600)
    story.silence.sweep()
    incident = story.incident()
    assert (incident.muted_until, incident.no_action) == (None, None)
    assert [p.letter for p in story.proposals() if p.is_pending] == ["d", "e", "f"]
    assert "The maintenance of web-1 has ended" in story.texts()


def test_ending_it_by_hand_does_the_same_and_names_who(story: Story) -> None:
    story.opens()
    in_maintenance(story)
    story.clock.go(60)
    assert story.silence.end_maintenance("web-1", BOB) == "web-1"
    story.silence.sweep()
    assert story.incident().offered is not None
    assert story.events(1).count("maintenance.ended") == 1
    with pytest.raises(NotDecided, match="not in maintenance"):
        story.silence.end_maintenance("web-1", BOB)


def test_a_script_writes_a_row_and_the_sweep_does_the_rest(story: Story) -> None:
    story.opens()
    until = story.clock.wall + HOUR
    row = Quiet(target="web-1", until=until, by="root on this host", why="patches")
    with story.database.write() as tx:
        begin(tx, row, story.clock.now(), None)
    story.silence.sweep()
    story.silence.sweep()
    assert story.incident().offered is None
    assert story.events(1).count("maintenance.quiet") == 1
    with story.database.write() as tx:
        assert end(tx, "web-1", story.clock.now(), by=row.by)
    story.silence.sweep()
    assert story.events(1).count("maintenance.ended") == 1
    assert story.incident().offered is not None
    assert "put web-1 in maintenance for 1 h: patches (root on this host)" in (
        story.texts()
    )


def test_an_incident_that_was_escalated_stays_so(story: Story) -> None:
    story.opens()
    story.own.escalate(1, ALICE)
    in_maintenance(story)
    assert story.incident().phase is Phase.ESCALATED


def test_a_service_in_maintenance_silences_itself_and_nothing_else(
    story: Story,
) -> None:
    story.services.units["nginx.service"] = service()
    in_maintenance(story, "web-1/nginx.service")
    story.sees(story.found(detector="unit_failed", service=service(), culprits=()))
    burning = culprit(unit="nginx.service")
    story.sees(story.found(detector="runaway", culprits=(burning,)))
    assert story.open() == []
    story.sees(story.found())
    assert len(story.open()) == 1


def test_who_works_on_a_host_may_ask_for_help(story: Story) -> None:
    in_maintenance(story)
    asked = story.ask.kill("web-1", 4242, ALICE)
    story.clock.go(60)
    story.silence.sweep()
    assert story.decide.approve(asked.id, BOB, None).proposal.state is State.APPROVED


def test_prolonging_it_says_the_new_end(story: Story) -> None:
    story.opens()
    in_maintenance(story)
    story.silence.begin_maintenance("web-1", BOB, 3 * HOUR, "still")
    none = story.incident().no_action
    assert none is not None
    assert none.reason.endswith("until 1 Mar 06:00 UTC: still")


@pytest.mark.parametrize(
    ("named", "target"),
    [
        ("web-1", "web-1"),
        ("nginx", "web-1/nginx.service"),
        ("web-1/nginx", "web-1/nginx.service"),
    ],
)
def test_a_target_is_a_host_or_a_service(story: Story, named: str, target: str) -> None:
    story.services.units["nginx.service"] = service()
    assert target_of(named, ["web-1"], story.candidates.targets.service) == target


@pytest.mark.parametrize("named", ["web-2/nginx", "ngnix", "/etc/passwd", "", "a b"])
def test_another_target_is_refused(story: Story, named: str) -> None:
    with pytest.raises(NotDecided):
        target_of(named, ["web-1"], story.candidates.targets.service)


def test_a_mute_and_a_maintenance_do_not_replace_each_other(story: Story) -> None:
    story.silence.mute("web-1", BOB, 24 * HOUR)
    in_maintenance(story)
    story.silence.mute("web-1", BOB, 24 * HOUR)
    story.clock.go(3600)
    story.silence.sweep()
    assert [one.by for one in story.status.board().quiet] == [BOB.id]
    in_maintenance(story)
    story.silence.unmute("web-1", BOB)
    assert kept(story)["web-1"].is_maintenance


def test_a_script_ends_what_it_began_and_no_more(story: Story) -> None:
    in_maintenance(story)
    mine = Quiet(target="web-1", until=story.clock.wall + HOUR, by="root", why="x")
    with story.database.write() as tx:
        begin(tx, mine, story.clock.now(), None)
        assert end(tx, "web-1", story.clock.now(), by="root")
        assert not end(tx, "web-1", story.clock.now(), by="root")
    assert kept(story)["web-1"].by == ALICE.id


def test_a_crash_after_the_end_leaves_no_card_without_buttons(story: Story) -> None:
    story.opens()
    in_maintenance(story)
    story.clock.go(60)
    with story.database.write() as tx:
        end(tx, "web-1", story.clock.now(), actor=BOB.id)
    story.silence.sweep()
    assert story.incident().offered is not None


def test_one_incident_that_cannot_be_measured_holds_up_no_other(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.opens()
    story.opens(detector="memory", culprits=(culprit(77),), subject="x")
    story.reader.living[77] = process(77)
    in_maintenance(story)
    story.clock.go(60)
    story.silence.end_maintenance("web-1", BOB)
    again = story.ask.again

    def fails_for_one(number: int, who: Person | None) -> list[Proposal]:
        if number == 1:
            raise OSError("the disk is full")
        return again(number, who)

    monkeypatch.setattr(story.ask, "again", fails_for_one)
    story.silence.sweep()
    assert [bool(story.incident(n).offered) for n in (1, 2)] == [False, True]
    monkeypatch.undo()
    story.silence.sweep()
    assert story.incident(1).offered is not None


def test_a_persons_request_stays_while_it_is_in_maintenance(story: Story) -> None:
    story.opens()
    in_maintenance(story)
    story.clock.go(60)
    asked = story.ask.kill("web-1", 4242, ALICE)
    for _ in range(3):
        story.silence.sweep()
    assert story.incident().offered == asked.id
    assert story.events(1).count("maintenance.quiet") == 1
    story.decide.approve(asked.id, BOB, None)
    story.carry_out.step()
    assert len(story.hands.done) == 1


def test_what_was_approved_before_is_not_carried_out_meanwhile(story: Story) -> None:
    story.opens()
    story.approved()
    in_maintenance(story)
    story.carry_out.step()
    assert story.hands.done == []
    assert "Not carried out: web-1 is in maintenance" in story.texts()


def test_a_clock_that_is_set_back_prolongs_no_maintenance(story: Story) -> None:
    in_maintenance(story)
    story.clock.go(3600)
    story.clock.wall -= timedelta(days=365)
    story.silence.sweep()
    story.sees(story.found())
    assert len(story.open()) == 1


def test_its_end_calls_nobody_at_once(story: Story) -> None:
    story.opens()
    in_maintenance(story)
    story.clock.go(3600)
    story.silence.sweep()
    escalate = Escalate(record=story.record, poster=story.poster, after=HOUR / 6)
    escalate.sweep()
    assert story.incident().phase is Phase.OPEN
    story.clock.go(600)
    escalate.sweep()
    assert story.incident().phase is Phase.ESCALATED


def test_the_maintenance_of_a_service_that_vanished_can_be_ended(story: Story) -> None:
    story.services.units["nginx.service"] = service()
    in_maintenance(story, "nginx")
    story.services.units.clear()
    assert story.silence.end_maintenance("nginx", BOB) == "web-1/nginx.service"
    assert kept(story) == {}


def test_a_handover_takes_the_maintenance_along(story: Story) -> None:
    in_maintenance(story)
    story.silence.begin_maintenance("web-1", BOB, HOUR, "disks")
    with story.database.write() as tx:
        assert quiet.kept_by(tx, ALICE.id) == ["web-1"]
        quiet.pass_on(tx, by=ALICE.id, to=BOB.id)
    assert [(one.by, one.why) for one in story.status.board().quiet] == [
        (BOB.id, "new kernel")
    ]


@pytest.mark.parametrize("span", [timedelta(0), timedelta(days=8)])
def test_it_has_a_length_and_a_reason(story: Story, span: timedelta) -> None:
    with pytest.raises(NotDecided, match="at most 7 d"):
        story.silence.begin_maintenance("web-1", ALICE, span, "why")
    with pytest.raises(NotDecided, match="say what is done"):
        story.silence.begin_maintenance("web-1", ALICE, HOUR, "")
    with pytest.raises(NotDecided, match="only approvers"):
        story.silence.begin_maintenance("web-1", CHEN, HOUR, "why")
    assert kept(story) == {}
