"""Steps are kept beside the incident, and sent to a collector where there is one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from bot.runtime import tracing
from bot.runtime.tracing import Export, Step, Trace
from tests.fakes.clock import START, FakeClock
from tests.real.databases import fresh


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """An OTLP collector on loopback: its address, and what it was sent."""
    received: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            received.append((self.path, self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_step_has_its_duration_and_its_tokens() -> None:
    clock = FakeClock()
    trace = Trace(clock)
    with trace.step("ask") as step:
        clock.go(1.5)
        step.tokens = 42
    assert trace.steps == (Step(name="ask", at=START, seconds=1.5, tokens=42),)


def test_a_step_that_fails_is_kept() -> None:
    trace = Trace(FakeClock())
    with pytest.raises(ValueError, match="no"), trace.step("ask"):
        raise ValueError("no")
    assert [step.name for step in trace.steps] == ["ask"]


def test_steps_are_found_again_in_order(tmp_path: Path) -> None:
    done = [Step(name=f"s{n}", at=START, seconds=n / 10, tokens=n) for n in range(5)]
    with fresh("sqlite", tmp_path) as database:
        with database.write() as tx:
            tracing.save(tx, 12, done)
            tracing.save(tx, 13, done[:1])
        with database.read() as tx:
            assert tracing.steps(tx, 12) == tuple(done)
            assert len(tracing.steps(tx, 12, limit=2)) == 2


def test_a_collector_receives_the_work_and_its_steps() -> None:
    with collector() as (url, received):
        export = Export(url)
        assert export is not None
        steps = [Step(name="ask gemini", at=START, seconds=2.0, tokens=42)]
        export.send(12, "diagnosis", steps)
        export.send(13, "diagnosis", [])
        export.close()
    ((path, body),) = received
    assert path == "/v1/traces"
    request = ExportTraceServiceRequest.FromString(body)
    spans = request.resource_spans[0].scope_spans[0].spans
    by_name = {span.name: span for span in spans}
    whole, step = by_name["diagnosis"], by_name["ask gemini"]
    assert step.parent_span_id == whole.span_id
    assert step.end_time_unix_nano - step.start_time_unix_nano == 2_000_000_000
    assert step.attributes[0].value.int_value == 42
    assert whole.attributes[0].value.int_value == 12
