"""The gate: the small part that has rights, asked by the bot, which has none.

    python -I -m remediation.gate --allow /etc/countersign/gate.json

serves the Unix socket that systemd hands over (LISTEN_FDS). With `--stdin` it reads one
request on its standard input and answers on its standard output, which is what an SSH
key's forced command needs. Standard library only, here and in all that it imports.

One greeting, one request, one answer, the end. Whatever is not a request is refused and
logged. A line of JSON per request is the gate's own log: standard error for systemd,
syslog under SSH.
"""

import argparse
import json
import os
import select
import socket
import struct
import sys
import syslog
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

from remediation.gate.acts import Caller, answer
from remediation.gate.fields import LONGEST_LINE, BadRequest
from remediation.gate.request import (
    GREETING,
    Answer,
    CleanOut,
    LookAt,
    LookAtUnit,
    Operate,
    PauseFor,
    Renice,
    Request,
    SendSignal,
    Verdict,
    encode_answer,
    parse,
)
from remediation.gate.rules import AllowList, BadList, read_list
from remediation.printable import printable
from remediation.rules.protect import OwnTree
from remediation.target import cgroup

READ_SECONDS: Final = 5.0
"""How long a request may take to arrive, from its first byte's wait to its line feed."""
AT_ONCE: Final = 8
"""Requests under way; others wait at the door, ungreeted."""

_FIRST_PASSED: Final = 3  # sd_listen_fds(3)
_CREDENTIALS: Final = struct.Struct("3i")  # unix(7): pid, uid, gid

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Answers one caller at a time, or several in threads.

    list_path: read anew for each request, so that a change counts at once. patience:
    seconds that a request may take to arrive.
    """

    list_path: Path
    own: OwnTree
    log: Log
    patience: float = READ_SECONDS

    def serve(self, listener: socket.socket) -> None:
        """Answer whoever connects, until nobody can any more."""
        room = threading.BoundedSemaphore(AT_ONCE)
        while True:
            room.acquire()
            try:
                connection, _ = listener.accept()
            except OSError as error:
                # systemd holds the socket and starts the gate anew for the next caller.
                self._tell("the gate itself", None, _lost(error))
                return
            words = (connection, room)
            threading.Thread(target=self._in_thread, args=words, daemon=True).start()

    def _in_thread(
        self, connection: socket.socket, room: threading.BoundedSemaphore
    ) -> None:
        try:
            with connection:
                self.meet(connection)
        finally:
            room.release()

    def meet(self, connection: socket.socket) -> None:
        """Greet, read, answer; only the bot's own user is read at all."""
        pid, uid, _ = _CREDENTIALS.unpack(
            connection.getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
            )
        )
        name = f"uid {uid} pid {pid}"
        descriptor = connection.fileno()
        connection.settimeout(self.patience)
        caller = Caller(
            name=name, cgroup=_service(pid), waits=lambda: not _hung_up(descriptor)
        )
        self._talk(descriptor, descriptor, caller, uid=uid)

    def once(self, reader: int, writer: int, *, name: str) -> None:
        """Answer one request on two descriptors; sshd has said who may ask."""
        caller = Caller(name=name, cgroup=None, waits=lambda: not _hung_up(writer))
        self._talk(reader, writer, caller, uid=None)

    def _talk(
        self, reader: int, writer: int, caller: Caller, *, uid: int | None
    ) -> None:
        """Greet, read, answer. uid: whose the socket's other end is."""
        try:
            allowed = read_list(self.list_path)
            _only_peer(uid, allowed)
            os.write(writer, GREETING)
            request = parse(_line(reader, self.patience))
            given = answer(request, caller, allowed=allowed, own=self.own)
            # Logged before it is told: whoever hears of an act finds it in the log.
            self._tell(caller.name, request, given)
            os.write(writer, encode_answer(given))
        except (BadRequest, BadList) as bad:
            self._refuse(writer, caller.name, str(bad))
        except OSError as error:
            self._tell(caller.name, None, _lost(error))

    def _refuse(self, writer: int, name: str, reason: str) -> None:
        given = Answer(verdict=Verdict.REFUSED, rule="gate.request", reason=reason)
        self._tell(name, None, given)
        with suppress(OSError):  # nobody listens
            os.write(writer, encode_answer(given))

    def _tell(self, who: str, request: Request | None, given: Answer) -> None:
        if isinstance(request, LookAt | LookAtUnit) and given.verdict is Verdict.DONE:
            return  # it changed nothing, and detectors look all day
        line = {
            "who": who,
            "what": _in_words(request),
            "verdict": given.verdict,
            "rule": given.rule,
            "reason": given.reason,
        }
        self.log(json.dumps(line))


