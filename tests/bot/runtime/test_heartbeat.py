"""A sign of life that reaches a real server."""

from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bot.config.liveness import Heartbeat
from bot.runtime.heartbeat import Beat
from tests.fakes.serving import Quiet, serving


class Monitor(HTTPServer):
    """Counts who calls, and answers with a status."""

    calls = 0
    status = 200


class _Handler(Quiet, BaseHTTPRequestHandler):
    server: Monitor

    def do_GET(self) -> None:
        self.server.calls += 1
        self.send_response(self.server.status)
        self.end_headers()


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with serving(Monitor(("127.0.0.1", 0), _Handler)) as server:
        yield server


def beat(monitor: Monitor, every: timedelta) -> Beat:
    url = f"http://127.0.0.1:{monitor.server_port}/ping"
    return Beat(Heartbeat(url=url, every=every))


def test_a_round_calls_the_address(monitor: Monitor) -> None:
    beat(monitor, timedelta(hours=1)).after_round()
    assert monitor.calls == 1


def test_many_rounds_call_it_once_per_span(monitor: Monitor) -> None:
    found = beat(monitor, timedelta(hours=1))
    for _ in range(5):
        found.after_round()
    assert monitor.calls == 1


def test_a_monitor_that_fails_stops_no_round(monitor: Monitor) -> None:
    monitor.status = 500
    beat(monitor, timedelta(hours=1)).after_round()
    assert monitor.calls == 1


def test_a_monitor_that_is_gone_stops_no_round() -> None:
    Beat(Heartbeat(url="http://127.0.0.1:9/ping")).after_round()


def test_without_an_address_nobody_is_called() -> None:
    Beat(Heartbeat()).after_round()
