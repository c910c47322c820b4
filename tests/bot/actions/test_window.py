"""How long it is measured whether an action helped, and that it is, to the end."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.actions.window import LONGEST, Window, longest_range
from bot.alerts.alert import Timing
from bot.config.prometheus import PrometheusServer, Rule
from bot.detectors.prometheus import PrometheusDetector, PrometheusSection
from bot.model import Check, Incident, Phase
from bot.prometheus.server import Server
from bot.storage import store
from bot.storage.database import Database
from tests.detectors.pieces import PaperFacts, context
from tests.fakes.lying import Liar, liar, one
from tests.fakes.story import Story
from tests.fakes.things import finding, incident

MINUTE = timedelta(minutes=1)
NOWHERE = Path("/nonexistent")
RATE = Rule(
    name="cpu",
    expr='100 * (1 - avg by (instance) (rate(idle{mode="[9h]"}[5m])))',
    for_=timedelta(0),
    keep_firing_for=MINUTE,
    warning=80,
    unit="%",
    label="CPU",
)


@pytest.mark.parametrize(
    ("expr", "minutes"),
    [
        ("cpu", 0),
        ("rate(x[5m])", 5),
        ("rate(x[1h30m]) > 1", 60),
        ("max_over_time(rate(x[5m])[30m:1m])", 30),
        ("rate(x[ 2m ]) + rate(y[90s])", 2),
        ('x{a="[50m]"}', 0),
        ("x{a='\\'[50m]'} # [40m]", 0),
        ("x{a=`[50m]`}", 0),
        ("deriv(x[6h])", 60),
        ("x[99999999999y]", 60),
        ("x offset 1d", 0),
        ("rate(x[500ms])", 0.5 / 60),
    ],
)
def test_an_expression_looks_back_as_far_as_its_longest_range(
    expr: str, minutes: float
) -> None:
    assert longest_range(expr) == timedelta(minutes=minutes)


def test_a_told_alert_is_measured_for_as_long_as_its_end_takes() -> None:
    window = Window(MINUTE, {}, settle=2 * MINUTE)
    assert window(incident(findings=(finding(detector="alert"),))) == 2 * MINUTE
    assert window(incident(findings=(finding(),))) == MINUTE


@given(st.text(alphabet="[]\"'`\\#:0123456789smhdwy x\n", max_size=60))
def test_whatever_is_written_there_is_a_bounded_window(expr: str) -> None:
    assert timedelta(0) <= longest_range(expr) <= LONGEST


def of_rule(name: str) -> Incident:
    subject = f"{name}@web-7#1a2b3c4d5e"
    return incident(findings=(finding(detector="prometheus", subject=subject),))


def test_the_window_covers_what_a_rule_looks_back_on() -> None:
    intervals = {"prometheus": timedelta(seconds=15)}
    window = Window(MINUTE, intervals, [RATE])
    assert window(of_rule("cpu")) == timedelta(minutes=5, seconds=30)
    assert window(of_rule("gone")) == MINUTE
    assert window(incident()) == MINUTE
    assert Window(10 * MINUTE, intervals, [RATE])(of_rule("cpu")) == 10 * MINUTE


# --- measured to the end ------------------------------------------------------------------


@pytest.fixture
def lies() -> Iterator[Liar]:
    with liar() as running:
        yield running


class Acted:
    """An incident of a rule, after somebody acted on it."""

    def __init__(self, database: Database, lies: Liar) -> None:
        self.story = Story(database)
        self.lies = lies
        section = PrometheusServer.model_validate({"url": lies.url, "timeout": "1s"})
        server = Server(name="main", section=section)
        host = context(NOWHERE, self.story.clock, PaperFacts(NOWHERE))
        self.detector = PrometheusDetector(
            PrometheusSection(), replace(host, rules=[(RATE, server)])
        )
        self.round("97")
        self.round("97")
        (found,) = self.story.open()
        self.number = found.number
        check = Check(
            proposal="p",
            acted=self.story.clock.now(),
            window=Window(MINUTE, {"prometheus": timedelta(seconds=15)}, [RATE])(found),
            before=found.findings,
        )
        with database.write() as tx:
            store.bump(tx, found.number, check=check)

    def round(self, value: str) -> None:
        self.story.clock.go(15)
        self.lies.says([one(value, instance="web-7:9100")])
        respond = self.story.respond
        found = self.detector.check(respond.watched("prometheus"))
        respond.absorb(found, Timing(hold_for=timedelta(0), keep_for=timedelta(0)))

    def ends_with(self, *values: str) -> Incident:
        """The incident after the window, a value for each round and then the last."""
        for value in values:
            self.round(value)
        while self.story.incident(self.number).check is not None:
            self.round(values[-1])
        return self.story.incident(self.number)


def test_the_same_expression_says_before_and_after(
    database: Database, lies: Liar
) -> None:
    acted = Acted(database, lies)
    began = acted.story.clock.wall
    found = acted.ends_with("90", "60", "55", "50", "45", "40", "35", "30", "12")
    assert found.phase is Phase.RESOLVED
    # Its alert is over after a minute; the figure is the one at the end all the same.
    assert "Recovered: CPU 97 % → 12 %" in acted.story.texts()
    assert acted.story.clock.wall - began >= timedelta(minutes=5, seconds=30)


def test_what_comes_back_within_the_window_did_not_help(
    database: Database, lies: Liar
) -> None:
    acted = Acted(database, lies)
    found = acted.ends_with(*["12"] * 10, "96")
    assert found.phase is not Phase.RESOLVED
    assert "Unchanged: CPU 97 % → 96 %" in acted.story.texts()


def test_a_mean_is_given_the_time_to_fade() -> None:
    window = Window(timedelta(seconds=30), {"pressure": timedelta(seconds=5)})
    slow = finding(detector="pressure", looks_back=MINUTE)

    assert window(incident(findings=(finding(), slow))) == timedelta(seconds=130)
    assert window(incident(findings=(finding(),))) == timedelta(seconds=30)
