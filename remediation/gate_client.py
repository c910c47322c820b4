"""The gate as the bot sees it: one connection, one request, one answer, with deadlines.

Before anything is sent, the other end must be root's and must have greeted. So a gate
that is down, slow or somebody else's socket was never asked. An answer that gets lost
after that leaves open what was done; it is said so, and nothing is asked twice.
"""

import select
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from signal import Signals
from typing import Final

from remediation.area import FileIdentity
from remediation.gate_fields import (
    LONGEST_LINE,
    BadRequest,
    Fields,
    number_in,
    object_of,
    one,
)
from remediation.gate_request import (
    GREETING,
    LONGEST_JOB,
    Answer,
    CleanOut,
    LookAt,
    Operate,
    PauseFor,
    Renice,
    Request,
    SendSignal,
    Verdict,
    encode_request,
    parse_answer,
    read_identity_fields,
)
from remediation.identity import ProcessIdentity
from remediation.jobs import JobVerb
from remediation.printable import printable
from remediation.privilege import (
    GateClosed,
    GateFailed,
    GateRefused,
    Look,
    Reniced,
    Unanswered,
)
from remediation.sweep import Spared
from remediation.unit import UnitIdentity

PATIENCE: Final = timedelta(seconds=2)
"""For the connection and the greeting; and as long again for each answer but a job's."""

CLEANING: Final = timedelta(minutes=2)
"""For the answer to a batch of files: a large one takes its file system seconds."""

_TOLD_EVERY: Final = 5.0
_ASKED_EVERY: Final = 0.5
_SPARE: Final = timedelta(seconds=5)
_PORTS: Final = 65_536
_CREDENTIALS: Final = struct.Struct("3i")  # unix(7): pid, uid, gid
_ROOT: Final = 0
_RESTS: Final = 10.0

OnWait = Callable[[timedelta], None]


