"""The page's side of the server: its files, its state, its events, its acts."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Route

from handlers.workspace.page_acts import PageActs
from handlers.workspace.page_guard import ANEW, PageKey
from handlers.workspace.snapshot import snapshot
from handlers.workspace.state import State

_FILES = Path(__file__).parent / "page"
_KINDS: Mapping[str, str] = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
_DRAWN = frozenset({"image/png", "image/jpeg", "image/gif"})
_KEEPALIVE_SECONDS = 15.0


class Page:
    """Serves the web page. Runs on the server's event loop."""

    def __init__(self, state: State, acts: PageActs) -> None:
        self._state = state
        self._acts = acts
        self._key = PageKey()
        self._news: set[asyncio.Event] = set()
        self._closing = False

    def routes(self) -> list[BaseRoute]:
        """Return the page's addresses."""
        return [
            Route("/", self._index),
            Route("/archives/{channel}/{message}", self._index),
            Route("/page/assets/{name}", self._asset),
            Route("/page/state", self._guarded(self._read)),
            Route("/page/events", self._events),
            Route("/page/act", self._guarded(self._act), methods=["POST"]),
            Route("/page/files/{id}", self._file),
        ]

    def wake(self) -> None:
        """Tell every open page that something changed."""
        for news in self._news:
            news.set()

    def close(self) -> None:
        """End all event feeds, so that the server can stop."""
        self._closing = True
        self.wake()

    def _guarded(
        self, serve: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if not self._key.opens(request):
                return PlainTextResponse("Only the workspace's own page may ask.", 403)
            return await serve(request)

        return guarded

    async def _index(self, _request: Request) -> Response:
        text = (_FILES / "index.html").read_text(encoding="utf-8")
        text = text.replace("{{page_key}}", self._key.value)
        return HTMLResponse(text.replace("{{anew}}", ANEW))

    async def _asset(self, request: Request) -> Response:
        path = _FILES / str(request.path_params["name"])
        kind = _KINDS.get(path.suffix)
        if kind is None or not path.is_file():
            return PlainTextResponse("not found", 404)
        return FileResponse(path, media_type=kind)

    async def _read(self, request: Request) -> Response:
        return JSONResponse(snapshot(self._state, request.query_params.get("as", "")))

    async def _act(self, request: Request) -> Response:
        body = json.loads(await request.body())
        return JSONResponse(await self._acts.act(body))

    async def _events(self, _request: Request) -> Response:
        headers = {"x-accel-buffering": "no"}
        feed = self._feed()
        return StreamingResponse(feed, media_type="text/event-stream", headers=headers)

    async def _feed(self) -> AsyncIterator[str]:
        news = asyncio.Event()
        self._news.add(news)
        try:
            while not self._closing:
                news.clear()
                yield f"data: {self._state.revision}\n\n"
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_KEEPALIVE_SECONDS):
                        await news.wait()
        finally:
            self._news.discard(news)

    async def _file(self, request: Request) -> Response:
        file = self._state.files.get(str(request.path_params["id"]))
        if file is None:
            return PlainTextResponse("not found", 404)
        # Only pictures are drawn; anything else is downloaded, never run in our origin.
        drawn = file.mimetype in _DRAWN
        kind = file.mimetype if drawn else "application/octet-stream"
        headers = {} if drawn else {"content-disposition": "attachment"}
        return Response(file.data, media_type=kind, headers=headers)
