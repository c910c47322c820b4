"""The way to a gate: what a door must do, and the one over a Unix socket.

Nothing is sent before the other end has greeted as a gate does. So one that is down, slow
or somebody else was never asked; an answer that gets lost after that leaves open what was
done, and nothing is asked twice. The other door is `ssh.py`.
"""

import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from remediation.gate.fields import LONGEST_LINE, BadRequest
from remediation.gate.request import GREETING, Answer, parse_answer
from remediation.printable import printable
from remediation.target.privilege import GateClosed, GateRefused, Unanswered

PATIENCE: Final = timedelta(seconds=2)
"""For the connection and the greeting; and as long again for each answer but a job's."""

_TOLD_EVERY: Final = 5.0
_CREDENTIALS: Final = struct.Struct("3i")  # unix(7): pid, uid, gid
_ROOT: Final = 0

OnWait = Callable[[timedelta], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How long an answer is waited for; who is told meanwhile, every so many seconds.

    What `told` raises hangs up.
    """

    longest: timedelta
    told: OnWait | None = None
    every: float = _TOLD_EVERY


class Door(Protocol):
    """Where a gate is asked. patience: for the answer to what takes no time."""

    patience: timedelta

    def ask(self, request: bytes, waiting: Waiting) -> Answer:
        """Ask once and return the answer.

        Raises `GateClosed` or `GateRefused` where nothing was asked, and `Unanswered`
        where nobody knows what became of what was.
        """


class SocketDoor:
    """The gate of this host. owner: whose the other end must be; root but in tests."""

    def __init__(
        self, path: Path, *, owner: int = _ROOT, patience: timedelta = PATIENCE
    ) -> None:
        self.patience = patience
        self._path = path
        self._owner = owner

    def ask(self, request: bytes, waiting: Waiting) -> Answer:
        """Connect, be greeted, ask, hear."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(self.patience.total_seconds())
            try:
                connection.connect(str(self._path))
                _belongs_to(connection, self._owner)
                first = _line(connection, Waiting(longest=self.patience))
            except TimeoutError as error:
                raise GateClosed("the gate is slow; it was asked nothing") from error
            except OSError as error:
                why = error.strerror or "closed"
                raise GateClosed(f"the gate cannot be reached ({why})") from error
            greeted(first)
            return _asked(connection, request, waiting)


def greeted(line: bytes) -> None:
    """Raise `GateClosed` or `GateRefused` unless this is a gate's greeting."""
    if line == GREETING:
        return
    try:
        answer = parse_answer(line)
    except BadRequest as error:
        raise GateClosed("what answers there is no gate of this version") from error
    raise GateRefused(f"the gate refuses: {said(answer)}")


def read_answer(line: bytes) -> Answer:
    """Return the answer to what was asked; raise `Unanswered` for anything else."""
    try:
        return parse_answer(line)
    except BadRequest as error:
        raise Unanswered("the gate's answer was unreadable") from error


def said(answer: Answer) -> str:
    """Return the rule and the reason of an answer, printable."""
    rule = printable(answer.rule, limit=60)
    return f"{rule}: {printable(answer.reason, limit=400)}"


def _asked(connection: socket.socket, request: bytes, waiting: Waiting) -> Answer:
    # From here on nobody knows what a lost answer was.
    try:
        connection.sendall(request)
        line = _line(connection, waiting)
    except TimeoutError as error:
        raise Unanswered("the gate gave no answer in time") from error
    except OSError as error:
        raise Unanswered("the gate's answer was lost") from error
    return read_answer(line)


def _line(connection: socket.socket, waiting: Waiting) -> bytes:
    """Return one line; raise `TimeoutError` or `OSError`."""
    found = bytearray()
    began = time.monotonic()
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    while not found.endswith(b"\n"):
        past = time.monotonic() - began
        left = waiting.longest.total_seconds() - past
        if left <= 0:
            raise TimeoutError
        if poller.poll(min(left, waiting.every) * 1000):
            found += _part(connection, LONGEST_LINE - len(found))
        elif waiting.told is not None:
            waiting.told(timedelta(seconds=time.monotonic() - began))
    return bytes(found)


def _part(connection: socket.socket, room: int) -> bytes:
    part = connection.recv(room) if room else b""
    if not part:
        raise ConnectionResetError
    return part


def _belongs_to(connection: socket.socket, owner: int) -> None:
    found = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
    )
    _, uid, _ = _CREDENTIALS.unpack(found)
    if uid != owner:
        raise GateClosed(f"the gate's socket is not root's but uid {uid}'s")