def _only_peer(uid: int | None, allowed: AllowList) -> None:
    if uid is not None and uid != allowed.peer:
        raise BadRequest(f"uid {uid} is not the user that the list names")


def _in_words(request: Request | None) -> str:
    match request:
        case None:
            return "nothing readable"
        case LookAt(pid=pid):
            return f"look at pid {pid}"
        case LookAtUnit(name=name):
            return f"look at {name}"
        case Operate(job=job, unit=unit):
            return f"{job} {unit.name} {unit.invocation}"
        case CleanOut(folder=folder, files=files):
            names = ", ".join(printable(file.path, limit=1000) for file in files)
            return f"delete in {printable(folder)}: {names}"
    process = request.process
    who = f"pid {process.pid} start {process.start_ticks} {printable(process.exe)}"
    return f"{_how(request)} {who}"


def _how(request: SendSignal | PauseFor | Renice) -> str:
    match request:
        case SendSignal(number=number):
            return number.name
        case PauseFor(seconds=seconds):
            return f"pause for {seconds:g} s"
        case Renice(nice=nice):
            return f"nice {nice}"
    assert_never(request)


def _line(reader: int, seconds: float) -> bytes:
    """Read up to the line feed; raise `BadRequest` when it does not come in time."""
    found = bytearray()
    deadline = time.monotonic() + seconds
    poller = select.poll()
    poller.register(reader, select.POLLIN)
    while not found.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            raise BadRequest(f"no whole request within {seconds:g} s")
        part = os.read(reader, LONGEST_LINE + 1 - len(found))
        if not part:
            raise BadRequest("it ended before its line did")
        found += part
        if len(found) > LONGEST_LINE:
            raise BadRequest("it is longer than 64 KiB")
    return bytes(found)


def _hung_up(descriptor: int) -> bool:
    # Gone altogether, not just done with sending: that is how SSH ends its input.
    poller = select.poll()
    poller.register(descriptor, 0)
    return bool(poller.poll(0))


def _service(pid: int) -> str | None:
    """Return the cgroup of the service that asks; None where it runs in none."""
    try:
        place = cgroup.place(pid)
    except OSError:
        return None
    unit = place.unit or ""
    is_its_own = unit.endswith(".service") and not unit.startswith("user@")
    return place.cgroup if is_its_own else None


def _lost(error: OSError) -> Answer:
    reason = f"the connection was lost ({error.strerror})"
    return Answer(verdict=Verdict.FAILED, rule="gate.connection", reason=reason)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _passed_socket() -> socket.socket:
    """Return the socket that systemd handed over; raise `SystemExit` without one."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        raise SystemExit("no socket was handed over: start it by its socket unit")
    return socket.socket(fileno=_FIRST_PASSED)


def main(words: Sequence[str] | None = None) -> int:
    """Serve systemd's socket, or one request on standard input."""
    parser = argparse.ArgumentParser(prog="countersign-gate")
    parser.add_argument("--allow", type=Path, required=True, help="the allow-list")
    parser.add_argument("--stdin", action="store_true", help="one request, for SSH")
    chosen = parser.parse_args(words)
    if not chosen.stdin:
        Gate(list_path=chosen.allow, own=OwnTree.read(), log=_to_stderr).serve(
            _passed_socket()
        )
        return 0
    syslog.openlog("countersign-gate")
    gate = Gate(list_path=chosen.allow, own=OwnTree.read(), log=syslog.syslog)
    # What the client asked sshd to run is not looked at; only where it came from.
    origin = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
    gate.once(0, 1, name=printable(f"ssh {origin}", limit=80))
    return 0
