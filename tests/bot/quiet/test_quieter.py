"""Where a limit would have to stand so that the false alarms had not been."""

from datetime import timedelta

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from bot.lore import FALSE_ALARM
from bot.model import Culprit, Incident, Level, Limits, Phase
from bot.quiet.quieter import (
    ENOUGH,
    WINDOW,
    Pair,
    Suggestion,
    difference,
    quieter,
    subjects,
    suggestion,
    told,
)
from tests.fakes.clock import START
from tests.fakes.things import LIMITS, finding, incident, process

LOW = Limits(warning=10, critical=5, clear_warning=11, clear_critical=6, above=False)


def closed(
    value: float, *, days: float = 0, real: bool = False, **more: object
) -> Incident:
    level = Level.CRITICAL if value >= 95 else Level.WARNING
    ended = START - timedelta(days=days)
    fields: dict[str, object] = {
        "findings": (finding(value=value, level=level),),
        "level": level,
        "title": f"CPU {value:.0f} % on web-1",
        "phase": Phase.RESOLVED,
        "resolved_at": ended,
        "resolution": "recovered" if real else FALSE_ALARM,
    }
    return incident(**{**fields, **more})


def of(*values: float) -> Suggestion | None:
    return suggestion("cpu", "", [closed(value) for value in values], START)


# --- the limit -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("worst", "after"),
    [
        (93, Pair(warning=95, critical=97)),
        (88, Pair(warning=90, critical=95)),
        (89.9, Pair(warning=90, critical=95)),
        (90, Pair(warning=95, critical=97)),
        (96, Pair(warning=98, critical=98.5)),
        (98.5, Pair(warning=99, critical=99)),
        (99, None),
        (100, None),
        (0, None),
    ],
)
def test_a_percentage_moves_to_the_next_round_number(
    worst: float, after: Pair | None
) -> None:
    assert quieter(LIMITS, worst, "%") == after


@pytest.mark.parametrize(
    ("worst", "after"),
    [
        (8, Pair(warning=7.5, critical=5)),
        (5.5, Pair(warning=5, critical=3.75)),
        (3, Pair(warning=2.8, critical=2.65)),
        (2.5, None),
        (0, None),
    ],
)
def test_where_low_is_bad_it_moves_down(worst: float, after: Pair | None) -> None:
    assert quieter(LOW, worst, "%") == after


def test_other_units_may_double() -> None:
    limits = Limits(warning=90, critical=190, clear_warning=81, clear_critical=171)
    unit = "% of one core"
    assert quieter(limits, 150, unit) == Pair(warning=160, critical=190)
    assert quieter(limits, 193, unit) == Pair(warning=200, critical=290)
    assert quieter(limits, 380, unit) is None


@example(worst=0.6, warning=0.41, beyond=3, above=True)
@example(worst=0.28, warning=0.516, beyond=3, above=False)
@given(
    worst=st.floats(0.01, 500, allow_nan=False),
    warning=st.floats(0.1, 400),
    beyond=st.floats(1.01, 3),
    above=st.booleans(),
)
def test_a_quieter_limit_is_quiet_and_in_order(
    worst: float, warning: float, beyond: float, *, above: bool
) -> None:
    critical = warning * beyond if above else warning / beyond
    limits = Limits(
        warning=warning,
        critical=critical,
        clear_warning=0,
        clear_critical=0,
        above=above,
    )
    found = quieter(limits, worst, "hours")
    if found is None:
        return
    sign = 1 if above else -1
    assert sign * found.warning > sign * worst
    assert sign * found.warning > sign * warning
    assert sign * found.critical >= sign * found.warning
    assert found.critical > 0


# --- enough of them --------------------------------------------------------------------


def test_three_false_alarms_are_enough_and_two_are_not() -> None:
    assert ENOUGH == 3
    assert of(88, 91) is None
    found = of(88, 91, 93)
    assert found is not None
    assert found.after == Pair(warning=95, critical=97)
    assert (found.alarms, found.host, found.detector) == (3, "web-1", "cpu")


def test_old_ones_and_real_ones_do_not_count() -> None:
    old = closed(90, days=WINDOW.days + 1)
    real = closed(90, real=True)
    history = [closed(88), closed(91), old, real]
    assert suggestion("cpu", "", history, START) is None


def test_those_under_other_limits_do_not_count() -> None:
    before = Limits(warning=80, critical=95, clear_warning=70, clear_critical=85)
    other = closed(90, findings=(finding(value=90, limits=before),))
    assert suggestion("cpu", "", [closed(88), closed(91), other], START) is None


def test_without_data_nothing_is_known() -> None:
    blind = closed(
        90,
        findings=(finding(value=None, level=Level.UNKNOWN),),
        level=Level.UNKNOWN,
        title="No data for CPU on web-1",
    )
    assert suggestion("cpu", "", [blind] * 3, START) is None


def test_storms_say_nothing_about_a_limit() -> None:
    storm = closed(90, fingerprint="web-1/storm/x")
    assert suggestion("cpu", "", [storm] * 3, START) is None


def test_how_far_it_went_is_in_the_title_and_the_level_too() -> None:
    eased = closed(86, title="CPU 92 % on web-1")
    found = suggestion("cpu", "", [eased] * 3, START)
    assert found is not None
    assert found.worst == 92.5
    critical = closed(86, title="CPU 87 % on web-1", level=Level.CRITICAL)
    found = suggestion("cpu", "", [critical] * 3, START)
    assert found is not None
    assert found.worst == 95


