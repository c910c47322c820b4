"""Every address the local workspace serves, for the bot and for the page."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from handlers.workspace.args import read_args
from handlers.workspace.faults import Faults
from handlers.workspace.hooks import answer_hook
from handlers.workspace.methods_files import receive
from handlers.workspace.page import Page
from handlers.workspace.page_guard import LoopbackOnly
from handlers.workspace.socket_mode import Sockets
from handlers.workspace.state import State
from handlers.workspace.web_api import WebApi
from handlers.workspace.wire import Refused


class Doors:
    """`response_url` and the upload address: what is neither Web API nor page."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults

    async def hook(self, request: Request) -> Response:
        """Answer a post to a `response_url`; faults know it as `response_url`."""
        _, values = await read_args(request)
        fault = self._faults.strike("response_url")
        if fault is not None:
            return PlainTextResponse("Something went wrong", fault.status)
        try:
            with self._state.change():
                answer_hook(self._state, str(request.path_params["id"]), values)
        except Refused as refused:
            gone = refused.error in ("no_service", "expired_url", "used_url")
            return JSONResponse(refused.as_slack(), 404 if gone else 400)
        return PlainTextResponse("ok")

    async def upload(self, request: Request) -> Response:
        """Take a file's bytes, raw or as a form."""
        file_id = str(request.path_params["id"])
        if "multipart" in request.headers.get("content-type", ""):
            async with request.form() as form:
                sent = [v for v in form.values() if not isinstance(v, str)]
                data = await sent[0].read() if sent else b""
        else:
            data = await request.body()
        known = receive(self._state, file_id, data)
        return PlainTextResponse(f"OK - {len(data)}", 200 if known else 404)

    async def file(self, request: Request) -> Response:
        """Give a file to whoever shows the bot's token."""
        file = self._state.files.get(str(request.path_params["id"]))
        wanted = f"Bearer {self._state.team.bot_token}"
        if file is None or request.headers.get("authorization") != wanted:
            return PlainTextResponse("not found", 404)
        return Response(file.data, media_type=file.mimetype)


def application(
    *, api: WebApi, doors: Doors, sockets: Sockets, page: Page
) -> Starlette:
    """Return the whole server."""
    routes: list[BaseRoute] = [
        Route("/api/{method}", api.answer, methods=["GET", "POST"]),
        Route("/hook/{id}", doors.hook, methods=["POST"]),
        Route("/upload/{id}", doors.upload, methods=["POST"]),
        Route("/files/{id}", doors.file),
        WebSocketRoute("/link/", sockets.serve),
        *page.routes(),
    ]
    return Starlette(routes=routes, middleware=[Middleware(LoopbackOnly)])
