"""VictoriaMetrics for real: the same questions, answered as Prometheus answers them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.config.prometheus import PrometheusServer, Rule
from bot.detectors.prometheus import PrometheusDetector, PrometheusSection
from bot.model import Level
from bot.prometheus.answer import QuestionRefused
from bot.prometheus.figures import question, told_by
from bot.prometheus.selector import of_host_only, on_host
from bot.prometheus.server import Server
from tests.detectors.pieces import this_host
from tests.real.victoria import RealVictoria, victoria

RULE = Rule(
    name="cpu",
    expr="cpu",
    for_=timedelta(0),
    warning=80,
    critical=95,
    unit="%",
    label="CPU",
)
TOLD = (
    *("cpu", "load", "iowait", "steal", "memory", "swap", "thrashing", "fork_storm"),
    *("pressure/cpu", "pressure/memory", "pressure/io", "file_descriptors"),
    *("conntrack", "listen_overflow", "filesystem//", "inodes//"),
)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealVictoria]:
    with victoria(tmp_path_factory.mktemp("victoria")) as running:
        now = datetime.now(UTC)
        for minute in range(30):
            at = int((now - timedelta(minutes=minute)).timestamp() * 1000)
            running.take(
                f'cpu{{instance="web-7:9100"}} {97 if minute < 5 else 12} {at}',
                f'cpu{{instance="web-70:9100"}} 20 {at}',
                f'asked_total{{instance="web-7:9100"}} {(30 - minute) * 60} {at}',
            )
        yield running


def server(real: RealVictoria) -> Server:
    section = PrometheusServer.model_validate({"url": real.url, "timeout": "5s"})
    return Server(name="main", section=section)


def test_an_instant_and_a_course(real: RealVictoria) -> None:
    found = {s.labels["instance"]: s.value for s in server(real).now("cpu")}
    assert found == {"web-7:9100": 97.0, "web-70:9100": 20.0}
    until = datetime.now(UTC)
    since = until - timedelta(minutes=20)
    told = server(real).range("cpu", since, until, timedelta(minutes=1))
    (course,) = (one for one in told if one.labels["instance"] == "web-7:9100")
    assert course.points[0][1] == 12
    assert course.points[-1][1] == 97


def test_rates_and_the_narrowing_to_a_host(real: RealVictoria) -> None:
    (rate,) = server(real).now("rate(asked_total[10m])")
    assert rate.value == pytest.approx(1, rel=0.2)
    (one,) = server(real).now(f"cpu{{{on_host('instance', 'web-7')}}}")
    assert one.labels["instance"] == "web-7:9100"
    (same,) = server(real).now(
        of_host_only("max by (instance) (cpu)", "instance", "web-7")
    )
    assert same.value == 97


def test_what_it_refuses_is_told_in_its_words(real: RealVictoria) -> None:
    with pytest.raises(QuestionRefused):
        server(real).now("cpu{")


def test_a_rule_opens_a_condition_of_its_host(real: RealVictoria) -> None:
    host = replace(this_host(), rules=[(RULE, server(real))])
    found = PrometheusDetector(PrometheusSection(), host).check(())
    (cpu,) = (f for f in found if f.subject.startswith("cpu@"))
    assert (cpu.host, cpu.level, cpu.value) == ("web-7", Level.CRITICAL, 97.0)
    assert len(host.history.window(cpu.series, cpu.at - timedelta(hours=1))) > 10


def test_the_figures_of_a_host(real: RealVictoria) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for minute in range(9):
        at = int((now - timedelta(minutes=minute)).timestamp() * 1000)
        for mode, share in (("user", 15), ("idle", 45)):
            labels = f'instance="web-1:9100",cpu="0",mode="{mode}"'
            real.take(
                f"node_cpu_seconds_total{{{labels}}} {-share * minute + 999} {at}"
            )

    minutes = timedelta(minutes=1)
    asked = (question(told_by(name), "web-1:9100") for name in TOLD)
    told = [server(real).range(e, now - 3 * minutes, now, minutes) for e in asked]

    (cpu,) = told[0]
    assert [value for _, value in cpu.points] == pytest.approx([25.0] * 4)
