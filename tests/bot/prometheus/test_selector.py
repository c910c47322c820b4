"""What labels and people say stays a value in PromQL: a real server reads it back."""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.config.prometheus import PrometheusServer
from bot.prometheus.answer import QuestionRefused, Sample
from bot.prometheus.selector import host_pattern, of_host_only, on_host, quoted
from bot.prometheus.server import Server
from tests.real.prometheus import prometheus

ANY = st.text(max_size=30)
NASTY = st.text(alphabet="\"\\{}()[]=~|.*+?^$\n\r\t,:#`'a1 \x00", max_size=30)
LABELS = {
    'load{instance="web-7:9100"}': 7.0,
    'load{instance="web-7"}': 8.0,
    'load{instance="web-70:9100"}': 70.0,
    'load{instance="webx7:9100"}': 71.0,
    'load{job="nowhere"}': 9.0,
    'load{instance="https://shop.example:8443/health"}': 50.0,
    'load{instance="shop.example.org:9100"}': 51.0,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with prometheus(tmp_path_factory.mktemp("prometheus"), **LABELS) as running:
        running.wait_for("load == 70")
        section = PrometheusServer.model_validate({"url": running.url})
        yield Server(name="main", section=section)


@cache
def string() -> re.Pattern[str]:
    return re.compile(r'"(?:[^"\\\n]|\\.)*"')


@given(ANY | NASTY)
def test_a_quoted_text_is_one_string_and_nothing_behind_it(text: str) -> None:
    assert string().fullmatch(quoted(text))


@settings(max_examples=60)
@given(ANY | NASTY)
@example('a"} or vector(99) or x{l="')
@example("\\")
@example("${1}")
def test_a_real_server_reads_exactly_the_value_back(server: Server, text: str) -> None:
    (sample,) = server.now(f"absent(no_such{{l={quoted(text)}}})")
    # A label without value is none; NUL and others come back as they went.
    assert sample.labels.get("l", "") == text.encode("utf-8", "replace").decode()
    assert sample.value == 1


@settings(max_examples=60)
@given((ANY | NASTY).filter(bool))
@example("web-7|.*")
@example("(?i)x")
def test_a_hosts_pattern_fits_itself_with_any_port_and_no_other(
    server: Server, host: str
) -> None:
    pattern = quoted(host_pattern(host))

    def fits(value: str) -> bool:
        told = f"absent(no_such{{l={quoted(value)}}})"
        (sample,) = server.now(f'label_replace({told}, "hit", "1", "l", {pattern})')
        return sample.labels.get("hit") == "1"

    assert fits(host)
    if not re.search(r":\d+$", host):
        assert fits(f"{host}:9100")
    if "/" not in host:
        assert fits(f"https://{host}/health?x=1")
        assert not fits(f"{host}x")
        assert not fits(f"x{host}")


def values(samples: tuple[Sample, ...]) -> list[float]:
    return sorted(sample.value for sample in samples)


def test_a_selector_finds_all_ports_of_one_host(server: Server) -> None:
    matcher = on_host("instance", "web-7:9100")
    assert values(server.now(f"load{{{matcher}}}")) == [7, 8]


@pytest.mark.parametrize(
    "expr",
    ["load", "load > 1 or load", "max by (instance) (load)", "load # said", "-(-load)"],
)
def test_any_expression_is_narrowed_to_a_host(server: Server, expr: str) -> None:
    assert values(server.now(of_host_only(expr, "instance", "web-7"))) == [7, 8]


@pytest.mark.parametrize("told", ["shop.example", "https://shop.example/cart"])
def test_an_address_is_one_of_its_host(server: Server, told: str) -> None:
    matcher = on_host("instance", told)
    assert values(server.now(f"load{{{matcher}}}")) == [50]
    assert values(server.now(of_host_only("load", "instance", told))) == [50]


def test_a_host_that_is_none_finds_nothing(server: Server) -> None:
    evil = '"} or load{x!="'
    assert server.now(f"load{{{on_host('instance', evil)}}}") == ()
    assert server.now(of_host_only("load", "instance", evil)) == ()
    with pytest.raises(QuestionRefused, match="parse error"):
        server.now(of_host_only("load)", "instance", "web-7"))
