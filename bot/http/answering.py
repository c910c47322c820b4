"""Does a service answer? One try at a port or an address, with its time."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_READ_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """What one try gave. seconds: until it answered or gave up. trouble: empty if well."""

    what: str
    seconds: float
    trouble: str = ""


def port(number: int, timeout: float) -> Try:
    """Connect to a TCP port of this machine, by the first address that accepts."""
    began = time.monotonic()
    trouble = ""
    for address in ("127.0.0.1", "::1"):
        try:
            socket.create_connection((address, number), timeout=timeout).close()
        except OSError as error:
            trouble = trouble or _why(error)
        else:
            trouble = ""
            break
    spent = time.monotonic() - began
    return Try(what=f"port {number}", seconds=spent, trouble=trouble)


def http_get(url: str, timeout: float) -> Try:
    """Get an address once, without following it elsewhere; from 400 on is trouble.

    timeout: for all of it, also where the answer comes a byte at a time.
    """
    began = time.monotonic()
    try:
        status = _status(url, timeout)
    except (OSError, http.client.HTTPException) as error:
        trouble = _why(error)
    else:
        trouble = f"it answers with status {status}" if status >= 400 else ""
    spent = time.monotonic() - began
    # What was cut off may look like an answer, or like a connection that broke.
    late = _why(TimeoutError()) if spent >= timeout else trouble
    return Try(what=url, seconds=spent, trouble=late)


def _status(url: str, timeout: float) -> int:
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(
            parts.netloc, timeout=timeout, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
    try:
        connection.connect()
        # The socket's own timeout begins anew with every byte.
        with _cut_off(connection.sock, timeout):
            return _answered(connection, path)
    finally:
        connection.close()


@contextmanager
def _cut_off(peer: socket.socket, seconds: float) -> Iterator[None]:
    """End the conversation after so long, whoever is speaking."""

    def cut() -> None:
        with suppress(OSError):  # it has ended by itself
            peer.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _answered(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path, headers={"User-Agent": "countersign"})
    answer = connection.getresponse()
    answer.read(_READ_BYTES)
    return answer.status


def _why(error: Exception) -> str:
    known = (why for kinds, why in _WHY if isinstance(error, kinds))
    return next(known, "it cannot be reached")


# The narrower kind first: most of them are kinds of OSError.
_WHY: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "no answer in time"),
    (ConnectionRefusedError, "the connection was refused"),
    (ConnectionResetError, "the connection was cut"),
    (ssl.SSLCertVerificationError, "its certificate is not valid"),
    (socket.gaierror, "its name is not known"),
    (http.client.HTTPException, "it does not speak HTTP"),
)
