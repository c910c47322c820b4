"""Evidence from a real Prometheus with a past, and from servers that give none."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.config.prometheus import PrometheusServer, Rule
from bot.evidence.prometheus import TOTAL, PrometheusEvidence
from bot.host.host import HostContext
from bot.measuring.series import measured_finding, subject_of
from bot.model import EvidenceItem, Finding, Incident, Level
from bot.prometheus.answer import Sample
from bot.prometheus.related import BASICS
from bot.prometheus.selector import on_host
from bot.prometheus.server import Server
from bot.storage.database import Database
from bot.storage.marks import Marks, keep, made
from tests.detectors.pieces import this_host
from tests.fakes.lying import Liar, liar, one
from tests.fakes.things import incident
from tests.real.databases import fresh
from tests.real.prometheus import RealPrometheus, prometheus

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
RULE = Rule(name="cpu", expr="cpu", warning=85, critical=95, unit="%", label="CPU")
WEB_7 = 'instance="web-7:9100"'
FLEET = {f'cpu{{instance="web-{n}:9100"}}': float(n) for n in range(10, 30)}
Points = Sequence[tuple[datetime, float]]


def minutes(start: timedelta, end: timedelta, *values: float) -> Points:
    """A point each minute between two ages, the values in turn."""
    began = datetime.now(UTC) - start
    count = int((start - end) / MINUTE)
    return [(began + n * MINUTE, values[n % len(values)]) for n in range(count)]


def around(age: timedelta, value: float) -> Points:
    return minutes(age + 20 * MINUTE, age - 20 * MINUTE, value)


def node(name: str, usual: Sequence[float], recent: float) -> dict[str, Points]:
    before = minutes(timedelta(hours=8), 8 * MINUTE, *usual)
    return {f"{name}{{{WEB_7}}}": [*before, *minutes(8 * MINUTE, MINUTE, recent)]}


def past() -> dict[str, Points]:
    return {
        f'cpu{{{WEB_7},job="fleet"}}': around(DAY, 41),
        # It was scraped by another job then.
        f'cpu{{{WEB_7},job="old"}}': around(7 * DAY, 40),
        **node("node_load1", (1.0, 1.2, 1.1), 48.0),
        **node("node_memory_MemAvailable_bytes", (500.0, 510.0), 505.0),
        **node("node_memory_MemTotal_bytes", (1000.0,), 1000.0),
        'node_load1{instance="web-70:9100"}': minutes(8 * 60 * MINUTE, MINUTE, 9.0),
    }


def live() -> dict[str, float]:
    """What is scraped: half an hour ago it booted, before it something was deployed."""

    def ago(age: timedelta) -> float:
        return (datetime.now(UTC) - age).timestamp()

    shop = 'deployed{service="shop",instance=""'
    return {
        f"node_boot_time_seconds{{{WEB_7}}}": ago(30 * MINUTE),
        f'{shop},version="2.31"}}': ago(50 * MINUTE),
        f'{shop},version="1.0"}}': ago(3 * DAY),
        'deployed{service="mail",instance="web-8:9100"}': ago(50 * MINUTE),
        f"cpu{{{WEB_7}}}": 97.0,
        **FLEET,
    }


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus(folder, past=past(), **live()) as running:
        running.wait_for("cpu == 97")
        yield running


@pytest.fixture
def lies() -> Iterator[Liar]:
    with liar() as running:
        yield running


def source(
    url: str, rule: Rule = RULE, marks: Marks | None = None
) -> PrometheusEvidence:
    host = host_with(url, rule)
    return PrometheusEvidence(replace(host, marks=marks) if marks else host)


def host_with(url: str, rule: Rule = RULE) -> HostContext:
    section = PrometheusServer.model_validate({"url": url, "deploys": "deployed"})
    server = Server(name="main", section=section)
    return replace(this_host(), rules=[(rule, server)])


def told_of(url: str, rule: Rule = RULE, host: str = "web-7") -> Incident:
    """The incident that the rule's series of a host opens."""
    server = host_with(url, rule).rules[0][1]
    (sample,) = (s for s in server.now(rule.expr) if host + ":" in s.labels["instance"])
    subject = subject_of(rule, sample.labels, otherwise="web-1")
    at = datetime.now(UTC)
    found = measured_finding(rule, sample, subject, Level.CRITICAL, at=at)
    return about(found)


def about(found: Finding) -> Incident:
    return incident(
        host=found.host,
        findings=(found,),
        since=found.at - timedelta(minutes=5),
        opened_at=found.at + timedelta(seconds=1),
    )


def titled(items: Sequence[EvidenceItem], words: str) -> str:
    (text,) = (item.text for item in items if words in item.title)
    return text


