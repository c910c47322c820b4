"""The shipped rules against a real Prometheus with eight days of a fleet, sick and well."""

import re
import subprocess
import time
from collections.abc import Iterator

import pytest

from bot.config.prometheus import PrometheusServer, Rule
from bot.config.settings import check
from bot.config.yamlfile import read
from bot.measuring.series import judged
from bot.model import Level
from bot.prometheus.answer import Sample
from bot.prometheus.server import Server
from tests.catalogue import SICK, WELL, Case
from tests.real.machines import ROOT
from tests.real.prometheus import prometheus, promtool

pytestmark = pytest.mark.timeout(180)
# Their figures are times of their own clock, which begins at zero.
TIMES = {"certificate_ends", "rebooted"}
_RULES = check(read(ROOT / "deploy" / "prometheus.example.yaml"), {}).settings
RULES = {r.name: r for r in _RULES.prometheus.rules if r.name not in TIMES}
# Where each kind of series has its name, by which the cases are told apart.
PLACE = re.compile(r"web-7|shop\.example|\bshop\b|cart-7d9f-x2x4z|node-3")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("fleet")
    now = int(time.time())
    lines = [
        line
        for kind, cases in (("sick", SICK), ("well", WELL))
        for name in RULES
        for line in _written(cases[name], f"{kind}.{name}", now)
    ]
    (folder / "fleet.txt").write_text("\n".join([*lines, "# EOF", ""]))
    words = ("tsdb", "create-blocks-from", "openmetrics")
    subprocess.run(
        [promtool(), *words, str(folder / "fleet.txt"), str(folder / "tsdb")],
        check=True,
        capture_output=True,
        timeout=120,
    )
    with prometheus(folder) as real:
        section = PrometheusServer.model_validate({"url": real.url, "timeout": "20s"})
        yield Server(name="main", section=section)


def _written(case: Case, place: str, now: int) -> Iterator[str]:
    """Write a case's series as OpenMetrics that end now, under names of its own."""
    for series, text in case.lines.items():
        own = PLACE.sub(place, series)
        values = list(_values(text))[: case.minutes + 1]
        began = now - 60 * (len(values) - 1)
        for minute, value in enumerate(values):
            if value is not None:
                yield f"{own} {value} {began + 60 * minute}"


def _values(text: str) -> Iterator[float | None]:
    """Read promtool's notation: `1x3`, `0+2x3`, `_x3`, plain numbers."""
    for word in text.split():
        start, _, times = word.partition("x")
        if start == "_":
            yield from [None] * int(times or 1)
            continue
        found = re.fullmatch(r"(-?[\d.e+]+?)([+-][\d.]+)?", start)
        assert found, word
        step = float(found[2] or 0)
        for n in range(int(times) + 1 if times else 1):
            yield float(found[1]) + n * step


def loud(rule: Rule, told: tuple[Sample, ...]) -> set[str]:
    """The names in the labels of what is judged bad."""
    bad = [s for s in told if judged(rule, s.value, Level.OK) is not Level.OK]
    return {" ".join(sample.labels.values()) for sample in bad}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_tells_the_sick_from_the_well(fleet: Server, name: str) -> None:
    rule = RULES[name]
    found = loud(rule, fleet.now(rule.expr))
    assert any(f"sick.{name}" in labels for labels in found)
    assert not any(f"well.{name}" in labels for labels in found)


def test_a_round_of_the_whole_catalogue_is_quick(fleet: Server) -> None:
    began = time.monotonic()
    series = sum(len(fleet.now(rule.expr)) for rule in RULES.values())
    spent = time.monotonic() - began
    print(f"{len(RULES)} rules, {series} series told, {spent:.2f} s")
    # An interval of the detector is fifteen seconds.
    assert spent < 15