class GateClient:
    """Implements `privilege.Gate` over the gate's socket.

    owner: whose the other end must be; root but in tests. patience: see `PATIENCE`.
    A gate that did not answer is left in peace for ten seconds by `look`, so that a scan
    of many processes waits once; acting asks always.
    """

    def __init__(
        self, path: Path, *, owner: int = _ROOT, patience: timedelta = PATIENCE
    ) -> None:
        self._path = path
        self._owner = owner
        self._patience = patience
        self._rests_until = 0.0

    def look(self, pid: int) -> Look:
        """Return who a process is, as the gate sees it."""
        if time.monotonic() < self._rests_until:
            raise GateClosed("the gate gave no answer a moment ago")
        try:
            answer = self._answer(LookAt(pid=pid))
        except (GateClosed, Unanswered) as silent:
            self._rests_until = time.monotonic() + _RESTS
            raise GateClosed(str(silent)) from silent
        return _look(answer.seen or {})

    def signal(self, process: ProcessIdentity, number: Signals) -> None:
        """Send SIGTERM, SIGKILL or SIGCONT."""
        self._done(SendSignal(process=process, number=number))

    def pause(self, process: ProcessIdentity, span: timedelta) -> int:
        """Arm the resume, then stop it; return the helper's pid."""
        answer = self._done(PauseFor(process=process, seconds=span.total_seconds()))
        return _figure(answer, "helper_pid")

    def renice(self, process: ProcessIdentity, nice: int) -> Reniced:
        """Give all its threads this nice value."""
        answer = self._answer(Renice(process=process, nice=nice))
        return Reniced(
            threads=_figure(answer, "threads"), others=_figure(answer, "others")
        )

    def operate(
        self, verb: str, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> bool:
        """Run a job on a service; say whether it ended in time."""
        seconds = min(deadline.total_seconds(), LONGEST_JOB)
        request = Operate(job=JobVerb(verb), unit=unit, seconds=seconds)
        longest = timedelta(seconds=seconds) + _SPARE
        answer = self._answer(request, _Waiting(longest=longest, told=on_wait))
        return answer.verdict is Verdict.DONE

    def clean(
        self,
        boot_id: str,
        folder: str,
        files: Sequence[FileIdentity],
        *,
        on_wait: OnWait,
    ) -> Mapping[str, Spared]:
        """Delete files of a folder; return which were left, by path, and why.

        What `on_wait` raises hangs up, upon which the gate goes no further.
        """
        request = CleanOut(boot_id=boot_id, folder=folder, files=tuple(files))
        waiting = _Waiting(longest=CLEANING, told=on_wait, every=_ASKED_EVERY)
        return _left(self._answer(request, waiting), files)

    def _done(self, request: Request) -> Answer:
        """Ask for what is done or not: here a failure leaves nothing behind."""
        try:
            return self._answer(request)
        except GateFailed as failed:
            raise GateRefused(str(failed)) from failed

    def _answer(self, request: Request, waiting: "_Waiting | None" = None) -> Answer:
        waiting = waiting or _Waiting(longest=self._patience)
        with self._connected() as line:
            answer = line.ask(encode_request(request), waiting)
        words = f"the gate refuses: {_said(answer)}"
        match answer.verdict:
            case Verdict.REFUSED:
                raise GateRefused(words)
            case Verdict.FAILED:
                raise GateFailed(f"the gate could not do it: {_said(answer)}")
            case _:
                return answer

    @contextmanager
    def _connected(self) -> Iterator["_Line"]:
        """Yield the greeted connection; raise `GateClosed` or `GateRefused`."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(self._patience.total_seconds())
            try:
                connection.connect(str(self._path))
                _belongs_to(connection, self._owner)
                line = _Line(connection)
                first = line.read(_Waiting(longest=self._patience))
            except TimeoutError as error:
                raise GateClosed("the gate is slow; it was asked nothing") from error
            except OSError as error:
                why = error.strerror or "closed"
                raise GateClosed(f"the gate cannot be reached ({why})") from error
            _greeted(first)
            yield line


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """How long an answer is waited for; who is told meanwhile, every so many seconds."""

    longest: timedelta
    told: OnWait | None = None
    every: float = _TOLD_EVERY


class _Line:
    """A connection that is spoken over in lines."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def ask(self, request: bytes, waiting: _Waiting) -> Answer:
        """Send and wait; from here on nobody knows what a lost answer was."""
        try:
            self._connection.sendall(request)
            return parse_answer(self.read(waiting))
        except TimeoutError as error:
            raise Unanswered("the gate gave no answer in time") from error
        except OSError as error:
            raise Unanswered("the gate's answer was lost") from error
        except BadRequest as error:
            raise Unanswered("the gate's answer was unreadable") from error

    def read(self, waiting: _Waiting) -> bytes:
        """Return one line; raise `TimeoutError` or `OSError`."""
        found = bytearray()
        began = time.monotonic()
        poller = select.poll()
        poller.register(self._connection, select.POLLIN)
        while not found.endswith(b"\n"):
            past = time.monotonic() - began
            left = waiting.longest.total_seconds() - past
            if left <= 0:
                raise TimeoutError
            if poller.poll(min(left, waiting.every) * 1000):
                found += self._part(LONGEST_LINE - len(found))
            elif waiting.told is not None:
                waiting.told(timedelta(seconds=time.monotonic() - began))
        return bytes(found)

    def _part(self, room: int) -> bytes:
        part = self._connection.recv(room) if room else b""
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


def _greeted(line: bytes) -> None:
    if line == GREETING:
        return
    try:
        answer = parse_answer(line)
    except BadRequest as error:
        raise GateClosed("what answers there is no gate of this version") from error
    raise GateRefused(f"the gate refuses: {_said(answer)}")


def _said(answer: Answer) -> str:
    rule = printable(answer.rule, limit=60)
    return f"{rule}: {printable(answer.reason, limit=400)}"


def _look(seen: Fields) -> Look:
    try:
        return Look(
            identity=read_identity_fields(seen.get("identity")),
            ports=_ports(seen.get("ports")),
            respawner=_text(seen.get("respawner")),
            foreign_pid_namespace=seen.get("foreign_pid_namespace") is not False,
            denied=_text(seen.get("denied")),
        )
    except BadRequest as error:
        raise GateClosed("the gate's answer was unreadable") from error


def _ports(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > _PORTS:
        raise BadRequest("ports: a list was expected")
    return tuple(number_in({"port": port}, "port", 0, 65_535) for port in value)


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise BadRequest("words were expected")
    return None if value is None else printable(value, limit=400)


def _left(answer: Answer, files: Sequence[FileIdentity]) -> Mapping[str, Spared]:
    try:
        told = object_of((answer.seen or {}).get("left"))
        left = {path: Spared(one(told, path, str)) for path in told}
    except (BadRequest, ValueError) as error:
        raise Unanswered("the gate's answer was unreadable") from error
    if not set(left) <= {file.path for file in files}:
        raise Unanswered("the gate's answer was unreadable")
    return left


def _figure(answer: Answer, name: str) -> int:
    try:
        return number_in(answer.seen or {}, name, 0, 2**22)
    except BadRequest as error:
        raise Unanswered("the gate's answer was unreadable") from error