def test_a_condition_that_joined_another_counts_by_its_own_value() -> None:
    memory = finding(detector="memory", label="Memory available", limits=LOW, value=4)
    both = (finding(value=91.0), memory)
    joined = closed(98, findings=both, title="CPU 92 % on web-1")
    history = [joined] * 3
    cpu, low = (suggestion(name, "", history, START) for name in ("cpu", "memory"))
    assert cpu is not None
    assert low is not None
    assert (cpu.worst, low.worst) == (92.5, 4)
    assert suggestion("filesystem", "", history, START) is None


def test_older_incidents_without_the_condition_are_passed_over() -> None:
    other = closed(90, findings=(finding(detector="memory", value=4.0),))
    found = suggestion("cpu", "", [*[closed(88)] * 3, other], START)
    assert found is not None
    assert found.remembered == 3


# --- of what --------------------------------------------------------------------------


def full(mount: str, value: float = 90.0, **more: object) -> Incident:
    found = finding(
        detector="filesystem", subject=mount, label=f"Disk {mount}", value=value
    )
    fields = {"findings": (found,), "title": f"Disk {mount} {value:.0f} % on web-1"}
    return closed(value, **{**fields, **more})


def burned(pid: int, label: str) -> Incident:
    by = Culprit(process=process(pid, label=label), share=1.0, amount=90.0)
    found = finding(
        detector="runaway_process", subject=f"process:{pid}:{pid * 10}", value=88.0
    )
    return closed(88, findings=(found,), culprit=by)


def test_false_alarms_of_different_mounts_are_not_added_together() -> None:
    history = [full("/"), full("/var"), full("/srv"), full("/var")]
    for mount in ("/", "/var", "/srv"):
        assert suggestion("filesystem", mount, history, START) is None


def test_false_alarms_of_one_mount_name_it() -> None:
    history = [full("/var"), full("/"), full("/var", 88), full("/var")]
    found = suggestion("filesystem", "/var", history, START)
    assert found is not None
    assert (found.subject, found.alarms) == ("/var", 3)
    assert told(found, "").startswith("3 false alarms of filesystem (/var) on web-1 ")


def test_what_the_limit_would_miss_is_counted_for_all_mounts() -> None:
    real = full("/srv", 91, real=True)
    history = [full("/var"), full("/var"), full("/var"), real]
    found = suggestion("filesystem", "/var", history, START)
    assert found is not None
    assert (found.remembered, found.unheard) == (4, 1)


def test_a_program_is_the_same_with_every_pid_and_another_is_not() -> None:
    history = [burned(n, "burn.py") for n in (1, 2, 3)] + [burned(4, "sort.py")]
    assert subjects(history[0], "runaway_process") == ["burn.py"]
    found = suggestion("runaway_process", "burn.py", history, START)
    assert found is not None
    assert found.alarms == 3
    assert suggestion("runaway_process", "sort.py", history, START) is None


def test_a_process_that_nobody_knows_any_more_is_only_itself() -> None:
    gone = finding(
        detector="runaway_process", subject="process:7:70", label="CPU of pid 7"
    )
    assert subjects(closed(90, findings=(gone,)), "runaway_process") == ["CPU of pid 7"]


def test_of_two_mounts_in_one_incident_each_is_looked_at() -> None:
    both = (
        finding(detector="filesystem", subject="/", value=90.0),
        finding(detector="filesystem", subject="/var", value=97.0),
    )
    history = [closed(90, findings=both, title="Two disks on web-1")] * 3
    assert subjects(history[0], "filesystem") == ["/", "/var"]
    root, var = (suggestion("filesystem", m, history, START) for m in ("/", "/var"))
    assert root is not None
    assert var is not None
    assert (root.worst, var.worst) == (90, 97)


# --- what would have fired --------------------------------------------------------------


def test_the_history_is_counted_under_both_limits() -> None:
    over = {"findings": (finding(value=5.0, level=Level.OK),)}
    history = [
        closed(88),
        closed(91),
        closed(93),
        closed(98, real=True, **over),
        closed(90, real=True, **over),
    ]
    found = suggestion("cpu", "", history, START)
    assert found is not None
    counted = found.remembered, found.fired, found.would_fire, found.unheard
    assert counted == (5, 5, 1, 1)


def test_the_words_say_what_and_that_it_is_not_applied() -> None:
    found = of(88, 91, 93)
    assert found is not None
    text = told(found, difference(found, {}))
    assert text.startswith(
        "3 false alarms of cpu on web-1 within 30 days, at up to 93.5 %. "
        "Proposed, not applied: warning 85 % becomes 95 %."
    )
    assert "85 % fired 3 times and 95 % would have fired 0 times" in text
    assert "+    warning: 95" in text


def test_where_no_limit_helps_none_is_proposed() -> None:
    found = of(100, 100, 100)
    assert found is not None
    assert found.after is None
    text = told(found, difference(found, {"warning": 85}))
    assert "none is proposed" in text
    assert "+" not in text


# --- the difference ---------------------------------------------------------------------


def test_the_difference_shows_the_section_as_it_stands() -> None:
    found = of(88, 88, 88)
    assert found is not None
    shown = difference(found, {"for": "2m", "warning": 85, "enabled": True})
    assert shown.splitlines() == [
        "--- countersign.yaml",
        "+++ proposed",
        "@@ -1,5 +1,5 @@",
        " detectors:",
        "   cpu:",
        "     for: 2m",
        "-    warning: 85",
        "+    warning: 90",
        "     enabled: true",
    ]


@pytest.mark.parametrize("section", [{}, {"warning": 85, "critical": 95}])
def test_what_is_added_is_valid(section: dict[str, object]) -> None:
    found = of(88, 91, 93)
    assert found is not None
    kept = [
        line[1:]
        for line in difference(found, section).splitlines()[3:]
        if not line.startswith("-")
    ]
    assert yaml.safe_load("\n".join(kept)) == {
        "detectors": {"cpu": {"warning": 95, "critical": 97}}
    }
