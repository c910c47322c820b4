"""Told alerts as conditions: whose, how bad, in which words, and until when."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.config.alerts import AlertsSection
from bot.detectors import alert as detector
from bot.detectors.alert import EACH, MOST, AlertDetector, AlertSection
from bot.inbound.inbox import KeptAlert
from bot.inbound.told import Source, ToldAlert
from bot.model import Level
from tests.detectors.pieces import context
from tests.fakes.clock import START, FakeClock
from tests.fakes.story import FakeReader


def alert(name: str = "HighLatency", **labels: str) -> ToldAlert:
    named = {"alertname": name, "instance": "web-7:9100", "severity": "critical"}
    return ToldAlert(
        source=Source.ALERTMANAGER,
        fingerprint=f"{name}{sorted(labels.items())}",
        starts_at=START - timedelta(minutes=4),
        is_firing=True,
        labels={k: v for k, v in (named | labels).items() if v},
        annotations={"summary": f"{name} is bad", "description": "p99 over 2 s"},
        group="g1",
    )


@dataclass
class Told:
    """A detector and what was told to it."""

    clock: FakeClock = field(default_factory=FakeClock)
    kept: list[KeptAlert] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        host = context(Path("/nowhere"), self.clock, FakeReader())
        host = replace(
            host,
            inbox=lambda: tuple(self.kept),
            missed=lambda alerts: self.missed.extend(a.name for a in alerts),
            alerts=AlertsSection(),
        )
        self.detector = AlertDetector(AlertSection(), host)

    def says(self, *alerts: ToldAlert) -> None:
        self.kept = [KeptAlert(alert=a, heard_at=self.clock.wall) for a in alerts]


@pytest.fixture
def others() -> Told:
    return Told()


def test_what_led_to_nothing_was_shown_in_vain(others: Told) -> None:
    others.says(alert("A"), alert("B"))
    found = {f.label: f.subject for f in others.detector.check(())}
    assert others.missed == []
    others.detector.check((found["A"],))
    assert others.missed == ["B"]
    others.detector.check(tuple(found.values()))
    assert others.missed == ["B"]


def test_an_alert_is_a_condition_of_the_host_it_names(others: Told) -> None:
    others.says(alert(service="nginx"))
    (found,) = others.detector.check(())
    assert (found.host, found.label, found.shown) == ("web-7", "HighLatency", "firing")
    assert found.level is Level.CRITICAL
    assert found.summary == "HighLatency is bad"
    assert found.began == START - timedelta(minutes=4)
    assert found.service_name == "nginx.service"
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Told by"] == "Alertmanager"
    assert facts["Description"] == "p99 over 2 s"
    assert facts["Labels"] == "instance=web-7:9100, service=nginx"


@pytest.mark.parametrize(
    ("severity", "level"),
    [("critical", Level.CRITICAL), ("PAGE", Level.CRITICAL), ("", Level.WARNING)],
)
def test_severity_is_what_the_configuration_says(
    others: Told, severity: str, level: Level
) -> None:
    others.says(alert(severity=severity))
    (found,) = others.detector.check(())
    assert found.level is level


def test_a_watchdog_is_no_news(others: Told) -> None:
    others.says(alert("Watchdog", severity="none"), alert("Info", severity="info"))
    assert others.detector.check(()) == []


def test_what_names_no_host_is_the_fleets(others: Told) -> None:
    others.says(alert(instance=""))
    (found,) = others.detector.check(())
    assert found.host == "fleet"


def test_the_first_label_that_it_has_names_the_host(others: Told) -> None:
    others.says(alert(instance="", node="k8s-3", host=""))
    (found,) = others.detector.check(())
    assert found.host == "k8s-3"


def test_what_is_over_is_told_with_its_old_words(others: Told) -> None:
    others.says(alert())
    (found,) = others.detector.check(())
    others.says()
    (over,) = others.detector.check({found.subject})
    assert (over.level, over.key) == (Level.OK, found.key)
    assert over.summary == "Alertmanager says that HighLatency of web-7 is over."


def test_after_a_restart_the_subject_says_whose_it_was(others: Told) -> None:
    others.says(alert())
    (found,) = others.detector.check(())
    (over,) = Told().detector.check({found.subject})
    assert (over.host, over.label, over.level) == ("web-7", "HighLatency", Level.OK)


def test_a_sender_that_falls_silent_leaves_open_how_it_stands(others: Told) -> None:
    others.says(alert())
    others.clock.go(timedelta(hours=23).total_seconds())
    (found,) = others.detector.check(())
    assert found.level is Level.CRITICAL
    others.clock.go(timedelta(hours=2).total_seconds())
    (over,) = others.detector.check({found.subject})
    assert (over.level, over.value) == (Level.OK, None)
    assert "how it stands is not known" in over.summary


@pytest.mark.parametrize("name", ["a@b#c", "../../x", "\n\n", "x" * 5000, "{}"])
def test_odd_names_stay_names(others: Told, name: str) -> None:
    others.says(alert(name))
    (found,) = others.detector.check(())
    assert len(found.subject) < 150
    others.says()
    (over,) = others.detector.check({found.subject})
    assert over.key == found.key
    assert over.host == "web-7"


def test_two_series_of_one_name_are_two_conditions(others: Told) -> None:
    others.says(alert(path="/a"), alert(path="/b"))
    one, two = others.detector.check(())
    assert one.key != two.key


def test_of_one_name_a_hundred_are_conditions_and_the_rest_is_one(others: Told) -> None:
    many = [alert("Down", instance=f"web-{n}") for n in range(250)]
    others.says(*many)
    first = others.detector.check(())
    assert len(first) == EACH + 1
    rest = first[-1]
    assert (rest.stands_for, rest.host, rest.level) == (150, "fleet", Level.CRITICAL)
    assert rest.summary == "150 more alerts Down fire."
    watched = {f.subject for f in first}
    again = others.detector.check(watched)
    assert {f.subject for f in again} == watched, "those that are known go on"
    others.says(*many[:60])
    over = [f for f in others.detector.check(watched) if f.level is Level.OK]
    assert rest.subject in {f.subject for f in over}


def test_of_many_names_a_thousand_are_conditions(others: Told) -> None:
    others.says(*(alert(f"A{n}") for n in range(MOST + 20)))
    found = others.detector.check(())
    assert len(found) == MOST + 1
    assert (found[-1].label, found[-1].stands_for) == ("others", 20)


def test_room_that_gets_tight_is_a_condition(
    others: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector, "MOST_FIRING", 10)
    others.says(*(alert(f"A{n}") for n in range(9)))
    (room,) = (f for f in others.detector.check(()) if f.subject == "room")
    assert (room.level, room.value) == (Level.CRITICAL, 9.0)
    others.says(alert())
    (room,) = (f for f in others.detector.check({"room"}) if f.subject == "room")
    assert room.level is Level.OK


def test_a_host_whose_name_had_to_be_changed_is_no_host_of_ours(others: Told) -> None:
    others.says(alert(instance="web_1:9100"), alert("B", instance="web 1"))
    assert {f.host for f in others.detector.check(())} == {"web_1"}
