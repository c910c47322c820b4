"""One deadline and one size for an exchange, whatever the server does."""

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from bot.http.bounded import BoundedTransport, TooLarge, TooSlow
from tests.fakes.gemini import HANGS, FakeGemini, raw


@pytest.fixture
def gemini() -> Iterator[FakeGemini]:
    with FakeGemini.start() as fake:
        yield fake


@pytest.fixture
def slow_header() -> Iterator[str]:
    """A server that sends one byte of its headers every 50 ms."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            caller, _ = listening.accept()
            with caller:
                while not over.wait(0.05):
                    try:
                        caller.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        over.set()
        thread.join()


def ask(url: str, *, seconds: float = 10, limit_bytes: int = 1000) -> httpx2.Response:
    transport = BoundedTransport(limit_bytes=limit_bytes)
    with httpx2.Client(transport=transport) as client, transport.within(seconds):
        return client.post(url, content=b"{}")


def test_a_small_answer_is_read_whole(gemini: FakeGemini) -> None:
    gemini.will(raw(b"x" * 500))
    assert ask(gemini.url).content == b"x" * 500


def test_a_large_answer_is_not_read(gemini: FakeGemini) -> None:
    gemini.will(raw(b"x" * 10_000_000))
    with pytest.raises(TooLarge):
        ask(gemini.url)


def test_a_compressed_answer_is_refused(gemini: FakeGemini) -> None:
    gemini.will(raw(gzip.compress(b"x" * 100_000), coding="gzip"))
    with pytest.raises(TooLarge):
        ask(gemini.url)
    assert gemini.heard[0].headers["Accept-Encoding"] == "identity"


def test_a_server_that_hangs_ends_with_the_deadline(gemini: FakeGemini) -> None:
    gemini.will(HANGS)
    with pytest.raises(TooSlow):
        ask(gemini.url, seconds=0.3)


def test_a_header_that_never_ends_ends_with_the_deadline(slow_header: str) -> None:
    start = time.monotonic()
    with pytest.raises(TooSlow):
        ask(slow_header, seconds=0.5)
    print(
        f"a byte of header every 50 ms, deadline 0.5 s: {time.monotonic() - start:.2f} s"
    )


def test_a_deadline_that_is_over_asks_nobody(gemini: FakeGemini) -> None:
    with pytest.raises(TooSlow):
        ask(gemini.url, seconds=-1)
    assert gemini.heard == []


def test_a_configured_proxy_is_used(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    gemini.will(raw(b"through"))
    monkeypatch.setenv("http_proxy", gemini.url)
    monkeypatch.delenv("no_proxy", raising=False)
    assert ask("http://model.invalid/x").content == b"through"
    assert gemini.heard[0].path == "http://model.invalid/x"


def test_nobody_there_is_a_connection_error() -> None:
    with pytest.raises(httpx2.ConnectError):
        ask("http://127.0.0.1:9")


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """An address whose queue of callers is full: the next is never answered."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listening.getsockname())
        yield listening.getsockname()


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    real = socket.getaddrinfo

    def found(host: str, port: int, *args: int, **more: int) -> list[object]:
        if host != "model.invalid":
            return list(real(host, port, *args, **more))
        stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*stream, address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setenv("no_proxy", "*")


def test_many_silent_addresses_share_one_deadline(
    silent: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolves_to(monkeypatch, *[silent] * 5)
    start = time.monotonic()
    with pytest.raises(TooSlow):
        ask(f"http://model.invalid:{silent[1]}", seconds=1)
    # Each with the whole second for itself would be five.
    assert time.monotonic() - start < 3


def test_an_address_that_refuses_leaves_the_next(
    gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    gemini.will(raw(b"the second"))
    port = int(gemini.url.rsplit(":", 1)[1])
    resolves_to(monkeypatch, ("::1", port), ("127.0.0.1", port))
    assert ask(f"http://model.invalid:{port}").content == b"the second"


def test_a_name_without_an_address_is_a_connection_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(httpx2.ConnectError):
        ask("http://model.invalid")


def test_a_resolver_that_hangs_ends_with_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()

    def hangs(*_: object, **__: object) -> list[object]:
        over.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    monkeypatch.setenv("no_proxy", "*")
    try:
        with pytest.raises(TooSlow):
            ask("http://model.invalid", seconds=0.3)
    finally:
        over.set()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A key and a certificate for 127.0.0.1 that nobody signed."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    key, made = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(key), "-out", str(made), "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return key, made


@contextmanager
def over_tls(key: Path, certificate: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"over TLS")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_known_certificate_is_trusted_and_another_is_not(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with over_tls(*certificate) as url:
        with pytest.raises(httpx2.ConnectError):
            ask(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
        assert ask(url).content == b"over TLS"