def test_a_figure_stands_beside_yesterday_and_last_week(real: RealPrometheus) -> None:
    host = host_with(real.url)
    found = told_of(real.url)
    series = found.lead.series
    for minute, value in ((3, 38.0), (2, 44.0)):
        host.history.append(series, found.since - minute * MINUTE, value, "%")
    items = PrometheusEvidence(host).gather(found)
    assert titled(items, "CPU of web-7, by Prometheus main").splitlines() == [
        "Now: 97 % (limit 95 %)",
        "In the 20 min before it began: 38 % to 44 %",
        "Yesterday at this time: 41 %",
        "Last week at this time: 40 %",
    ]


def test_it_is_one_host_of_many(real: RealPrometheus) -> None:
    items = source(real.url).gather(told_of(real.url))
    assert titled(items, "one host or all").splitlines() == [
        "1 of 21 hosts is above the limit of 85 %.",
        "97 %  web-7",
        "29 %  web-29",
        "28 %  web-28",
        "27 %  web-27",
        "26 %  web-26",
        "and 16 more",
    ]


def test_what_is_unusual_on_the_host_is_ranked_and_the_usual_is_not_said(
    real: RealPrometheus,
) -> None:
    items = source(real.url).gather(told_of(real.url))
    text = titled(items, "What else is unusual on web-7")
    assert text.startswith("Load: ")
    assert "usually 1.1 ± 0.1" in text
    assert "Memory" not in text


def test_where_nothing_is_unusual_that_is_said(real: RealPrometheus) -> None:
    rule = RULE.model_copy(update={"expr": 'node_load1{instance="web-70:9100"}'})
    items = source(real.url, rule).gather(told_of(real.url, rule, "web-70"))
    assert titled(items, "What else is unusual on web-70") == ("Nothing of Load.")


def test_what_happened_to_the_host_and_nothing_of_others(real: RealPrometheus) -> None:
    host, found = host_with(real.url), told_of(real.url)
    items = PrometheusEvidence(host).gather(found)
    text = titled(items, "What happened to web-7 in the day before")
    assert [line.partition("UTC  ")[2] for line in text.splitlines()] == [
        "reboot",
        "deploy shop 2.31",
    ]
    kept = host.backdrops.of(found.lead.series).happened
    assert [what for _, what in kept] == ["deploy shop 2.31", "reboot"]


