"""What other systems tell over HTTP: `POST /webhooks/change`. Without a token it is off."""

import asyncio
import hmac
import json
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from bot import marks
from bot.record import Record
from bot.request_body import body_of
from remediation.audit import Event, append

_LIMIT_BYTES: Final = 16_384
_SECONDS: Final = 10
_KEYS: Final = frozenset({"text", "host", "service", "at", "by"})


def router(record: Record, token: str) -> APIRouter:
    """Return the routes; whoever does not bear the token is told nothing else."""
    routes = APIRouter()

    @routes.post("/webhooks/change", include_in_schema=False)
    async def change(request: Request) -> Response:
        if not bears(token, request.headers.get("authorization", "")):
            answer = _said(401, "Authorization: Bearer TOKEN was expected")
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        try:
            async with asyncio.timeout(_SECONDS):
                body = await body_of(request, _LIMIT_BYTES)
        except TimeoutError:
            return _said(408, f"the body took longer than {_SECONDS} s")
        except ClientDisconnect:
            return _said(400, "the body ended too early")
        if body is None:
            return _said(413, f"at most {_LIMIT_BYTES} bytes were expected")
        return await run_in_threadpool(_kept, record, body)

    return routes


def bears(token: str, header: str) -> bool:
    """Say whether the header carries the token; in constant time."""
    scheme, _, given = header.partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return same and scheme.lower() == "bearer"


def _kept(record: Record, body: bytes) -> Response:
    now = record.clock.now().wall
    try:
        mark = _mark(body, now)
    except ValueError as error:
        return _said(400, str(error))
    try:
        with record.database.write() as tx:
            marks.keep(tx, mark)
            text = f"{mark.by or 'a webhook'} told a change: {mark.text}"
            append(tx, Event(kind="change.told", text=text, at=now))
    except SQLAlchemyError:
        return _said(503, "it could not be kept; send it again")
    return _said(201, "kept")


def _mark(body: bytes, now: datetime) -> marks.Mark:
    fields = _fields(body)
    words = {key: _text(fields, key) for key in _KEYS - {"at"}}
    at = _text(fields, "at")
    return marks.made(
        words["text"],
        now=now,
        at=_instant(at) if at else None,
        host=words["host"],
        service=words["service"],
        by=words["by"],
    )


def _fields(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("the body is not JSON") from error
    if not isinstance(found, dict) or not set(found) <= _KEYS:
        known = ", ".join(sorted(_KEYS))
        raise ValueError(f"one object with text, and at most {known}, was expected")
    return found


def _text(fields: dict[str, object], key: str) -> str:
    found = fields.get(key, "")
    if not isinstance(found, str):
        raise marks.BadMark(f"{key}: a text was expected")
    return found


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("at: a time like 2026-11-21T17:00:00Z was expected") from error


def _said(status: int, words: str) -> Response:
    return Response(f"{words}\n", status, media_type="text/plain")
