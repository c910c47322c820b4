"""A server at Prometheus' address that answers whatever a test tells it, or never."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.fakes.serving import Quiet, serving


@dataclass
class Liar:
    """status, body, headers: of the next answers. hangs: it says nothing at all.

    slow: where an address has this word in it, it says nothing either.

    heard: paths and headers of what was asked.
    """

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    slow: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def says(self, result: object, **more: object) -> None:
        """Answer an instant vector as a real server words it."""
        data = {"resultType": "vector", "result": result}
        told = {"status": "success", "data": data, **more}
        self.status, self.body = 200, json.dumps(told).encode()


def one(value: str = "97", at: float = 1_800_000_000, **labels: str) -> object:
    return {"metric": labels, "value": [at, value]}


@contextmanager
def liar() -> Iterator[Liar]:
    made = Liar()

    class Answer(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.heard.append((self.path, dict(self.headers)))
            if made.hangs or (made.slow and made.slow in self.path):
                made.over.wait(60)
                return
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(made.body)))
            self.end_headers()
            # Who has read enough hangs up.
            try:
                self.wfile.write(made.body)
            except OSError:
                self.close_connection = True

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Answer)) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield made
        finally:
            made.over.set()