def test_what_people_told_of_that_host_counts(
    real: RealPrometheus, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with fresh("sqlite", tmp_path_factory.mktemp("marks")) as database:
        _told(database, "web-7", "new kernel")
        _told(database, "web-8", "new disk")
        marked = source(real.url, marks=Marks(database))
        items = marked.gather(told_of(real.url))
    text = titled(items, "What happened to web-7")
    assert "new kernel, told by alice" in text
    assert "new disk" not in text


def _told(database: Database, host: str, what: str) -> None:
    now = datetime.now(UTC)
    with database.write() as tx:
        keep(tx, made(what, now=now, at=now - 10 * MINUTE, host=host, by="alice"))


def test_a_rule_that_filters_says_how_many_and_not_of_how_many(
    real: RealPrometheus,
) -> None:
    rule = RULE.model_copy(update={"expr": "cpu > 27", "missing": "well"})
    items = source(real.url, rule).gather(told_of(real.url, rule))
    assert titled(items, "one host or all").startswith("3 hosts are in its answer.")
    assert "Yesterday at this time: 41 %" in titled(items, "by Prometheus main")


# --- servers that give none -------------------------------------------------------------


def lied_about() -> Incident:
    at, labels = datetime.now(UTC), {"instance": "web-7:9100"}
    sample = Sample(labels=labels, value=97, at=at)
    subject = subject_of(RULE, labels, otherwise="web-1")
    return about(measured_finding(RULE, sample, subject, Level.CRITICAL, at=at))


def test_a_silent_server_is_one_line_in_time_and_then_left_alone(lies: Liar) -> None:
    lies.hangs = True
    asking = source(lies.url)
    began = time.monotonic()
    (item,) = asking.gather(lied_about())
    first = time.monotonic() - began
    assert item.title == "Prometheus main does not answer"
    assert "no answer within" in item.text
    assert first < TOTAL.total_seconds() + 1
    heard = len(lies.heard)
    (again,) = asking.gather(lied_about())
    assert "was not asked again" in again.text
    assert len(lies.heard) == heard


def test_a_server_that_falls_silent_half_way_costs_only_the_rest(lies: Liar) -> None:
    lies.says([one("97", instance="web-7:9100")])
    lies.slow = "node_"
    began = time.monotonic()
    asking = source(lies.url)
    items = asking.gather(lied_about())
    assert time.monotonic() - began < TOTAL.total_seconds() + 1
    assert "Now: 97 % (limit 95 %)" in titled(items, "by Prometheus main")
    assert not [item for item in items if "unusual" in item.title]
    heard = len(lies.heard)
    (again,) = asking.gather(lied_about())
    assert "was not asked again" in again.text
    assert len(lies.heard) == heard, "one slow incident a minute holds up the rounds"


@pytest.mark.parametrize("evil", ['web-7"} or vector(1) #', "web-7\\", ".*"])
def test_a_label_stays_a_value_in_what_is_asked(lies: Liar, evil: str) -> None:
    lies.says([one("97", instance=evil)])
    labels, at = {"instance": evil}, datetime.now(UTC)
    subject = subject_of(RULE, labels, otherwise="web-1")
    sample = Sample(labels=labels, value=97, at=at)
    found = measured_finding(RULE, sample, subject, Level.CRITICAL, at=at)
    source(lies.url).gather(about(found))
    asked = [parse_qs(urlsplit(path).query)["query"][0] for path, _ in lies.heard]
    named = [expr for expr in asked if "node_" in expr or "process_" in expr]
    matcher = on_host("instance", evil)
    assert len(named) == 1 + len(BASICS)
    for expr in named:
        # Without the quoted value nothing is left of it.
        assert matcher in expr
        assert evil not in expr.replace(matcher, "")


@pytest.mark.parametrize(
    "value", ["NaN", "+Inf", "-Inf", "1e308", "0", "-5", "99999999999999"]
)
def test_odd_figures_end_nothing(lies: Liar, value: str) -> None:
    lies.says([one(value, instance="web-7:9100")])
    items = source(lies.url).gather(lied_about())
    assert items
    assert not [item for item in items if "nan" in item.text.lower()]


def test_a_refused_question_is_not_a_silent_server(lies: Liar) -> None:
    lies.status, lies.body = 422, b'{"status":"error","error":"too many samples"}'
    items = source(lies.url).gather(lied_about())
    text = titled(items, "by Prometheus main")
    assert text.splitlines() == [
        "Now: no data; 97 % (limit 95 %) when it was told",
        "Yesterday at this time: not known",
        "Last week at this time: not known",
    ]


@pytest.mark.parametrize(
    "subject", ["rule:cpu@web-7", "server:main@web-7", "gone@web-7"]
)
def test_what_no_rule_tells_of_has_no_such_evidence(lies: Liar, subject: str) -> None:
    found = replace(lied_about().lead, subject=subject)
    assert source(lies.url).gather(about(found)) == []
    other = replace(lied_about().lead, detector="cpu")
    assert source(lies.url).gather(about(other)) == []
    assert lies.heard == []


# --- alerts that others told -----------------------------------------------------------


def told_alert(url: str, host: str = "web-7") -> tuple[PrometheusEvidence, Incident]:
    context = host_with(url)
    asking = PrometheusEvidence(
        replace(context, servers=[context.rules[0][1]], rules=[])
    )
    found = replace(lied_about().lead, detector="alert", host=host, subject="Down@x#1")
    return asking, about(found)


def test_of_a_told_alert_the_host_is_asked_about(real: RealPrometheus) -> None:
    asking, found = told_alert(real.url)
    items = asking.gather(found)
    assert titled(items, "What else is unusual on web-7").startswith("Load: ")
    assert "deploy shop 2.31" in titled(items, "What happened to web-7")
    assert len(items) == 2


def test_what_names_no_host_asks_nothing(lies: Liar) -> None:
    asking, found = told_alert(lies.url, "fleet")
    assert asking.gather(found) == []
    asking, found = told_alert(lies.url)
    storm = replace(found, fingerprint=f"{found.host}/storm/1")
    assert asking.gather(storm) == []
    assert lies.heard == []


def test_of_a_told_alert_a_silent_server_is_one_line(lies: Liar) -> None:
    lies.hangs = True
    asking, found = told_alert(lies.url)
    (item,) = asking.gather(found)
    assert item.title == "Prometheus main does not answer"
    (again,) = asking.gather(found)
    assert "was not asked again" in again.text


def test_another_series_is_never_shown_as_this_one(lies: Liar) -> None:
    """It has recovered and its neighbour has not: of it there is no data."""
    found = lied_about()
    lies.says([one("12", instance="web-7:9100", device="sdb")])
    filters = RULE.model_copy(update={"missing": "well"})
    (item, *_) = source(lies.url, filters).gather(found)
    assert item.text.startswith("Now: no data;")
    assert "12 %" not in item.text
    lies.says([one("99", instance="web-8:9100")])
    items = source(lies.url).gather(found)
    assert "measured of web-8 only" in titled(items, "one host or all")


def test_a_deployment_that_names_its_host_otherwise_is_not_ours(lies: Liar) -> None:
    """The rule goes by `node`, the deployment says `instance`."""
    lies.says([one(str(time.time() - 60), instance="web-9:8080", service="mail")])
    rule = RULE.model_copy(update={"host": "node"})
    items = source(lies.url, rule).gather(lied_about())
    assert not [item for item in items if "mail" in item.text]
