"""HTTP for servers that are not trusted to be quick or brief: one deadline, one size.

Timeouts of HTTP libraries count anew with every byte, so a server that sends one now
and then holds its caller for ever. Here the whole exchange has one end, over redirects
and retries, and not more than `limit_bytes` of an answer are ever read.
"""

import queue
import socket
import ssl
import threading
import time
import typing
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

LIMIT_BYTES: Final = 1_000_000
_UNTOLD_SECONDS: Final = 30.0


class TooSlow(Exception):
    """The time for the exchange is over."""


class TooLarge(Exception):
    """The answer is larger than will be read, or of an unknown size (compressed)."""


class BoundedTransport(httpx2.BaseTransport):
    """Opens a connection for each request and reads the whole answer, within bounds.

    tls: whom to trust, and as whom to call; None for what the machine trusts.
    """

    def __init__(
        self, *, limit_bytes: int = LIMIT_BYTES, tls: ssl.SSLContext | None = None
    ) -> None:
        self._limit_bytes = limit_bytes
        self._here = threading.local()
        self._tls = tls

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give everything that this thread asks inside the block one deadline."""
        self._here.until = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._here.until

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask; raise `TooSlow`, `TooLarge`, or the HTTP library's `TransportError`."""
        until = getattr(self._here, "until", time.monotonic() + _UNTOLD_SECONDS)
        # Compressed, a megabyte may be a gigabyte.
        request.headers["Accept-Encoding"] = "identity"
        backend = _Backend(until=until, limit_bytes=self._limit_bytes)
        with self._pool(request.url, backend) as pool:
            try:
                answer = pool.handle_request(_plain(request))
                content = answer.read()
            except (httpcore2.ConnectError, httpcore2.ProxyError) as error:
                raise httpx2.ConnectError("not reached", request=request) from error
            except httpcore2.TimeoutException as error:
                raise TooSlow from error
            except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
                raise httpx2.ReadError("broken off", request=request) from error
        told = httpx2.Response(answer.status, headers=answer.headers)
        if told.headers.get("content-encoding", "identity") != "identity":
            raise TooLarge
        return httpx2.Response(answer.status, headers=answer.headers, content=content)

    def _pool(
        self, url: httpx2.URL, backend: "_Backend"
    ) -> httpcore2.ConnectionPool | httpcore2.HTTPProxy:
        if self._tls is None and url.scheme == "https":
            self._tls = httpx2.create_ssl_context()
        proxy = None if proxy_bypass(url.host) else getproxies().get(url.scheme)
        if proxy is None:
            return httpcore2.ConnectionPool(
                ssl_context=self._tls, network_backend=backend
            )
        return httpcore2.HTTPProxy(
            proxy, ssl_context=self._tls, network_backend=backend
        )


def _plain(request: httpx2.Request) -> httpcore2.Request:
    url = request.url
    return httpcore2.Request(
        method=request.method,
        url=httpcore2.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        ),
        headers=request.headers.raw,
        content=request.read(),
    )


class _Budget:
    """What is left of the time and of the bytes of one exchange."""

    def __init__(self, *, until: float, limit_bytes: int) -> None:
        self._until = until
        self._left_bytes = limit_bytes

    def seconds(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TooSlow
        return left

    def count(self, data: bytes) -> bytes:
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise TooLarge
        return data


class _Backend(httpcore2.NetworkBackend):
    def __init__(self, *, until: float, limit_bytes: int) -> None:
        self._budget = _Budget(until=until, limit_bytes=limit_bytes)
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[typing.Any] | None = None,
    ) -> httpcore2.NetworkStream:
        del timeout
        found = _addresses(host, port, self._budget.seconds())
        failure: Exception = httpcore2.ConnectError("the name has no address")
        for number, address in enumerate(found):
            # An address where nobody answers leaves its share to those after it.
            share = self._budget.seconds() / (len(found) - number)
            try:
                stream = self._plain.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._budget)
        raise failure

    def sleep(self, seconds: float) -> None:
        self._plain.sleep(min(seconds, self._budget.seconds()))


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    """Return a name's addresses; raise `TooSlow` where the resolver is.

    The system's resolver knows no deadline: it is left behind in its own thread.
    """
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([str(address[0]) for *_, address in found])
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, name="resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty as error:
        raise TooSlow from error
    if isinstance(answer, Exception):
        raise httpcore2.ConnectError("no such name") from answer
    return answer


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream, budget: _Budget) -> None:
        self._inner = inner
        self._budget = budget

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        return self._budget.count(self._inner.read(max_bytes, self._budget.seconds()))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._inner.write(buffer, self._budget.seconds())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        del timeout
        inner = self._inner.start_tls(
            ssl_context, server_hostname, self._budget.seconds()
        )
        return _Stream(inner, self._budget)
