"""Keeps other web sites away from the page: host names, origins and a content policy."""

import secrets
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "x-workspace-page"  # noqa: S105 - a header's name
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def _allowed(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


ANEW = (Path(__file__).parent / "page/anew.js").read_text(encoding="utf-8")
"""The one script that may stand in the page itself."""
_POLICY = {
    "content-security-policy": (
        f"default-src 'self'; script-src 'self' {_allowed(ANEW)}; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class LoopbackOnly:
    """Refuses a Host that is not loopback (DNS rebinding) and adds the policy headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if not is_loopback(Headers(scope=scope).get("host", "")):
            refusal = PlainTextResponse("This server answers on loopback only.", 421)
            await refusal(scope, receive, send)
            return

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_POLICY)
            await send(message)

        await self._app(scope, receive, with_policy)


def is_loopback(host: str) -> bool:
    """Return whether a Host header names this machine itself, whatever the port."""
    return (urlsplit(f"//{host}").hostname or "") in _LOOPBACK


class PageKey:
    """The secret a page was served with; only a page we served knows it."""

    def __init__(self) -> None:
        self.value = secrets.token_urlsafe(24)

    def opens(self, request: Request) -> bool:
        """Return whether our own page sent this request."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        given = request.headers.get(TOKEN_HEADER, "")
        return site == "same-origin" and secrets.compare_digest(
            given.encode(), self.value.encode()
        )
