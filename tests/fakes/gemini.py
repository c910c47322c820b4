"""A Gemini that answers what it is told to, over real HTTP in Gemini's wire format."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GOOD: Mapping[str, object] = {
    "summary": "python3.11 burn.py uses most of the CPU.",
    "hypotheses": [{"cause": "A runaway loop.", "for": ["E1"], "against": []}],
    "settle": "A profile of the process.",
    "confidence": 0.8,
    "preferred": "a",
}
SIGNATURE = "c2lnbmVkLXRob3VnaHQ="


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A request as it arrived."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, object]:
        return json.loads(self.raw)


@dataclass(frozen=True, kw_only=True)
class Act:
    """One answer: a status and bytes, sent slowly or not at all."""

    status: int = 200
    raw: bytes = b""
    kind: str = "application/json; charset=UTF-8"
    coding: str = "identity"
    hangs: bool = False
    drips: bool = False


def says(text: str | Mapping[str, object], *, tokens: int = 170) -> Act:
    """A turn in text."""
    said = text if isinstance(text, str) else json.dumps(text)
    return _turn([{"text": said}], tokens=tokens)


def calls(name: str, *, tokens: int = 170, **arguments: object) -> Act:
    """A turn that calls one tool."""
    call = {"functionCall": {"id": f"fc-{name}", "name": name, "args": arguments}}
    return _turn([{**call, "thoughtSignature": SIGNATURE}], tokens=tokens)


def calls_often(name: str, times: int) -> Act:
    """A turn that calls one tool many times."""
    return _turn([{"functionCall": {"name": name, "args": {}}}] * times)


def stops(reason: str) -> Act:
    """A turn without content."""
    return _json({"candidates": [{"finishReason": reason, "index": 0}]})


def fails(code: int, status: str = "UNAVAILABLE", message: str = "no") -> Act:
    error = {"error": {"code": code, "status": status, "message": message}}
    return _json(error, status=code)


def raw(
    body: bytes, kind: str = "application/json", *, coding: str = "identity"
) -> Act:
    return Act(raw=body, kind=kind, coding=coding)


def in_turn(*acts: Act) -> Callable[[Heard], Act]:
    """The next act of each conversation, however many are held at once.

    How far one is shows in the tools' answers that it carries.
    """

    def next_of(heard: Heard) -> Act:
        done = heard.raw.count(b'"functionResponse"')
        return acts[min(done, len(acts) - 1)]

    return next_of


HANGS = Act(hangs=True)
DRIPS = Act(drips=True, raw=b" " * 10_000)


def lies(tokens: object) -> Act:
    """A good answer that claims to have taken so many tokens."""
    honest = says(GOOD)
    body = json.loads(honest.raw)
    body["usageMetadata"] = dict.fromkeys(
        ("promptTokenCount", "candidatesTokenCount"), tokens
    )
    return _json(body)


def _turn(parts: list[dict[str, object]], *, tokens: int = 170) -> Act:
    return _json(
        {
            "candidates": [
                {
                    "content": {"parts": parts, "role": "model"},
                    "finishReason": "STOP",
                    "index": 0,
                }
            ],
            "usageMetadata": {
                "promptTokenCount": tokens - 50,
                "candidatesTokenCount": 40,
                "thoughtsTokenCount": 10,
                "totalTokenCount": tokens,
            },
            "modelVersion": "gemini-fake",
        }
    )


def _json(body: object, *, status: int = 200) -> Act:
    return Act(raw=json.dumps(body).encode(), status=status)


@dataclass
class FakeGemini:
    """acts: played in order; the last one is played again and again.

    answers: chooses by the question instead, where several may be asked at once.
    """

    url: str = ""
    acts: list[Act] = field(default_factory=lambda: [says(GOOD)])
    heard: list[Heard] = field(default_factory=list)
    embeds: Callable[[dict[str, object]], list[float]] | None = None
    answers: Callable[[Heard], Act] | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def will(self, *acts: Act) -> None:
        self.acts = list(acts)

    @property
    def prompts(self) -> bytes:
        """Every byte that was asked, headers apart."""
        return b"\n".join(heard.raw for heard in self.heard)

    def answer(self, heard: Heard) -> Act:
        with self._lock:
            self.heard.append(heard)
            if self.embeds is not None and "mbed" in heard.path:
                asked = heard.body["requests"]
                assert isinstance(asked, list)
                vectors = [{"values": self.embeds(one)} for one in asked]
                return _json({"embeddings": vectors})
            if self.answers is not None:
                return self.answers(heard)
            return self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]

    @classmethod
    @contextmanager
    def start(cls) -> Iterator["FakeGemini"]:
        fake = cls()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                heard = Heard(
                    path=self.path,
                    headers=dict(self.headers.items()),
                    raw=self.rfile.read(length),
                )
                fake.play(self, fake.answer(heard))

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        fake.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield fake
        finally:
            fake._over.set()
            server.shutdown()
            server.server_close()
            thread.join()

    def play(self, handler: BaseHTTPRequestHandler, act: Act) -> None:
        handler.close_connection = True
        if act.hangs:
            self._over.wait(60)
            return
        try:
            handler.send_response(act.status)
            handler.send_header("Content-Type", act.kind)
            if act.coding != "identity":
                handler.send_header("Content-Encoding", act.coding)
            handler.send_header("Content-Length", str(len(act.raw)))
            handler.end_headers()
            if act.drips:
                self._drip(handler, act.raw)
            else:
                handler.wfile.write(act.raw)
        except (BrokenPipeError, ConnectionResetError):
            return  # the caller has heard enough

    def _drip(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        for byte in body:
            if self._over.wait(0.05):
                return
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
