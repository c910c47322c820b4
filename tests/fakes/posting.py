"""A webhook's routes, asked over ASGI as a server would ask them."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
from fastapi import APIRouter, FastAPI

TOKEN = "s3cret-token-of-the-webhooks"


def posted(
    routes: APIRouter,
    path: str,
    body: object = None,
    *,
    token: str = TOKEN,
    raw: bytes | AsyncIterator[bytes] | None = None,
) -> httpx.Response:
    """Post once; body: sent as JSON, unless raw bytes are given."""
    api = FastAPI()
    api.include_router(routes)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=api)
        async with httpx.AsyncClient(transport=transport, base_url="http://b") as http:
            return await http.post(
                path,
                content=json.dumps(body).encode() if raw is None else raw,
                headers={"Authorization": f"Bearer {token}"} if token else {},
            )

    return asyncio.run(ask())
