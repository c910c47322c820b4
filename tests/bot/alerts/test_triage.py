"""Which incident does an alert belong to?"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.alerts import triage as sorting
from bot.alerts.alert import Alert, Stage
from bot.alerts.triage import (
    MOST_FINDINGS,
    STILL_COMING,
    STORM,
    STORM_WINDOW,
    Change,
    Opened,
    Resolved,
    Updated,
    worst,
)
from bot.model import STORM as STORM_NAME
from bot.model import Culprit, Finding, Incident, Level
from bot.pointed import Pointed
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


def triage(open_: list[Incident], alerts: list[Alert]) -> list[Change]:
    return sorting.triage(open_, alerts, START)


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


def test_what_goes_on_leads_where_the_lead_is_over() -> None:
    soon = finding(detector="filesystem_forecast", mount="/srv")
    full = finding(detector="filesystem", subject="/srv", mount="/srv")
    over = replace(soon, level=Level.OK, value=168.0)
    (change,) = triage([held(soon, full)], [alert(over, Stage.OVER), alert(full)])
    assert isinstance(change, Updated)
    assert [f.detector for f in change.incident.findings] == [
        "filesystem",
        "filesystem_forecast",
    ]


def test_many_troubles_of_one_host_that_blame_nobody_are_a_list() -> None:
    def trouble(number: int, **changes: object) -> Finding:
        return finding(detector=f"figure{number}", culprits=(), **changes)

    open_ = [held(trouble(n), number=n) for n in range(sorting.HOST_STORM)]
    named = finding(detector="runaway_process", culprits=(culprit(77),))
    changes = triage(open_, [alert(trouble(50)), alert(named)])
    assert [(type(c), getattr(c, "is_storm", None)) for c in changes] == [
        (Opened, False),
        (Opened, True),
    ]
    fewer = triage(open_[1:], [alert(trouble(50))])
    assert [getattr(c, "is_storm", None) for c in fewer] == [False]
    storm = held(trouble(50), fingerprint=f"web-1/{STORM_NAME}/x")
    (joined,) = triage([storm], [alert(trouble(51))])
    assert isinstance(joined, Updated)


def test_a_culprit_that_is_found_later_joins_what_lacked_one() -> None:
    waiting = finding(detector="pressure", culprits=(), group="computing")
    busy = finding(culprits=(culprit(),), group="computing")
    (change,) = triage([held(waiting)], [alert(busy)])
    assert isinstance(change, Updated)
    explained = held(busy, who=culprit())
    other = finding(detector="load", culprits=(culprit(77),), group="computing")
    (change,) = triage([explained], [alert(other)])
    assert isinstance(change, Opened)


def test_conditions_of_one_file_system_are_one_incident() -> None:
    full = finding(detector="filesystem", subject="/srv", mount="/srv", culprits=())
    soon = replace(full, detector="filesystem_forecast")
    other = replace(full, subject="/var", mount="/var")
    assert len(triage([], [alert(full), alert(soon)])) == 1
    joined, opened = triage([held(full)], [alert(soon), alert(other)])
    assert isinstance(joined, Updated)
    assert isinstance(opened, Opened)


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
    open_ = held(process_finding(), well)
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


# --- what others tell ------------------------------------------------------------------


POINTED = Pointed(service="nginx.service", rule="down", actions=("restart",))


def told(host: str = "web-7", **changes: object) -> Finding:
    return finding(detector="alert", subject=f"{host}{changes}", host=host, **changes)


def test_a_service_that_an_alert_names_joins_what_is_about_it() -> None:
    open_ = held(told(points_at=POINTED), host="web-7")
    (change,) = triage([open_], [alert(told(points_at=POINTED, group="g2"))])
    assert isinstance(change, Updated)
    assert len(change.joined) == 1


def test_the_same_service_elsewhere_is_another_incident() -> None:
    open_ = held(told(points_at=POINTED), host="web-7")
    (change,) = triage([open_], [alert(told("web-8", points_at=POINTED))])
    assert isinstance(change, Opened)


def test_a_group_is_one_incident_on_each_host() -> None:
    alerts = [
        alert(told(group="g", label="a")),
        alert(told(group="g", label="b")),
        alert(told("web-8", group="g")),
    ]
    first, second = triage([], alerts)
    assert isinstance(first, Opened)
    assert isinstance(second, Opened)
    assert (len(first.alerts), len(second.alerts)) == (2, 1)


def storm_of(*findings: Finding, opened_at: datetime = START) -> Incident:
    return held(
        *findings, fingerprint=f"web-7/storm/{START}", host="web-7", opened_at=opened_at
    )


def test_more_of_a_storm_joins_it_whatever_its_host() -> None:
    storm = storm_of(*(told(f"web-{n}") for n in range(9)))
    (change,) = triage([storm], [alert(told("db-1")), alert(told("db-2"))])
    assert isinstance(change, Updated)
    assert len(change.joined) == 2


def test_after_the_window_only_its_groups_join_a_storm() -> None:
    old = START - STILL_COMING - timedelta(seconds=1)
    storm = storm_of(*(told(f"web-{n}", group="g") for n in range(9)), opened_at=old)
    changes = triage([storm], [alert(told("db-1", group="g")), alert(told("db-2"))])
    assert [type(change) for change in changes] == [Updated, Opened]


def test_another_detectors_alert_is_no_part_of_a_storm() -> None:
    storm = storm_of(*(told(f"web-{n}") for n in range(9)))
    (change,) = triage([storm], [alert(finding())])
    assert isinstance(change, Opened)
    assert not change.is_storm


def test_alerts_one_after_the_other_become_a_storm_too() -> None:
    open_ = [held(told(f"web-{n}"), number=n, host=f"web-{n}") for n in range(STORM)]
    (change,) = triage(open_, [alert(told("db-1"))])
    assert isinstance(change, Opened)
    assert change.is_storm
    old = START - STORM_WINDOW - timedelta(seconds=1)
    open_[0] = replace(open_[0], opened_at=old)
    (change,) = triage(open_, [alert(told("db-1"))])
    assert isinstance(change, Opened)
    assert not change.is_storm


def test_what_is_called_otherwise_is_news_after_the_storm() -> None:
    old = START - STILL_COMING - timedelta(seconds=1)
    storm = storm_of(*(told(f"web-{n}", group="g") for n in range(9)), opened_at=old)
    (change,) = triage([storm], [alert(told("pay-1", group="g", label="PaymentDown"))])
    assert isinstance(change, Opened)


def test_a_storm_goes_on_while_more_is_told_but_not_for_ever() -> None:
    began = {"began": START - timedelta(seconds=20)}
    ten = START - timedelta(minutes=10)
    storm = storm_of(*(told(f"web-{n}", **began) for n in range(9)), opened_at=ten)
    (change,) = triage([storm], [alert(told("db-1"))])
    assert isinstance(change, Updated)
    storm = replace(storm, opened_at=START - timedelta(minutes=31))
    (change,) = triage([storm], [alert(told("db-1"))])
    assert isinstance(change, Opened)


def test_what_names_its_service_is_not_hidden_by_its_group() -> None:
    open_ = held(told(group="g"), host="web-7")
    (change,) = triage([open_], [alert(told(group="g", points_at=POINTED))])
    assert isinstance(change, Opened)


def test_a_host_keeps_the_action_of_each_of_its_own_causes() -> None:
    open_ = [
        held(process_finding(pid), number=pid, who=culprit(pid)) for pid in (1, 2, 3)
    ]
    (change,) = triage(open_, [alert(process_finding(4))])
    assert isinstance(change, Opened)
    assert not change.is_storm


def test_a_storm_lets_go_of_what_is_over() -> None:
    many = [told(f"web-{n}", level=Level.OK) for n in range(MOST_FINDINGS)]
    storm = storm_of(told("web-x"), *many)
    (change,) = triage([storm], [alert(told("db-1"))])
    assert isinstance(change, Updated)
    assert len(change.incident.findings) == 2


def test_two_thousand_alerts_are_sorted_in_a_moment() -> None:
    many = [told(f"web-{n}", group=f"g{n}") for n in range(2000)]
    (opened,) = triage([], [alert(one) for one in many])
    assert isinstance(opened, Opened)
    assert len(opened.alerts) == 2000
    storm = storm_of(*many)
    assert triage([storm], [alert(one) for one in many]) == []
