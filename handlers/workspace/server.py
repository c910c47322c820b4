"""The server itself: one uvicorn on loopback, in a thread of its own."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

T = TypeVar("T")
_START_SECONDS = 10.0
_CALL_SECONDS = 60.0


class _Announced(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready
        self._leave = asyncio.Event()

    async def main_loop(self) -> None:
        # uvicorn looks ten times a second whether to leave; being told is faster.
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._leave.wait()

    def leave(self) -> None:
        self.should_exit = True
        self._leave.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


class Taken(OSError):
    """Nobody can listen on that port now; the text says what to do."""


class Server:
    """Runs a Starlette application on 127.0.0.1 until `stop()`; raises `Taken`."""

    def __init__(self, port: int = 0) -> None:
        try:
            self._socket = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            raise Taken(
                f"cannot listen on 127.0.0.1:{port} ({os.strerror(error.errno or 0)}). "
                "Name another --port, or none: then a free one is taken"
            ) from error
        self.port = int(self._socket.getsockname()[1])
        self._loop: asyncio.AbstractEventLoop | None = None
        self._uvicorn: _Announced | None = None
        self._thread: threading.Thread | None = None

    @property
    def origin(self) -> str:
        """The address everything is served under."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it serves now."""
        return self._loop is not None

    def start(self, make_app: Callable[[], Starlette]) -> None:
        """Serve what `make_app`, called on the new event loop, returns."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(make_app, ready)),
            name="local-workspace",
            daemon=True,
        )
        self._thread.start()
        if not ready.wait(_START_SECONDS):
            raise TimeoutError("the local workspace did not start")

    def stop(self) -> None:
        """Stop serving; open connections are closed."""
        if self._uvicorn is not None and self._thread is not None:
            self.soon(self._uvicorn.leave)
            self._thread.join(_START_SECONDS)
        self._socket.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the server's event loop and return what it returns."""
        if self._loop is None:
            work.close()
            raise RuntimeError("the local workspace is not running")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(_CALL_SECONDS)

    def soon(self, work: Callable[[], None]) -> None:
        """Call something on the server's event loop, if there still is one."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(work)

    def cut(self, connection: HTTPConnection) -> None:
        """End a caller's connection at the network, without an answer or a goodbye."""
        if self._uvicorn is None or connection.client is None:
            return
        for protocol in list(self._uvicorn.server_state.connections):
            if getattr(protocol, "client", None) == tuple(connection.client):
                transport = getattr(protocol, "transport", None)
                if isinstance(transport, asyncio.Transport):
                    transport.close()

    async def _serve(
        self, make_app: Callable[[], Starlette], ready: threading.Event
    ) -> None:
        self._loop = asyncio.get_running_loop()
        config = uvicorn.Config(
            make_app(),
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_ping_interval=None,
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = _Announced(config, ready)
        await self._uvicorn.serve(sockets=[self._socket])
        self._loop = None
