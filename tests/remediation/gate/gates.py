"""A real gate on a real socket, and processes of other users for it to act on."""

import codecs
import ctypes
import json
import os
import platform
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from remediation.action import LowerPriority, Pause, RestorePriority, Terminate
from remediation.acts.process import perform
from remediation.attempt import Progress
from remediation.gate.client import GateClient
from remediation.gate.door import SocketDoor
from remediation.gate.request import SendSignal, encode_request
from remediation.gate.serve import Gate
from remediation.outcome import Outcome
from remediation.rules.protect import OwnTree
from remediation.target import procfs
from remediation.target.facts import FactReader, ProcessFacts
from remediation.target.identity import ProcessIdentity, boot_id
from tests.remediation.victims import HOST, agrees, now, silent, until

PEER = "nobody"
PEER_UID = 65534
VICTIM_UID = 54321
NOT_LISTED_UID = 54322
NOBODY_OWN = OwnTree(pid=2**22 + 1, ancestors=frozenset(), service=None)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="the gate runs as root")

_SETRESUID = {"x86_64": 117, "aarch64": 147}
# Found now: as somebody else this interpreter's library may not be readable.
codecs.lookup("ascii")
_LIBC = ctypes.CDLL(None, use_errno=True)


@contextmanager
def as_user(uid: int) -> Iterator[None]:
    """Run this thread, and no other one, as somebody else: without any capability."""
    _set_user(uid)
    try:
        yield
    finally:
        _set_user(0)


def _set_user(uid: int) -> None:
    # The raw call: libc's own would change every thread, the gate's too.
    number = _SETRESUID[platform.machine()]
    assert _LIBC.syscall(number, -1, uid, -1) == 0


@dataclass
class Stage:
    """A gate that serves. log: its lines."""

    path: Path
    list_path: Path
    log: list[str] = field(default_factory=list)

    def client(self) -> GateClient:
        return GateClient(SocketDoor(self.path))

    def allow(self, **changes: object) -> None:
        fields = {
            "version": 1,
            "peer": PEER,
            "users": [str(VICTIM_UID)],
            "units": {"nginx.service": ["restart"], "ssh.service": ["restart"]},
            **changes,
        }
        self.list_path.write_text(json.dumps(fields))

    @property
    def told(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.log]

    def say(self, raw: bytes, *, uid: int = PEER_UID) -> list[dict[str, object]]:
        """Send bytes as somebody; return every line that the gate says."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            with as_user(uid):
                connection.connect(str(self.path))
            said = b""
            # It may refuse before all is sent, and close with some of it unread.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(raw)
            with suppress(ConnectionResetError):
                while part := connection.recv(65536):
                    said += part
            return [json.loads(line) for line in said.splitlines()]


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def serving(*, patience: float = 0.5) -> Iterator[Stage]:
    with open_folder() as folder:
        (folder / "etc").mkdir(mode=0o755)
        list_path = folder / "etc" / "gate.json"
        stage = Stage(path=folder / "gate.sock", list_path=list_path)
        stage.allow()
        with _served(stage, patience):
            yield stage


@contextmanager
def _served(stage: Stage, patience: float) -> Iterator[None]:
    gate = Gate(
        list_path=stage.list_path,
        own=NOBODY_OWN,
        log=stage.log.append,
        patience=patience,
    )
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stage.path))
        stage.path.chmod(0o666)
        listener.listen(16)
        thread = threading.Thread(target=gate.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@contextmanager
def victim_of(
    uid: int = VICTIM_UID, *, pass_fds: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of another user, which ends with the test."""
    process = subprocess.Popen(
        ["/bin/sleep", "600"], user=uid, pass_fds=pass_fds, start_new_session=True
    )
    try:
        assert until(lambda: procfs.stat(process.pid).state == "S")
        yield process
    finally:
        process.kill()
        process.wait()


def identity_of(pid: int) -> ProcessIdentity:
    return FactReader("web-1").read(pid).identity


INIT = ProcessIdentity(
    boot_id=boot_id(),
    pid=1,
    start_ticks=0,
    pidfd_inode=None,
    exe="/sbin/init",
    image="",
    uid=0,
)


def term(identity: ProcessIdentity) -> bytes:
    return encode_request(SendSignal(process=identity, number=signal.SIGTERM))


def refused(answers: list[dict[str, object]]) -> str:
    """The reason of the refusal, which is the last thing said."""
    assert answers[-1]["verdict"] == "refused"
    return f"{answers[-1]['rule']}: {answers[-1]['reason']}"


def facts_for_the_bot(pid: int, gate: GateClient | None) -> ProcessFacts:
    with as_user(PEER_UID):
        return FactReader(HOST, gate).read(pid)


def act(action: object, gate: GateClient, progress: Progress = silent) -> Outcome:
    assert isinstance(action, Terminate | LowerPriority | RestorePriority | Pause)
    with as_user(PEER_UID):
        return perform(action, recheck=agrees, progress=progress, now=now, gate=gate)


def end(facts: ProcessFacts) -> Terminate:
    return Terminate(
        host=HOST, process=facts.identity, label=facts.label, grace=timedelta(seconds=5)
    )
