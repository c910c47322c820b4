"""Does a service answer? One try at a port or an address, with its time."""

import http.client
import socket
import ssl
import time
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
    """Get an address once, without following it elsewhere; from 400 on is trouble."""
    began = time.monotonic()
    try:
        status = _status(url, timeout)
    except (OSError, http.client.HTTPException) as error:
        return Try(what=url, seconds=time.monotonic() - began, trouble=_why(error))
    spent = time.monotonic() - began
    trouble = f"it answers with status {status}" if status >= 400 else ""
    return Try(what=url, seconds=spent, trouble=trouble)


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
        connection.request("GET", path, headers={"User-Agent": "countersign"})
        answer = connection.getresponse()
        answer.read(_READ_BYTES)
        return answer.status
    finally:
        connection.close()


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
