"""What a person wants to see, from a real Prometheus, and why there is no picture."""

import contextlib
import struct
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.drawing import names_of
from bot.charts.many import ManyRequest
from bot.charts.plots import NotDrawn, Plot, Plots, Wanted, wanted
from bot.charts.request import ChartRequest
from bot.config.prometheus import PrometheusServer, Rule
from bot.prometheus.server import Server
from bot.runtime.clock import SystemClock
from tests.fakes.lying import Liar, liar
from tests.fakes.story import Story
from tests.real.prometheus import RealPrometheus, prometheus

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
HOSTS = [f"web-{n}" for n in range(42)]
RULE = Rule(name="busy", expr="queue", warning=80, critical=90, unit="%")
WEB_7 = ["queue", "1h", "web-7"]


def past() -> dict[str, list[tuple[datetime, float]]]:
    """The hour before this test, for the server to begin with."""
    began = datetime.now(UTC) - HOUR
    course = [(began + n * MINUTE, 40.0 + n % 7) for n in range(59)]
    return {
        **{f'queue{{instance="{host}:9100"}}': course for host in HOSTS},
        'node_load1{instance="web-7:9100"}': course,
        'odd{instance="web-7:9100"}': [(at, float("nan")) for at, _ in course],
    }


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    with prometheus(tmp_path_factory.mktemp("prometheus"), past=past()) as running:
        running.wait_for("queue")
        yield running


@pytest.fixture
def lies() -> Iterator[Liar]:
    with liar() as running:
        yield running


def plots(story: Story, *urls: str) -> Plots:
    names = ["main", "other"]
    servers = {
        name: Server(
            name=name,
            section=PrometheusServer.model_validate({"url": url, "timeout": "2s"}),
        )
        for name, url in zip(names, urls, strict=False)
    }
    rules = [(RULE, servers["main"])] if servers else []
    clock = SystemClock()
    return Plots(
        host="web-1", clock=clock, pictures=story.pictures, servers=servers, rules=rules
    )


def draw(made: Plots, *words: str) -> Plot:
    plot = made.draw(wanted(words))
    assert struct.unpack(">II", plot.png[16:24]) == (1200, 540)
    return plot


def refusal(made: Plots, *words: str) -> str:
    with pytest.raises(NotDrawn) as caught:
        made.draw(wanted(words))
    return str(caught.value)


# --- the words ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("cpu", Wanted(expr="cpu")),
        ("cpu 1h", Wanted(expr="cpu", span=HOUR)),
        ("cpu 1h web-7", Wanted(expr="cpu", span=HOUR, host="web-7")),
        ("main: up 1h", Wanted(expr="up", span=HOUR, server="main")),
        ("up offset 1h", Wanted(expr="up offset 1h")),
        ("up offset 1h 2h", Wanted(expr="up offset 1h", span=2 * HOUR)),
        ("up - down", Wanted(expr="up - down")),
        ("job:up:sum 1h", Wanted(expr="job:up:sum", span=HOUR)),
        ("", Wanted(expr="")),
        ("sum(rate(x[5m])) 1d", Wanted(expr="sum(rate(x[5m]))", span=24 * HOUR)),
    ],
)
def test_words_are_read_from_their_end(said: str, meant: Wanted) -> None:
    assert wanted(said.split()) == meant


@pytest.mark.parametrize("span", ["40d", "1s", "0h", "99999999999999d"])
def test_a_time_beyond_its_bounds_is_refused(span: str) -> None:
    with pytest.raises(NotDrawn, match=r"between 1 min and 31 days|at most"):
        wanted(["up", span])


@given(st.lists(st.text(max_size=12)))
def test_whatever_is_said_is_read_or_refused(words: list[str]) -> None:
    with contextlib.suppress(NotDrawn):
        assert wanted(words).span <= timedelta(days=31)


# --- what is drawn -----------------------------------------------------------------------


def test_an_expression_is_drawn(story: Story, real: RealPrometheus) -> None:
    assert draw(plots(story, real.url), "max(queue)", "2h").title == "max(queue)"


def test_series_of_this_host_come_first(story: Story, real: RealPrometheus) -> None:
    made = plots(story, real.url)
    story.history.append("queue", story.clock.wall, 1.0)
    assert refusal(made, "queue", "1h") == "There are not enough points yet."
    assert refusal(made, "queue", "1h", "web-1") == "There are not enough points yet."
    assert draw(made, *WEB_7).title == "queue of web-7"


def test_eight_of_many_are_drawn_and_the_others_are_counted(
    story: Story, real: RealPrometheus
) -> None:
    request = plots(story, real.url).asked(wanted(["busy", "2h"]))
    assert isinstance(request, ManyRequest)
    assert len(request.curves) == 8
    assert request.more == len(HOSTS) - 8
    assert {curve.name for curve in request.curves} <= set(HOSTS)
    assert [name for _, name, _ in request.limits] == ["warning", "critical"]
    assert request.unit == "%"


