"""What pipelines tell that they changed: `POST /webhooks/change`."""

import json
from datetime import datetime
from functools import partial
from typing import Final

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from bot.storage import marks
from bot.storage.record import Record
from bot.webhooks.door import Door, said
from remediation.ledger.audit import Event, append

_LIMIT_BYTES: Final = 16_384
_KEYS: Final = frozenset({"text", "host", "service", "at", "by"})


def router(record: Record, door: Door) -> APIRouter:
    """Return the route."""
    routes = APIRouter()

    @routes.post("/webhooks/change", include_in_schema=False)
    async def change(request: Request) -> Response:
        return await door.open(request, _LIMIT_BYTES, partial(_kept, record))

    return routes


def _kept(record: Record, body: bytes) -> Response:
    now = record.clock.now().wall
    try:
        mark = _mark(body, now)
    except ValueError as error:
        return said(400, str(error))
    try:
        with record.database.write() as tx:
            marks.keep(tx, mark)
            text = f"{mark.by or 'a webhook'} told a change: {mark.text}"
            append(tx, Event(kind="change.told", text=text, at=now))
    except SQLAlchemyError:
        return said(503, "it could not be kept; send it again")
    return said(201, "kept")


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
