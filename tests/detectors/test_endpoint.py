"""Declared ports and addresses are really tried, on this machine's loopback."""

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from bot.config.services import Service
from bot.detectors.endpoint import EndpointDetector, EndpointSection
from bot.model import Finding, Level
from tests.detectors.pieces import HandClock, PaperFacts, context
from tests.fakes.services import FakeServices, running
from tests.real.ports import free_port


def check(**service: object) -> Finding:
    declared = Service.model_validate({"unit": "app", "timeout": "0.5s", **service})
    nowhere = Path("/nonexistent")
    host = context(
        nowhere,
        HandClock(),
        PaperFacts(nowhere),
        services=FakeServices(units={"app.service": running("app.service")}),
        declared=(declared,),
    )
    (found,) = EndpointDetector(EndpointSection(), host).check(())
    return found


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers by the path: a status, or a number of seconds to wait first."""

    def do_GET(self) -> None:
        kind, _, value = self.path.strip("/").partition("/")
        time.sleep(float(value) if kind == "wait" else 0)
        self.send_response(int(value) if kind == "status" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def listening(*, family: int = socket.AF_INET) -> Iterator[int]:
    with closing(socket.socket(family)) as server:
        server.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_that_accepts_is_well() -> None:
    with listening() as port:
        found = check(ports=[port])
    assert (found.level, found.shown, found.unit) == (Level.OK, "", "ms")


def test_a_port_on_the_other_family_of_addresses_is_found() -> None:
    with listening(family=socket.AF_INET6) as port:
        assert check(ports=[port]).level is Level.OK


def test_a_closed_port_is_critical_and_says_why() -> None:
    found = check(ports=[free_port()])
    assert (found.level, found.shown) == (Level.CRITICAL, "no answer")
    assert "the connection was refused" in found.summary
    assert found.service is not None


def test_one_closed_port_of_two_is_enough() -> None:
    with listening() as port:
        assert check(ports=[port, free_port()]).level is Level.CRITICAL


def test_a_good_status_is_well(address: str) -> None:
    assert check(http=f"{address}/status/204").level is Level.OK


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_bad_status_is_no_answer(address: str, status: int) -> None:
    found = check(http=f"{address}/status/{status}")
    assert found.level is Level.CRITICAL
    assert f"it answers with status {status}" in found.summary


def test_a_slow_answer_is_a_warning(address: str) -> None:
    found = check(http=f"{address}/wait/0.2", within="0.05s", timeout="10s")
    assert found.level is Level.WARNING
    assert found.value is not None and found.value >= 200


def test_no_answer_in_time_is_critical(address: str) -> None:
    found = check(http=f"{address}/wait/2")
    assert found.level is Level.CRITICAL
    assert "no answer in time" in found.summary


def test_what_does_not_speak_http_is_said() -> None:
    def babble(server: socket.socket) -> None:
        with closing(server.accept()[0]) as peer:
            peer.recv(1000)
            peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=babble, args=(server,), daemon=True).start()
        found = check(http=f"http://127.0.0.1:{server.getsockname()[1]}/")
    assert found.level is Level.CRITICAL
    assert "it does not speak HTTP" in found.summary


def test_an_answer_that_drips_is_cut_off_in_time() -> None:
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        with closing(server.accept()[0]) as peer, suppress(OSError):
            peer.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.05):
                peer.sendall(b"x")

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        # A second at most between two bytes: only a deadline for all of it ends this.
        found = check(http=f"http://127.0.0.1:{server.getsockname()[1]}/")
        over.set()
        thread.join(5)
    assert found.level is Level.CRITICAL
    assert "no answer in time" in found.summary
