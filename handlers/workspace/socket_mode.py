"""Slack's side of Socket Mode: connections, envelopes and their acks.

Everything here runs on the server's event loop.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from handlers.workspace.delivery import (
    ACK_SECONDS,
    CONNECT_SECONDS,
    Envelope,
    NotAcked,
    Unreachable,
)
from handlers.workspace.state import State
from handlers.workspace.wire import Json

DisconnectReason = Literal["refresh_requested", "warning", "link_disabled"]
_GONE = (WebSocketDisconnect, RuntimeError, OSError)


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """One websocket of the bot; `leaving` once it was told to go."""

    socket: WebSocket
    leaving: bool = False


class Sockets:
    """All connections of the bot. An envelope goes to one of them, in turn."""

    def __init__(self, state: State, cut: Callable[[HTTPConnection], None]) -> None:
        self._state = state
        self._cut = cut
        self._connections: list[Connection] = []
        self._changed = asyncio.Event()
        self._acks: dict[str, asyncio.Future[Json]] = {}
        self._turn = 0

    async def serve(self, socket: WebSocket) -> None:
        """Keep one connection until it ends."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._state.tickets:
            await socket.close(1008)
            return
        self._state.tickets.discard(ticket)
        await socket.accept()
        connection = Connection(socket=socket)
        self._connections.append(connection)
        try:
            await socket.send_json(self._hello())
            self._announce()
            while True:
                self._hear(await socket.receive_text())
        except _GONE:
            pass
        finally:
            self._connections.remove(connection)
            self._announce()

    async def send(self, envelope: Envelope, *, copies: int = 1) -> Json:
        """Send to one connection and return what came with the ack."""
        ack: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._acks[envelope.envelope_id] = ack
        try:
            for _ in range(copies):
                await self._post(envelope.as_slack())
            async with asyncio.timeout(ACK_SECONDS):
                return await ack
        except TimeoutError:
            raise NotAcked from None
        finally:
            del self._acks[envelope.envelope_id]

    async def disconnect(self, reason: DisconnectReason, *, hard: bool) -> None:
        """Ask every connection to go, or cut it off without a word."""
        for connection in list(self._connections):
            connection.leaving = True
            with contextlib.suppress(*_GONE):
                if hard:
                    self._cut(connection.socket)
                else:
                    await connection.socket.send_json(
                        {
                            "type": "disconnect",
                            "reason": reason,
                            "debug_info": {"host": "local-workspace"},
                        }
                    )
        self._announce()

    def open_count(self) -> int:
        """Return how many connections can take an envelope."""
        return len(self._open())

    def _open(self) -> list[Connection]:
        return [
            c
            for c in self._connections
            if not c.leaving and c.socket.client_state is WebSocketState.CONNECTED
        ]

    async def _post(self, frame: Json) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                while not await self._try_post(frame):
                    self._changed.clear()
                    if not self._open():
                        await self._changed.wait()
        except TimeoutError:
            raise Unreachable from None

    async def _try_post(self, frame: Json) -> bool:
        if not (free := self._open()):
            return False
        self._turn += 1
        connection = free[self._turn % len(free)]
        try:
            await connection.socket.send_json(frame)
        except _GONE:
            connection.leaving = True
            return False
        return True

    def _hear(self, text: str) -> None:
        frame = json.loads(text)
        ack = self._acks.get(frame.get("envelope_id"))
        if ack is not None and not ack.done():
            ack.set_result(frame.get("payload") or {})

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": {
                "host": "local-workspace",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": self._state.team.app_id},
        }

    def _announce(self) -> None:
        self._changed.set()
        with self._state.change():
            self._state.bot_connected = bool(self._open())
