"""The story of an incident: opened with proposals, changed, measured, resolved."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.actions.verdicts import Verdicts
from bot.alerts.alert import Timing
from bot.model import Finding, Incident, Level, Phase, Verification
from bot.respond import REFRESH
from bot.storage import store
from bot.storage.database import Database
from remediation.ledger.proposal import State
from remediation.ledger.tables import votes
from remediation.verify import Verdict
from tests.fakes.story import ALICE, FakeEvidence, FakeReader, Story
from tests.fakes.things import culprit, process

# --- opening -------------------------------------------------------------------------


def test_a_condition_that_fires_opens_an_incident(story: Story) -> None:
    story.sees(story.found())
    (incident,) = story.open()
    assert (incident.number, incident.title) == (1, "CPU 98 % on web-1")
    assert incident.culprit == culprit()


def test_opening_writes_events_and_proposals_in_one_go(story: Story) -> None:
    story.opens()
    assert story.events(1) == [
        "incident.opened",
        "chart.due",
        "proposal.made",
        "proposal.made",
        "proposal.made",
    ]
    assert [p.action.kind for p in story.proposals()] == [
        "terminate",
        "lower_priority",
        "pause",
    ]
    assert story.incident().offered == story.proposals()[0].id


def test_a_failure_while_proposing_leaves_nothing_of_the_incident(
    story: Story, database: Database
) -> None:
    from sqlalchemy import text

    with database.write() as tx:
        tx.execute(text("DROP TABLE votes"))
    with pytest.raises(Exception, match="votes"):
        story.sees(story.found())
    assert story.open() == []
    assert story.events() == []


def test_what_a_round_wrote_before_it_failed_comes_to_its_end(
    story: Story, database: Database
) -> None:
    from sqlalchemy import text

    disk = {"detector": "filesystem", "subject": "/srv", "is_passing": True}
    with database.write() as tx:
        tx.execute(text("DROP TABLE votes"))
    with pytest.raises(Exception, match="votes"):
        story.sees(story.found(**{**disk, "culprits": ()}), story.found())
    with database.write() as tx:
        votes.create(tx)
    assert [incident.lead.subject for incident in story.open()] == ["/srv"]
    for _ in range(3):
        story.clock.go(5)
        story.sees(story.well(**disk))
    assert story.open() == []


def test_a_condition_that_does_not_last_opens_nothing(story: Story) -> None:
    patient = Timing(hold_for=timedelta(minutes=1), keep_for=timedelta(0))
    story.sees(story.found(), timing=patient)
    story.clock.go(59)
    story.sees(story.well(), timing=patient)
    assert story.open() == []


def test_the_same_condition_opens_one_incident(story: Story) -> None:
    for _ in range(3):
        story.sees(story.found())
        story.clock.go(5)
    assert len(story.open()) == 1


def test_evidence_is_numbered_and_reaches_the_diagnosis(database: Database) -> None:
    evidence = [FakeEvidence("top"), FakeEvidence("disk")]
    incident = Story(database, evidence=evidence).opens()
    assert [item.id for item in incident.evidence] == ["E1", "E2"]
    assert incident.diagnosis is not None
    assert incident.diagnosis.summary == "from E1, E2"


def test_a_source_that_raises_keeps_no_incident_from_people(
    database: Database,
) -> None:
    evidence = [FakeEvidence("broken", broken=True), FakeEvidence("disk")]
    incident = Story(database, evidence=evidence).opens()
    assert [item.title for item in incident.evidence] == ["broken", "disk"]
    assert incident.evidence[0].text == "It could not be read."


def test_an_incident_does_without_an_opinion(story: Story) -> None:
    story.diagnoser.missing = True
    assert story.opens().diagnosis is None


def test_a_culprit_that_has_ended_gets_no_button(story: Story) -> None:
    story.reader.living.clear()
    incident = story.opens()
    assert story.proposals() == []
    assert incident.no_action is not None
    assert incident.no_action.rule == "culprit is gone"


def test_a_problem_of_many_gets_no_button(story: Story) -> None:
    incident = story.opens(culprits=(culprit(share=0.3),))
    assert incident.no_action is not None
    assert (incident.no_action.rule, "30%" in incident.no_action.reason) == (
        "no culprit",
        True,
    )


def test_a_protected_culprit_gets_the_rule_instead(story: Story) -> None:
    story.reader.living[4242] = process(user="root")
    incident = story.opens()
    assert incident.no_action is not None
    assert "root" in incident.no_action.reason


def test_many_causes_at_once_are_one_storm(story: Story) -> None:
    story.sees(*(story.found(subject=f"/m{n}", culprits=()) for n in range(4)))
    (incident,) = story.open()
    assert incident.title == "4 conditions at once on web-1"
    assert len(incident.findings) == 4


def test_no_data_can_open_an_incident(story: Story) -> None:
    story.sees(story.found(level=Level.UNKNOWN, value=None, culprits=()))
    assert story.incident().title == "No data for CPU on web-1"


# --- muted ---------------------------------------------------------------------------


def test_a_muted_host_opens_nothing_until_the_mute_ends(story: Story) -> None:
    story.silence.mute("web-1", ALICE, timedelta(hours=1))
    story.sees(story.found())
    muted = story.open()
    story.clock.go(3600)
    story.sees(story.found())
    assert (muted, len(story.open())) == ([], 1)


def test_a_muted_condition_leaves_the_others_heard(story: Story) -> None:
    story.silence.mute("web-1/cpu/", ALICE, timedelta(hours=1))
    story.sees(story.found(), story.found(detector="memory", culprits=()))
    assert [i.lead.detector for i in story.open()] == ["memory"]


def test_what_ends_while_it_is_muted_is_resolved(story: Story) -> None:
    story.opens()
    story.silence.mute_incident(1, ALICE, timedelta(hours=1))
    story.clock.go(60)
    story.sees(story.well())
    assert not story.incident().is_open


def test_a_muted_incident_is_not_redrawn(story: Story) -> None:
    story.opens(level=Level.WARNING, value=90.0)
    story.silence.mute_incident(1, ALICE, timedelta(hours=1))
    story.clock.go(120)
    story.sees(story.found())
    assert story.incident().level is Level.WARNING


# --- changing ------------------------------------------------------------------------


def test_figures_are_redrawn_at_most_each_minute(story: Story) -> None:
    before = story.opens().version
    versions = []
    for _ in range(int(REFRESH.total_seconds()) // 5 + 1):
        story.clock.go(5)
        story.sees(story.found(value=97.0))
        versions.append(story.incident().version)
    assert versions[-3:] == [before, before + 1, before + 1]


def test_what_gets_worse_is_said_at_once(story: Story) -> None:
    story.opens(level=Level.WARNING, value=90.0)
    story.clock.go(1)
    story.sees(story.found())
    assert story.incident().level is Level.CRITICAL
    assert story.events(1)[-1] == "incident.worsened"


def test_another_condition_of_the_same_culprit_joins(story: Story) -> None:
    story.opens()
    story.sees(story.found(detector="runaway_process", subject="process:4242:42420"))
    assert len(story.open()) == 1
    assert "incident.joined" in story.events(1)
    assert len(story.incident().findings) == 2


def test_a_culprit_that_is_found_late_gets_its_button(story: Story) -> None:
    story.opens(culprits=())
    before = story.proposals()
    story.clock.go(61)
    story.sees(story.found())
    assert before == []
    assert story.incident().offered == story.proposals()[0].id


# --- resolving -----------------------------------------------------------------------


def test_what_clears_by_itself_is_resolved(story: Story) -> None:
    story.opens()
    story.clock.go(40)
    story.sees(story.well())
    incident = story.incident()
    assert (incident.phase, incident.offered) == (Phase.RESOLVED, None)
    assert {p.state for p in story.proposals()} == {State.SUPERSEDED}
    assert "Resolved after 40 s: it is clear again by itself" in story.texts()


def test_missing_data_resolves_nothing(story: Story) -> None:
    story.opens()
    for _ in range(20):
        story.clock.go(60)
        story.sees(story.found(level=Level.UNKNOWN, value=None, culprits=()))
    assert story.incident().is_open
    assert story.incident().level is Level.CRITICAL


def test_one_of_two_conditions_holds_it_open(story: Story) -> None:
    other = {"detector": "runaway_process", "subject": "process:4242:42420"}
    story.sees(story.found(), story.found(**other))
    story.clock.go(5)
    story.sees(story.well())
    half = story.incident().is_open
    story.sees(story.well(**other))
    assert (half, story.incident().is_open) == (True, False)


def test_a_resolved_incident_is_resolved_once(story: Story) -> None:
    story.opens()
    for _ in range(3):
        story.clock.go(5)
        story.sees(story.well())
    assert story.events(1).count("incident.resolved") == 1


# --- did it help? --------------------------------------------------------------------


def verdict_after(story: Story, *rounds: float | None) -> Verdict:
    """What is said 30 s after an action, with one measurement each ten seconds."""
    story.opens()
    story.acted()
    for value in rounds:
        story.clock.go(10)
        if value is None:
            story.sees(story.found(level=Level.UNKNOWN, value=None, culprits=()))
        elif value < 50:
            story.sees(story.well())
        else:
            story.sees(story.found(value=value))
    verification = story.incident().verification
    assert verification is not None
    return verification.verdict


def test_an_action_that_helped_is_called_recovered(story: Story) -> None:
    assert verdict_after(story, 5, 5, 5) is Verdict.RECOVERED
    incident = story.incident()
    assert incident.phase is Phase.RESOLVED
    assert incident.resolution == "recovered in 10 s: CPU 98 % → 5 %"


def test_an_action_that_changed_nothing_is_called_unchanged(story: Story) -> None:
    assert verdict_after(story, 98, 98, 98) is Verdict.UNCHANGED
    assert story.incident().is_open
    assert story.events(1)[-2:] == ["verified.unchanged", "chart.due"]


def test_what_got_worse_after_an_action_is_called_so(story: Story) -> None:
    assert verdict_after(story, 98, 120, 120) is Verdict.WORSE


def test_no_data_after_an_action_is_unknown(story: Story) -> None:
    assert verdict_after(story, *[None] * 9) is Verdict.UNKNOWN
    assert story.incident().is_open


def test_a_figure_of_before_the_action_proves_nothing(story: Story) -> None:
    story.opens()
    story.acted()
    stale = story.well()
    story.clock.go(30)
    story.sees(stale)
    assert story.incident().verification is None
    story.clock.go(60)
    story.sees(stale)
    verification = story.incident().verification
    assert verification is not None
    assert verification.verdict is Verdict.UNKNOWN


def test_while_it_is_measured_nothing_resolves_it(story: Story) -> None:
    story.opens()
    story.acted()
    story.clock.go(10)
    story.sees(story.well())
    incident = story.incident()
    assert incident.is_open
    assert incident.check is not None
    assert incident.check.clear == story.clock.now()


def test_a_late_round_is_waited_for(story: Story) -> None:
    story.opens()
    story.acted()
    story.clock.go(75)
    story.sees(story.well())
    assert story.incident().resolution.startswith("recovered")


def test_a_round_that_failed_is_waited_for_too(story: Story) -> None:
    assert verdict_after(story, 5, 5, None, 5) is Verdict.RECOVERED


def test_an_approved_action_that_waits_ends_when_the_blame_moves(
    database: Database,
) -> None:
    story = Story(database, reader=FakeReader(process(4242), process(5151)))
    story.opens()
    story.decide.approve(story.incident().offered or "", ALICE, None)
    story.clock.go(5)
    other = replace(culprit(pid=5151), share=0.45)
    story.sees(story.found(culprits=(other,)))
    assert "culprit.changed" in story.events(1)
    story.carry_out.step()
    assert story.hands.done == []
    assert story.proposals()[0].state is State.REFUSED


def test_an_action_that_began_since_the_look_keeps_its_culprit(
    database: Database,
) -> None:
    story = Story(database, reader=FakeReader(process(4242), process(5151)))
    story.opens()
    approved = story.incident().offered or ""
    story.decide.approve(approved, ALICE, None)
    story.clock.go(5)
    read = story.respond._candidates.targets.of

    def while_it_is_read(about: Incident) -> object:
        with story.database.write() as tx:
            story.ledger.claim(tx, approved, claimant="me", now=story.clock.now())
        return read(about)

    with pytest.MonkeyPatch.context() as patch:
        targets = story.respond._candidates.targets
        patch.setattr(targets, "of", while_it_is_read)
        other = replace(culprit(pid=5151), share=0.45)
        story.sees(story.found(culprits=(other,)))
    assert "culprit.changed" not in story.events(1)
    (claimed, *others) = story.proposals()
    assert claimed.state is State.EXECUTING
    assert all(each.state is State.SUPERSEDED for each in others)


def test_an_action_that_ended_since_the_look_has_the_last_word(story: Story) -> None:
    story.opens()
    before = story.incident()
    story.acted()
    story.respond._resolve(before, "it is clear again by itself", story.clock.now())
    assert story.incident().is_open
    assert story.incident().check is not None


def test_a_check_that_was_replaced_meanwhile_is_not_written_again(story: Story) -> None:
    story.opens()
    story.acted()
    first = story.incident()
    check = replace(first.check, proposal="another") if first.check else None
    with story.database.write() as tx:
        store.bump(tx, first.number, check=check)
    done = Verification(proposal="p", verdict=Verdict.RECOVERED, figures="", took=None)
    assert not Verdicts(story.record).conclude(first, done, story.clock.now())
    assert story.incident().check == check
    assert story.incident().verification is None


def test_a_relapse_while_it_is_measured_is_not_recovered(story: Story) -> None:
    assert verdict_after(story, 5, 98, 98) is Verdict.UNCHANGED
    verification = story.incident().verification
    assert verification is not None
    assert verification.took is None


def test_a_process_that_ended_leaves_no_alert_behind(story: Story) -> None:
    gone: dict[str, object] = {
        "detector": "runaway_process",
        "subject": "process:4242:42420",
        "is_passing": True,
    }
    story.opens(**gone)
    story.sees(story.well(**gone))
    assert story.respond.watched("runaway_process") == frozenset()
    story.sees()
    assert story.respond.current() == {}


# --- a new start ---------------------------------------------------------------------


def test_a_restart_takes_up_the_open_incidents(story: Story) -> None:
    story.opens()
    story.respond = story.restarted()
    assert story.respond.watched("cpu") == frozenset({""})
    story.clock.go(5)
    story.sees(story.well())
    assert not story.incident().is_open


def test_a_restart_opens_no_second_incident(story: Story) -> None:
    story.opens()
    story.respond = story.restarted()
    story.sees(story.found())
    assert [i.number for i in story.open()] == [1]


def test_a_restart_in_the_middle_of_a_check_still_judges(story: Story) -> None:
    story.opens()
    story.acted()
    story.respond = story.restarted()
    story.clock.go(30)
    story.sees(story.well())
    assert story.incident().phase is Phase.RESOLVED


def test_a_round_wakes_the_poster_where_there_may_be_something_to_tell(
    story: Story,
) -> None:
    story.sees(story.well())
    assert story.poster.times == 0
    story.sees(story.found())
    assert story.poster.times == 1
    story.sees(story.well())
    assert story.poster.times == 2


def test_an_incident_closed_by_a_person_is_not_written_again(
    story: Story, database: Database
) -> None:
    story.opens()
    story.own.false_alarm(1, ALICE)
    story.sees(story.well())
    with database.read() as tx:
        assert store.get(tx, 1).resolution == "false alarm"


def test_the_suspects_children_go_with_it(database: Database) -> None:
    reader = FakeReader(process())
    reader.children[4242] = (process(4244), process(4243))
    story = Story(database, reader=reader)
    story.opens()
    action = story.proposals()[0].action
    assert action.kind == "terminate"
    assert [member.pid for member in action.members] == [4243, 4244]


def test_another_process_with_the_culprits_pid_is_no_suspect(story: Story) -> None:
    alive = process()
    story.reader.living[4242] = replace(
        alive, identity=replace(alive.identity, start_ticks=1)
    )
    story.opens()
    assert story.proposals() == []


# --- clocks and storms ---------------------------------------------------------------

LASTING = Timing(hold_for=timedelta(seconds=30), keep_for=timedelta(seconds=30))


def test_a_clock_that_is_set_back_delays_no_alert(story: Story) -> None:
    story.sees(story.found(), timing=LASTING)
    story.clock.set_wall_back(7200)
    story.clock.go(30)
    story.sees(story.found(), timing=LASTING)
    assert len(story.open()) == 1


def test_a_clock_that_jumps_ahead_fires_no_alert(story: Story) -> None:
    story.sees(story.found(), timing=LASTING)
    story.clock.set_wall_back(-7200)
    story.clock.go(5)
    story.sees(story.found(), timing=LASTING)
    assert story.open() == []


def test_a_clock_that_is_set_back_delays_no_verdict(story: Story) -> None:
    story.opens()
    story.acted()
    story.clock.set_wall_back(7200)
    for _ in range(2):
        story.clock.go(15)
        story.sees(story.well())
    verification = story.incident().verification
    assert verification is not None
    assert verification.verdict is Verdict.RECOVERED
    assert verification.took == timedelta(seconds=15)


def test_a_bot_that_was_away_measures_before_it_judges(story: Story) -> None:
    story.opens()
    story.acted()
    story.clock.go(300)
    story.respond = story.restarted()
    story.sees()
    waiting = story.incident()
    story.clock.go(5)
    story.sees(story.well())
    verification = story.incident().verification
    assert waiting.check is not None
    assert verification is not None
    assert verification.verdict is Verdict.RECOVERED


def test_a_storm_offers_nothing_and_says_why(story: Story) -> None:
    storm = [story.found(subject=f"/{n}", culprits=()) for n in range(5)]
    story.sees(*storm)
    story.clock.go(61)
    story.sees(*storm, story.found(subject="/0"))
    incident = story.incident()
    assert incident.is_storm
    assert incident.culprit is None
    assert incident.no_action is not None
    assert incident.no_action.rule == "many causes at once"
    assert story.proposals() == []


def alert_of(story: Story, host: str, **changes: object) -> Finding:
    fields = {"detector": "alert", "subject": f"Down@{host}", "culprits": ()}
    return story.found(**fields, host=host, is_passing=True, **changes)


def test_what_joins_a_storm_and_is_over_before_its_next_look_is_told(
    story: Story,
) -> None:
    storm = [alert_of(story, f"app-{n}") for n in range(5)]
    story.sees(*storm)
    story.clock.go(5)
    story.sees(*storm, alert_of(story, "late"))
    story.clock.go(1)
    story.sees(*storm, alert_of(story, "late", level=Level.OK, value=0.0))
    story.respond = story.restarted()
    assert "incident.joined" not in story.events()

    story.clock.go(61)
    story.sees(*(alert_of(story, f"app-{n}") for n in range(5)))
    assert "late" in {finding.host for finding in story.incident().findings}


def test_what_joined_a_storm_is_told_at_its_next_look_or_its_end(story: Story) -> None:
    storm = [alert_of(story, f"app-{n}") for n in range(5)]
    story.sees(*storm)
    story.clock.go(5)
    story.sees(*storm, alert_of(story, "late"))
    story.clock.go(61)
    story.sees(*storm, alert_of(story, "later"))
    assert story.events().count("incident.joined") == 2
    story.sees(*storm, alert_of(story, "last"))
    story.sees(
        *(
            alert_of(story, host, level=Level.OK, value=0.0)
            for host in (*(f"app-{n}" for n in range(5)), "late", "later", "last")
        )
    )
    assert not story.incident().is_open
    assert story.events().count("incident.joined") == 3
    assert story.events()[-1] == "incident.resolved"


# --- another host ----------------------------------------------------------------------


def test_another_hosts_incident_gets_no_action_and_none_of_our_evidence(
    database: Database,
) -> None:
    story = Story(database, evidence=[FakeEvidence("top")])
    incident = story.opens(host="web-7", culprits=())
    assert incident.evidence == ()
    assert story.proposals() == []
    assert incident.no_action is not None
    assert incident.no_action.reason == (
        "cannot act on web-7: this bot acts on web-1 only"
    )
    assert incident.no_action.by_hand == "ssh web-7"


def test_what_ended_without_a_figure_is_not_called_clear(story: Story) -> None:
    told = "Nothing tells of it any more."
    story.opens(culprits=(), is_passing=True)
    story.sees(story.found(value=None, level=Level.OK, culprits=(), summary=told))
    assert story.incident().resolution == "nothing tells of it any more"


def test_a_findings_own_times_count(story: Story) -> None:
    own = {"hold_for": timedelta(minutes=1), "keep_for": timedelta(seconds=30)}
    story.sees(story.found(**own))
    assert story.open() == []
    story.clock.go(60)
    story.sees(story.found(**own))
    assert len(story.open()) == 1
    story.sees(story.well(**own))
    story.clock.go(29)
    story.sees(story.well(**own))
    assert len(story.open()) == 1
    story.clock.go(1)
    story.sees(story.well(**own))
    assert story.open() == []
