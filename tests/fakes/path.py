"""A path to a server that can die in the middle: it takes what is sent and answers nothing."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Path:
    """Leads from a port of its own to a server's. is_dead: nothing passes any more."""

    def __init__(self, to: tuple[str, int]) -> None:
        self.is_dead = False
        self._to = to
        self._ends: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._in_thread(self._serve)

    def close(self) -> None:
        """Hang up on everybody."""
        for end in (self._door, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._door.accept()
                server = socket.create_connection(self._to)
                self._ends += [caller, server]
                self._in_thread(self._carry, caller, server)
                self._in_thread(self._carry, server, caller)

    def _carry(self, out_of: socket.socket, into: socket.socket) -> None:
        with suppress(OSError):
            while said := out_of.recv(65536):
                if not self.is_dead:
                    into.sendall(said)
            into.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _in_thread(work: Callable[..., None], *given: socket.socket) -> None:
        threading.Thread(target=work, args=given, daemon=True).start()


@contextmanager
def path(host: str, port: int) -> Iterator[Path]:
    """Open a path to a server."""
    made = Path((host, port))
    try:
        yield made
    finally:
        made.close()
