"""Who may post here, how much and how slowly: the same for all webhooks."""

import asyncio
import hmac
from collections.abc import Callable
from typing import Final

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from bot.http.request_body import body_of
from bot.runtime.telemetry import Telemetry

_SECONDS: Final = 10
_AT_ONCE: Final = 2
"""Bodies in memory; others wait for their turn, within the same time."""

Use = Callable[[bytes], Response]


class Door:
    """Opens to whoever bears the token, and tells nobody else anything."""

    def __init__(
        self, token: str, telemetry: Telemetry, *, seconds: float = _SECONDS
    ) -> None:
        self._token = token
        self._telemetry = telemetry
        self._seconds = seconds
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def open(self, request: Request, limit_bytes: int, use: Use) -> Response:
        """Give the body to `use`, in a thread; answer in its place where there is none."""
        answer = await self._answer(request, limit_bytes, use)
        route = request.url.path.rpartition("/")[2]
        self._telemetry.webhook(route, answer.status_code)
        return answer

    async def _answer(self, request: Request, limit_bytes: int, use: Use) -> Response:
        if not bears(self._token, request.headers.get("authorization", "")):
            answer = said(401, "Authorization: Bearer TOKEN was expected")
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit_bytes:
            return _too_large(limit_bytes)
        try:
            async with asyncio.timeout(self._seconds):
                await self._turns.acquire()
        except TimeoutError:
            return busy("too many are posting at once")
        try:
            return await self._used(request, limit_bytes, use)
        finally:
            self._turns.release()

    async def _used(self, request: Request, limit_bytes: int, use: Use) -> Response:
        try:
            async with asyncio.timeout(self._seconds):
                body = await body_of(request, limit_bytes)
        except TimeoutError:
            return said(408, f"the body took longer than {self._seconds:g} s")
        except ClientDisconnect:
            return said(400, "the body ended too early")
        if body is None:
            return _too_large(limit_bytes)
        return await run_in_threadpool(use, body)


def bears(token: str, header: str) -> bool:
    """Say whether the header carries the token; in constant time."""
    scheme, _, given = header.partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return same and scheme.lower() == "bearer"


def said(status: int, words: str) -> Response:
    """Return an answer in words."""
    return Response(f"{words}\n", status, media_type="text/plain")


def _too_large(limit_bytes: int) -> Response:
    return said(413, f"at most {limit_bytes:,} bytes were expected")


def busy(words: str, status: int = 503) -> Response:
    """Return the answer to whom may try again soon."""
    answer = said(status, f"{words}; send it again")
    answer.headers["Retry-After"] = "10"
    return answer
