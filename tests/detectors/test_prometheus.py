"""Rules asked of a server: conditions of the hosts that labels name, never of this one."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.alerts.alert import Stage, Timing
from bot.alerts.conditions import Conditions
from bot.config.prometheus import PrometheusServer, Rule
from bot.detectors.prometheus import PrometheusDetector, PrometheusSection
from bot.model import Finding, Level
from bot.prometheus.server import Server
from tests.detectors.pieces import HOST, HandClock, PaperFacts, context
from tests.fakes.lying import Liar, liar, one

CPU = {
    "name": "cpu",
    "expr": "cpu",
    "warning": 80,
    "critical": 95,
    "unit": "%",
    "label": "CPU",
    "keep_firing_for": "30s",
}
NOWHERE = Path("/nonexistent")


@pytest.fixture
def lies() -> Iterator[Liar]:
    with liar() as running:
        yield running


class Fleet:
    """One detector, one server, and the alerts that its findings move."""

    def __init__(self, lies: Liar, *rules: dict[str, object]) -> None:
        self.clock = HandClock()
        self.lies = lies
        self.conditions = Conditions(lambda _: None)
        section = PrometheusServer.model_validate({"url": lies.url, "timeout": "1s"})
        server = Server(name="main", section=section)
        asked = [(Rule.model_validate(raw), server) for raw in rules or (CPU,)]
        host = context(NOWHERE, self.clock, PaperFacts(NOWHERE))
        self.host = replace(host, rules=asked)
        self.section = PrometheusSection()
        self.restart()

    def restart(self) -> None:
        self.detector = PrometheusDetector(self.section, self.host)

    def round(self, seconds: float = 15) -> dict[str, Finding]:
        """One round; findings by `host name-of-the-rule`."""
        self.clock.forward(seconds)
        watched = self.conditions.watched("prometheus")
        found = self.detector.check(watched)
        assert {f.subject for f in found} >= set(watched)
        timing = Timing(
            hold_for=self.section.for_, keep_for=self.section.keep_firing_for
        )
        now = self.clock.now()
        self.stages = {
            _short(f): alert.stage
            for f in found
            if (alert := self.conditions.advance(f, timing, now)) is not None
        }
        self.conditions.forget_over((), now.boot)
        return {_short(f): f for f in found}

    def until_firing(self, name: str) -> None:
        for _ in range(6):
            self.round()
        assert self.stages[name] is Stage.FIRING


def _short(finding: Finding) -> str:
    return f"{finding.host} {finding.subject.partition('@')[0]}"


WEB_7 = one("97", instance="web-7:9100", job="node")


def test_a_series_beyond_its_limit_is_a_condition_of_its_host(lies: Liar) -> None:
    lies.says([WEB_7, one("12", instance="web-8:9100", job="node")])
    found = Fleet(lies).round()
    assert set(found) == {f"{HOST} server:main", "web-7 cpu"}
    web_7 = found["web-7 cpu"]
    assert (web_7.host, web_7.level, web_7.value) == ("web-7", Level.CRITICAL, 97)
    assert web_7.summary == "CPU of web-7 is 97 %."
    facts = {fact.label: fact.value for fact in web_7.facts}
    assert facts["CPU"] == "97 % (limit 95 %)"
    assert facts["Labels"] == "instance=web-7:9100, job=node"
    assert found[f"{HOST} server:main"].level is Level.OK


def test_it_fires_after_its_rules_own_time(lies: Liar) -> None:
    lies.says([WEB_7])
    fleet = Fleet(lies, {**CPU, "for": "40s"})
    stages = []
    for _ in range(4):
        fleet.round()
        stages.append(fleet.stages["web-7 cpu"])
    assert stages == [Stage.PENDING] * 3 + [Stage.FIRING]


def test_it_is_over_after_its_rules_own_time_and_then_forgotten(lies: Liar) -> None:
    lies.says([WEB_7])
    fleet = Fleet(lies)
    fleet.until_firing("web-7 cpu")
    lies.says([one("50", instance="web-7:9100", job="node")])
    assert fleet.round()["web-7 cpu"].level is Level.OK
    assert fleet.stages["web-7 cpu"] is Stage.RECOVERING
    fleet.round(15)
    fleet.round(16)
    assert fleet.stages["web-7 cpu"] is Stage.OVER
    assert set(fleet.round()) == {f"{HOST} server:main"}
    assert {f.host for f in fleet.conditions.current().values()} == {HOST}


def test_a_value_between_the_limits_does_not_flap(lies: Liar) -> None:
    lies.says([one("81", instance="web-7")])
    fleet = Fleet(lies)
    fleet.round()
    lies.says([one("75", instance="web-7")])
    assert fleet.round()["web-7 cpu"].level is Level.WARNING
    fleet.restart()
    assert fleet.round()["web-7 cpu"].level is Level.WARNING


def test_low_values_can_be_the_bad_ones(lies: Liar) -> None:
    lies.says([one("3", instance="web-7"), one("90", instance="web-8")])
    rule = {**CPU, "name": "days", "bad": "below", "warning": 14, "critical": None}
    found = Fleet(lies, rule).round()
    assert found["web-7 days"].level is Level.WARNING
    assert "web-8 days" not in found


# --- no data is never well -------------------------------------------------------------


def _dies(lies: Liar) -> None:
    lies.hangs = True


def _pretends(lies: Liar) -> None:
    lies.body = b"<html>Sign in</html>"


def _fails(lies: Liar) -> None:
    lies.status, lies.body = 500, b""


@pytest.mark.parametrize("fault", [_dies, _pretends, _fails])
def test_a_silent_server_is_one_condition_and_nothing_gets_well(
    lies: Liar, fault: object
) -> None:
    assert callable(fault)
    lies.says([WEB_7])
    fleet = Fleet(lies, CPU, {**CPU, "name": "memory"})
    fleet.until_firing("web-7 cpu")
    fault(lies)
    for _ in range(6):
        found = fleet.round()
    assert set(found) == {f"{HOST} server:main", "web-7 cpu", "web-7 memory"}
    assert {f.level for f in found.values()} == {Level.UNKNOWN}
    assert set(fleet.stages.values()) == {Stage.FIRING}
    told = found[f"{HOST} server:main"].summary
    assert told.startswith("Prometheus main does not answer: ")
    assert told.endswith("What 2 rules would tell is unknown.")


def test_a_dead_server_is_not_asked_every_rule(lies: Liar) -> None:
    lies.hangs = True
    rules = [{**CPU, "name": f"rule{n}"} for n in range(20)]
    fleet = Fleet(lies, *rules)
    found = fleet.round()
    assert len(lies.heard) <= 9
    assert set(found) == {f"{HOST} server:main"}
    assert "no answer within 1 s" in found[f"{HOST} server:main"].summary


def test_slow_rules_do_not_keep_a_living_server_from_the_others(lies: Liar) -> None:
    lies.says([one("3", instance="web-7")])
    lies.slow = "slow"
    slow = [{**CPU, "name": f"s{n}", "expr": "slow"} for n in range(6)]
    quick = [{**CPU, "name": f"q{n}"} for n in range(6)]
    found = Fleet(lies, *slow, *quick).round()
    assert found[f"{HOST} server:main"].level is Level.OK
    troubled = {f"{HOST} rule:s{n}" for n in range(6)}
    assert set(found) == {f"{HOST} server:main"} | troubled


def test_a_silent_server_that_answers_again_is_well(lies: Liar) -> None:
    fleet = Fleet(lies)
    lies.body = b"<html>"
    fleet.until_firing(f"{HOST} server:main")
    lies.says([one("3", instance="web-7")])
    for _ in range(4):
        found = fleet.round()
    assert found[f"{HOST} server:main"].level is Level.OK
    assert fleet.stages == {} or set(fleet.stages.values()) == {Stage.OVER}


def test_a_series_that_vanished_is_unknown_and_then_over_and_says_so(
    lies: Liar,
) -> None:
    others = [one("1", instance="web-8")]
    lies.says([WEB_7, *others])
    fleet = Fleet(lies)
    fleet.until_firing("web-7 cpu")
    lies.says(others)
    assert fleet.round()["web-7 cpu"].level is Level.UNKNOWN
    assert fleet.stages["web-7 cpu"] is Stage.FIRING
    fleet.round()
    last = fleet.round()["web-7 cpu"]
    assert fleet.stages["web-7 cpu"] is Stage.OVER
    assert last.value is None
    assert "whether web-7 is well is not known" in last.summary


def test_what_vanished_before_it_fired_never_fires(lies: Liar) -> None:
    others = [one("1", instance="web-8")]
    lies.says([WEB_7, *others])
    fleet = Fleet(lies, {**CPU, "keep_firing_for": "10m"})
    fleet.round()
    lies.says(others)
    for _ in range(20):
        fleet.round()
        assert fleet.stages["web-7 cpu"] is Stage.PENDING


def test_a_rule_that_filters_is_well_without_a_series(lies: Liar) -> None:
    rule = {**CPU, "name": "down", "expr": "up == 0", "missing": "well"}
    lies.says([one("97", instance="web-7")])
    fleet = Fleet(lies, rule)
    fleet.until_firing("web-7 down")
    lies.says([])
    found = fleet.round()
    assert found["web-7 down"].level is Level.OK
    assert f"{HOST} rule:down" not in found


def test_a_rule_without_any_series_is_unknown(lies: Liar) -> None:
    lies.says([])
    found = Fleet(lies).round()[f"{HOST} rule:cpu"]
    assert found.level is Level.UNKNOWN
    assert "has no series with a number" in found.summary


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_number_is_no_data(lies: Liar, value: str) -> None:
    lies.says([one(value, instance="web-7")])
    found = Fleet(lies).round()
    assert found[f"{HOST} rule:cpu"].level is Level.UNKNOWN
    assert "web-7 cpu" not in found


def test_a_refused_rule_leaves_the_others_alone(lies: Liar) -> None:
    lies.says([one(instance=f"web-{n}") for n in range(1200)])
    found = Fleet(lies).round()
    assert "gives 1,200 series" in found[f"{HOST} rule:cpu"].summary
    assert found[f"{HOST} server:main"].level is Level.OK


def test_a_rule_that_is_configured_no_more_is_over(lies: Liar) -> None:
    lies.says([WEB_7])
    fleet = Fleet(lies)
    fleet.until_firing("web-7 cpu")
    fleet.host = replace(fleet.host, rules=())
    fleet.restart()
    assert fleet.round()["web-7 cpu"].level is Level.OK
    assert fleet.stages["web-7 cpu"] is Stage.OVER


def test_a_restarted_bot_knows_whose_condition_it_was(lies: Liar) -> None:
    lies.says([WEB_7])
    fleet = Fleet(lies)
    fleet.until_firing("web-7 cpu")
    lies.body = b"<html>"
    fleet.restart()
    assert fleet.round()["web-7 cpu"].level is Level.UNKNOWN
    assert fleet.stages["web-7 cpu"] is Stage.FIRING


# --- labels are anybody's words --------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "host"),
    [
        ("web-7:9100", "web-7"),
        ("Web-7.example", "Web-7.example"),
        ("[fd00::7]:9100", "fd00__7"),
        ("https://shop.example/health?q=1", "shop.example"),
        ("web-7\n<!channel>", "web-7__channel_"),
        ("", HOST),
        ("../../etc", ""),
        ("w" * 300, "w" * 63),
        ("[", "_"),
        ("-oProxyCommand=x", "oProxyCommand_x"),
    ],
)
def test_a_host_has_the_shape_of_a_host(lies: Liar, label: str, host: str) -> None:
    lies.says([one("97", instance=label)])
    found = Fleet(lies).round()
    (cpu,) = [f for f in found.values() if f.subject.startswith("cpu@")]
    assert cpu.host == (host or HOST)
    assert cpu.subject.isascii() and len(cpu.subject) < 120


def test_labels_are_clean_words_and_no_question(lies: Liar) -> None:
    bad = 'x"} or vector(1) #\x1b[31m\u202e{value}' + "y" * 10_000
    labels = {f"l{n}": bad for n in range(40)}
    lies.says([one("97", instance="web-7", **labels)])
    summary = "{l1} of {nothing} is {value}"
    found = Fleet(lies, {**CPU, "summary": summary}).round()["web-7 cpu"]
    shown = [found.summary, *(fact.value for fact in found.facts)]
    assert all(text.isprintable() and len(text) < 500 for text in shown)
    assert found.summary.endswith("of ? is 97 %")
    asked = {path.partition("&")[0] for path, _ in lies.heard}
    assert asked == {"/api/v1/query?query=cpu", "/api/v1/query_range?query=cpu"}


def test_only_some_are_drawn_so_that_the_hosts_own_charts_stay(lies: Liar) -> None:
    lies.says([one(instance=f"web-{n}") for n in range(900)])
    found = Fleet(lies).round().values()
    assert len(found) == 901
    assert len([f for f in found if f.series]) == 50


def test_a_course_that_is_refused_costs_one_question_and_nothing_else(
    lies: Liar,
) -> None:
    lies.says([WEB_7])  # an instant vector is no answer to a range
    fleet = Fleet(lies, CPU, {**CPU, "name": "memory"})
    assert {"web-7 cpu", "web-7 memory"} <= set(fleet.round())
    asked = [path for path, _ in lies.heard if "query_range" in path]
    assert len(asked) == 1
    fleet.round()
    assert len([path for path, _ in lies.heard if "query_range" in path]) == 1


def test_without_rules_nothing_is_asked(lies: Liar) -> None:
    fleet = Fleet(lies)
    fleet.host = replace(fleet.host, rules=())
    fleet.restart()
    watched: Collection[str] = frozenset()
    assert fleet.detector.check(watched) == []
    assert lies.heard == []
