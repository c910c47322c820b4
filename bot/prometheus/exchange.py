"""One request of the client library, carried within one deadline and one size.

The library would wait anew for every byte, try three times more, follow redirects with
the token in hand, and read whatever comes. Here it is one request, to the address that
was configured, and what came back stays readable for `server.py`.
"""

import io

import httpx2
import requests
from requests.adapters import BaseAdapter

from bot.http.bounded import BoundedTransport
from bot.prometheus.answer import ServerSilent


class Exchange(BaseAdapter):
    """Sends one request for a session; `status` and `content` are what was answered."""

    def __init__(self, transport: BoundedTransport, *, seconds: float) -> None:
        super().__init__()
        self._transport = transport
        self._seconds = seconds
        self.status = 0
        self.content = b""

    def session(self, url: str) -> requests.Session:
        """Return a session that asks this server through this exchange, and no other."""
        made = requests.Session()
        # Neither a .netrc nor variables of the environment add anything to a request.
        made.trust_env = False
        made.adapters.clear()
        # The library mounts an adapter of its own at the address; the longer path wins.
        made.mount(f"{url}/api/", self)
        return made

    def send(
        self, request: requests.PreparedRequest, *_: object, **__: object
    ) -> requests.Response:
        """Ask; raise `TooSlow`, `TooLarge`, `TransportError` or `ServerSilent`.

        Timeouts, certificates and proxies are not the session's to say.
        """
        asked = httpx2.Request(
            request.method or "GET", request.url or "", headers=dict(request.headers)
        )
        with self._transport.within(self._seconds):
            told = self._transport.handle_request(asked)
        self.status, self.content = told.status_code, told.content
        if 300 <= told.status_code < 400:
            raise ServerSilent("it points to another address, which is not followed")
        answer = requests.Response()
        answer.status_code = told.status_code
        answer.headers.update(dict(told.headers))
        answer.url, answer.request = request.url or "", request
        answer.encoding = "utf-8"
        answer.raw = io.BytesIO(told.content)
        return answer

    def close(self) -> None:
        """Nothing is kept open."""