def test_many_are_a_picture_too(story: Story, real: RealPrometheus) -> None:
    draw(plots(story, real.url), "busy", "2h")


@pytest.mark.parametrize(
    "what", ["queue", "busy", "queue > 0", "max by (instance)(queue)"]
)
def test_a_host_narrows_whatever_is_asked(
    story: Story, real: RealPrometheus, what: str
) -> None:
    made = plots(story, real.url)
    request = made.asked(wanted([*what.split(), "2h", "web-7"]))
    assert isinstance(request, ChartRequest)
    assert len(request.points) > 20


def test_a_basic_figure_of_a_host_has_a_name(
    story: Story, real: RealPrometheus
) -> None:
    assert draw(plots(story, real.url), "load", "1h", "web-7").title == "Load of web-7"
    found = plots(story, real.url)
    assert found.knows("memory") and found.knows("busy") and not found.knows("gpu")
    assert not plots(story).knows("memory")


# --- why there is no picture ---------------------------------------------------------------


def test_without_servers_the_figures_here_are_listed(story: Story) -> None:
    assert refusal(plots(story), "load") == "I can draw: nothing yet"
    story.history.append("cpu", story.clock.wall, 1.0)
    assert refusal(plots(story), "load") == "I can draw: cpu"


def test_of_several_servers_one_must_be_named(
    story: Story, real: RealPrometheus
) -> None:
    made = plots(story, real.url, real.url)
    said = "Say which Prometheus to ask, before the rest: main:, other:"
    assert refusal(made, "max(queue)") == said
    assert refusal(made, "third:", "max(queue)") == said
    assert draw(made, "other:", "max(queue)").title == "max(queue)"


def test_the_servers_own_reason_is_said(story: Story, real: RealPrometheus) -> None:
    said = refusal(plots(story, real.url), "queue{")
    assert said.startswith(
        "Prometheus main was asked, and it refuses the question: 1:7: parse error"
    )
    assert "\n" not in said


@pytest.mark.parametrize("words", [["nothing"], ["odd"], ["queue", "2h", "nowhere"]])
def test_no_figures_are_said_to_be_none(
    story: Story, real: RealPrometheus, words: list[str]
) -> None:
    said = refusal(plots(story, real.url), *words)
    assert said.startswith("Prometheus main has no figures for it")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>Sign in</html>", "is not Prometheus' JSON"),
        (b"x" * 5_000_000, "larger than 4 MB"),
        (b'{"status":"success","data":{"resultType":"matrix","result":7}}', "no list"),
    ],
)
def test_garbage_is_told_in_words(
    story: Story, lies: Liar, body: bytes, why: str
) -> None:
    lies.body = body
    assert why in refusal(plots(story, lies.url), "load")


def test_too_many_series_are_refused_and_counted(story: Story, lies: Liar) -> None:
    lies.says([{"metric": {"n": str(n)}, "values": [[1, "1"]]} for n in range(1001)])
    said = refusal(plots(story, lies.url), "load")
    assert "1,001 series" in said and "use topk" in said


def test_a_hanging_server_is_told_in_its_time_and_keeps_few_waiting(
    story: Story, lies: Liar
) -> None:
    lies.hangs = True
    made = plots(story, lies.url)
    said: list[str] = []
    asking = [
        threading.Thread(target=lambda: said.append(refusal(made, "load")))
        for _ in range(4)
    ]
    for one_ in asking:
        one_.start()
    for one_ in asking:
        one_.join(30)
    late = "Prometheus main was asked, and it gave no answer within 2 s."
    busy = "Other charts are being drawn. Ask again in a moment."
    assert sorted(said) == sorted([late, late, busy, busy])


# --- names ----------------------------------------------------------------------------------


def labels(*pairs: str) -> Mapping[str, str]:
    return dict(pair.split("=") for pair in pairs)


def test_names_are_what_differs() -> None:
    one_ = labels("instance=web-7:9100", "device=sda", "job=node")
    other = labels("instance=web-8:9100", "device=sdb", "job=node")
    assert names_of([one_, other], host="instance") == ["web-7 sda", "web-8 sdb"]


def test_ports_stay_where_only_they_differ() -> None:
    found = [labels("instance=web-7:9100"), labels("instance=web-7:9101")]
    assert names_of(found, host="instance") == ["web-7:9100", "web-7:9101"]


def test_a_series_without_labels_has_a_name() -> None:
    assert names_of([{}, labels("a=1")], host="instance") == ["no labels", "1"]


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=60), max_size=5)))
def test_names_are_one_clean_line(found: list[dict[str, str]]) -> None:
    names = names_of(found, host="instance")
    assert len(names) == len(found)
    assert all(name.isprintable() and len(name) <= 300 for name in names)
