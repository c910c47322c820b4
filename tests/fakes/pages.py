"""A server that takes what is posted to it, and answers as it is told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.fakes.serving import Quiet, serving


@dataclass
class Inbox:
    """What arrived; status: of the next answers."""

    url: str = ""
    status: int = 202
    got: list[dict[str, object]] = field(default_factory=list)

    def events(self) -> list[object]:
        return [body.get("event_action") or body.get("event") for body in self.got]


@contextmanager
def inbox() -> Iterator[Inbox]:
    made = Inbox()

    class Take(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            made.got.append(json.loads(self.rfile.read(length)))
            self.send_response(made.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Take)) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/secret-path"
        yield made
