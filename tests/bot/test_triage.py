"""Which incident does an alert belong to?"""

from bot.alerts import Alert, Stage
from bot.model import Culprit, Finding, Incident, Level
from bot.triage import Opened, Resolved, Updated, triage, worst
from tests.fakes.clock import START
from tests.fakes.things import culprit, finding, incident


def alert(made: Finding, stage: Stage = Stage.FIRING, **changes: object) -> Alert:
    return Alert(  # type: ignore[misc]
        stage=stage,
        since=START,
        began=0.0,
        stage_since=0.0,
        finding=made,
        **changes,
    )


def process_finding(pid: int = 4242, **changes: object) -> Finding:
    return finding(
        detector="runaway_process",
        subject=f"process:{pid}:{pid * 10}",
        culprits=(culprit(pid),),
        **changes,
    )


def held(*findings: Finding, who: Culprit | None = None, **changes: object) -> Incident:
    return incident(findings=findings, culprit=who, **changes)


def test_nothing_new_changes_nothing() -> None:
    assert triage([held(finding())], [alert(finding())]) == []


def test_a_new_condition_opens_an_incident() -> None:
    new = alert(finding())
    assert triage([], [new]) == [Opened(alerts=(new,))]


def test_what_is_pending_or_over_opens_nothing() -> None:
    quiet = [alert(finding(), stage) for stage in (Stage.PENDING, Stage.OVER)]
    assert triage([], [*quiet, alert(finding(), Stage.RECOVERING)]) == []


def test_a_known_condition_joins_by_its_name() -> None:
    (change,) = triage([held(finding())], [alert(finding(value=99.0))])
    assert isinstance(change, Updated)
    assert (change.joined, change.worsened, change.ended) == ((), False, False)
    assert change.incident.lead.value == 99.0


def test_another_condition_joins_by_its_culprit() -> None:
    open_ = held(finding(), who=culprit())
    (change,) = triage([open_], [alert(process_finding())])
    assert isinstance(change, Updated)
    assert change.joined == (process_finding().key,)


def test_another_culprit_opens_another_incident() -> None:
    open_ = held(finding(), who=culprit())
    (change,) = triage([open_], [alert(process_finding(77))])
    assert isinstance(change, Opened)


def test_the_same_pid_on_another_host_is_another_cause() -> None:
    open_ = held(finding(), who=culprit())
    (change,) = triage([open_], [alert(process_finding(host="db-1"))])
    assert isinstance(change, Opened)


def test_alerts_of_one_culprit_open_one_incident() -> None:
    alerts = [alert(process_finding()), alert(finding(culprits=(culprit(),)))]
    (change,) = triage([], alerts)
    assert isinstance(change, Opened)
    assert [a.finding.detector for a in change.alerts] == ["cpu", "runaway_process"]


def test_the_worst_leads() -> None:
    mild = alert(finding(level=Level.WARNING, culprits=(culprit(),)))
    (change,) = triage([], [mild, alert(process_finding())])
    assert isinstance(change, Opened)
    assert change.alerts[0].finding.level is Level.CRITICAL


def test_three_causes_are_three_incidents() -> None:
    changes = triage([], [alert(process_finding(pid)) for pid in (1, 2, 3)])
    assert [isinstance(c, Opened) and c.is_storm for c in changes] == [False] * 3


def test_four_causes_are_one_storm() -> None:
    (change,) = triage([], [alert(process_finding(pid)) for pid in (1, 2, 3, 4)])
    assert isinstance(change, Opened)
    assert (change.is_storm, len(change.alerts)) == (True, 4)


def test_all_conditions_over_resolve() -> None:
    well = finding(level=Level.OK, value=5.0)
    (change,) = triage([held(finding())], [alert(well, Stage.OVER)])
    assert change == Resolved(incident=held(well))


def test_a_recovering_condition_still_counts_as_bad() -> None:
    well = finding(level=Level.OK, value=5.0)
    (change,) = triage([held(finding())], [alert(well, Stage.RECOVERING)])
    assert isinstance(change, Updated)
    assert change.incident.lead.level is Level.WARNING


def test_one_of_two_that_is_over_ends_but_does_not_resolve() -> None:
    open_ = held(finding(), process_finding())
    well = finding(level=Level.OK, value=5.0)
    (change,) = triage([open_], [alert(well, Stage.OVER)])
    assert isinstance(change, Updated)
    assert change.ended


def test_the_end_of_a_condition_is_told_once() -> None:
    well = finding(level=Level.OK, value=5.0)
    open_ = held(well, process_finding())
    assert triage([open_], [alert(well, Stage.OVER)]) == []


def test_without_an_alert_nothing_resolves() -> None:
    assert triage([held(finding(level=Level.OK))], []) == []


def test_a_higher_level_is_worse() -> None:
    open_ = held(finding(level=Level.WARNING), level=Level.WARNING)
    (change,) = triage([open_], [alert(finding())])
    assert isinstance(change, Updated)
    assert (change.worsened, change.incident.level) == (True, Level.CRITICAL)


def test_the_worst_level_seen_stays() -> None:
    (change,) = triage([held(finding())], [alert(finding(level=Level.WARNING))])
    assert isinstance(change, Updated)
    assert (change.worsened, change.incident.level) == (False, Level.CRITICAL)


def test_a_flapping_condition_marks_its_incident() -> None:
    flaps = alert(finding(value=99.0), relapses=(0.0, 0.0, 0.0))
    (change,) = triage([held(finding())], [flaps])
    assert isinstance(change, Updated)
    assert change.incident.flapping


def test_no_data_is_worse_than_well_and_better_than_bad() -> None:
    levels = [Level.OK, Level.UNKNOWN, Level.WARNING, Level.CRITICAL]
    found = [finding(level=level) for level in levels]
    assert [worst(found[: n + 1]) for n in range(4)] == levels
