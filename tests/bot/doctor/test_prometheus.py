"""The doctor and Prometheus: what each rule gives, and what to do where it gives none."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.config.environment import Environment
from bot.config.settings import DetectorSection, Settings
from bot.detectors.surprise import SurpriseSection
from bot.doctor import prometheus
from bot.runtime.checkup import Grade
from tests.fakes.lying import Liar, liar, one


@pytest.fixture
def lies() -> Iterator[Liar]:
    with liar() as running:
        yield running


def found(
    url: str,
    secrets: dict[str, str],
    *,
    detectors: Mapping[str, DetectorSection] | None = None,
    **rule: object,
) -> list[tuple[Grade, str]]:
    deploys = rule.pop("deploys", None)
    raw = {"name": "cpu", "expr": "cpu", "warning": 80, **rule}
    servers = {"main": {"url": url, "timeout": "1s", "deploys": deploys}}
    section = {"servers": servers, "rules": [raw]}
    settings = Settings.model_validate({"prometheus": section})
    nowhere = Path("/nonexistent")
    environment = Environment(
        config=nowhere, state_dir=nowhere, prometheus_secrets=secrets
    )
    told = prometheus.checks(settings, environment, detectors or {})
    return [(finding.grade, finding.text) for finding in told]


def test_a_rule_that_gives_figures_is_fine(lies: Liar) -> None:
    lies.says([one(instance="web-7"), one(instance="web-8")])
    assert found(lies.url, {"main": "a-token"}) == [(Grade.FINE, "2 series")]
    assert lies.heard[0][1]["Authorization"] == "Bearer a-token"


def test_a_rule_that_gives_nothing_is_a_warning_unless_that_is_well(lies: Liar) -> None:
    lies.says([])
    ((grade, text),) = found(lies.url, {})
    assert grade is Grade.WARN and "missing: well" in text
    assert found(lies.url, {}, missing="well") == [(Grade.FINE, "0 series")]


def test_a_silent_server_is_a_warning(lies: Liar) -> None:
    lies.body = b"<html>"
    ((grade, text),) = found(lies.url, {})
    assert grade is Grade.WARN and "does not answer" in text


@pytest.mark.parametrize(
    ("value", "grade", "said"),
    [
        ("1763700000", Grade.FINE, "1 deployments"),
        ("1", Grade.WARN, "1 of 1 values are no second of our days"),
        ("-3", Grade.WARN, "1 of 1 values are no second of our days"),
        ("NaN", Grade.WARN, "1 of 1 values are no second of our days"),
    ],
)
def test_deployments_are_seconds(
    lies: Liar, value: str, grade: Grade, said: str
) -> None:
    lies.says([one(value)])
    _, (told, text) = found(lies.url, {}, deploys="deployed", missing="well")
    assert told is grade
    assert text.startswith(said)


def test_a_secret_for_nobody_is_a_warning_that_does_not_tell_it(lies: Liar) -> None:
    lies.says([one()])
    first, _ = found(lies.url, {"mian": "a-token"})
    assert first[0] is Grade.WARN and "mian" in first[1] and "a-token" not in first[1]


def test_without_a_server_nothing_is_said() -> None:
    nowhere = Path("/nonexistent")
    environment = Environment(config=nowhere, state_dir=nowhere)
    assert list(prometheus.checks(Settings(), environment, {})) == []


@pytest.mark.parametrize(
    ("points", "grade", "said"),
    [
        ("40", Grade.FINE, "it tells of web-1:9100"),
        ("5", Grade.WARN, "it has 5 points of the last 10 min"),
    ],
)
def test_who_tells_of_the_past_is_asked_too(
    lies: Liar, points: str, grade: Grade, said: str
) -> None:
    lies.says([one(points)])
    warm_up = {"server": "main", "instance": "web-1:9100"}
    section = SurpriseSection.model_validate({"warm_up": warm_up})

    _, (told, text) = found(lies.url, {}, detectors={"surprise": section})

    assert told is grade
    assert text.startswith(said)
