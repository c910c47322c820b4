"""Who knows the past is named in the configuration, and a wrong name is said so."""

from pathlib import Path

import pytest

from bot.config import yamlfile
from bot.config.environment import Environment
from bot.config.settings import check
from bot.config.yamlfile import BadConfiguration
from bot.detectors.surprise import SurpriseSection
from bot.host.metrics import History
from bot.measuring.habits import Habits
from bot.wiring import parts
from tests.detectors.pieces import HandClock
from tests.real.databases import fresh

ASKS = "detectors: {surprise: {warm_up: {server: mian, instance: web-1}}}"


def warming(text: str) -> list[str]:
    with pytest.raises(BadConfiguration) as error:
        check(yamlfile.parse(text.encode(), source="x"), {"surprise": SurpriseSection})
    return [str(problem) for problem in error.value.problems]


def test_a_server_that_is_not_known_is_named_with_the_nearest() -> None:
    known = "prometheus: {servers: {main: {url: http://p}, old: {url: http://o}}}\n"

    (said,) = warming(known + ASKS)

    assert "line 2" in said
    assert "detectors.surprise.warm_up.server: 'mian' was read" in said
    assert "did you mean main? known servers: main, old" in said


def test_a_server_is_wanted_and_there_are_none() -> None:
    (said,) = warming(ASKS)

    assert "it should be a name in prometheus.servers, which has none" in said


@pytest.mark.parametrize(
    ("warm_up", "why"),
    [
        ("{server: main}", "instance"),
        ("{server: main, instance: web-1, back: 61d}", "back"),
        ("{server: main, instance: web-1, bakc: 3d}", "did you mean back?"),
    ],
)
def test_what_is_wrong_with_a_warm_up_is_said(warm_up: str, why: str) -> None:
    known = "prometheus: {servers: {main: {url: http://p}}}\n"

    said = warming(f"{known}detectors: {{surprise: {{warm_up: {warm_up}}}}}")

    assert any(why in line for line in said)


@pytest.mark.parametrize("is_wanted", [True, False])
def test_it_is_there_where_the_configuration_wants_it(
    tmp_path: Path, *, is_wanted: bool
) -> None:
    warm_up = "{warm_up: {server: main, instance: web-1, back: 3d}}"
    lines = [
        "prometheus: {servers: {main: {url: http://127.0.0.1:9}}}",
        f"detectors: {{surprise: {warm_up if is_wanted else '{}'}}}",
    ]
    text = "\n".join(lines).encode()
    loaded = check(yamlfile.parse(text, source="x"), parts.sections())
    environment = Environment(config=tmp_path, state_dir=tmp_path)
    clock = HandClock()
    with fresh("sqlite", tmp_path) as database:
        habits = Habits(host="web-1", history=History(), database=database, clock=clock)
        made = parts.warm_up_of(loaded, environment, habits, clock)

    assert (made is not None) is is_wanted
