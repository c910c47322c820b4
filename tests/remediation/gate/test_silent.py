"""A gate that is down, slow, replaced or forgetful: refused clearly, nothing half-done."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from remediation.gate.client import GateClient
from remediation.gate.door import SocketDoor
from remediation.gate.request import (
    GREETING,
    Answer,
    Verdict,
    encode_answer,
)
from remediation.outcome import Result, Seen
from remediation.target.identity import boot_id
from remediation.target.privilege import GateClosed, GateRefused, Unanswered
from remediation.target.unit import UnitIdentity
from tests.remediation.gate.gates import (
    INIT,
    PEER_UID,
    act,
    as_user,
    end,
    facts_for_the_bot,
    needs_root,
    open_folder,
    victim_of,
)

pytestmark = needs_root
SHORT = timedelta(seconds=0.3)


@contextmanager
def pretending(
    answer: Callable[[socket.socket], None] | None, *, owner: int = 0
) -> Iterator[GateClient]:
    """A client of something that listens as `owner` and answers so; None: not at all."""
    with open_folder() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = folder / "gate.sock"
        listener.bind(str(path))
        path.chmod(0o666)
        with as_user(owner):
            listener.listen(8)
        if answer is not None:
            threading.Thread(
                target=_answering, args=(listener, answer), daemon=True
            ).start()
        try:
            yield GateClient(SocketDoor(path, patience=SHORT))
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _answering(
    listener: socket.socket, answer: Callable[[socket.socket], None]
) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        # The client may leave at any moment.
        with connection, suppress(BrokenPipeError, ConnectionResetError):
            answer(connection)


def hangs_up(connection: socket.socket) -> None:
    connection.sendall(GREETING)
    connection.recv(65536)


def says_nothing_more(connection: socket.socket) -> None:
    connection.sendall(GREETING)
    while connection.recv(65536):
        pass


def says(raw: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(GREETING)
        connection.recv(65536)
        connection.sendall(raw)

    return answer


def garbles(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_gate_that_is_down_is_told_and_nothing_is_done(tmp_path: Path) -> None:
    gate = GateClient(SocketDoor(tmp_path / "gate.sock"))
    with victim_of() as victim:
        denied = facts_for_the_bot(victim.pid, gate).denied
        outcome = act(end(facts_for_the_bot(victim.pid, None)), gate)

        assert denied is not None and "the gate cannot be reached" in denied
        assert outcome.result is Result.REFUSED
        assert "the gate cannot be reached" in outcome.summary
        assert victim.poll() is None


def test_a_gate_that_does_not_greet_was_asked_nothing() -> None:
    with pretending(None) as gate, pytest.raises(GateClosed, match="slow"):
        gate.signal(INIT, signal.SIGTERM)


def test_a_socket_that_is_not_roots_is_told_nothing() -> None:
    heard: list[bytes] = []
    ended = threading.Event()

    def listens(connection: socket.socket) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(GREETING)
            heard.append(connection.recv(65536))
        ended.set()

    with pretending(listens, owner=PEER_UID) as gate:
        with pytest.raises(GateClosed, match=f"not root's but uid {PEER_UID}'s"):
            gate.signal(INIT, signal.SIGTERM)
        assert ended.wait(5)
    assert b"".join(heard) == b""


def test_what_does_not_greet_as_the_gate_does_is_none() -> None:
    with pretending(garbles) as gate, pytest.raises(GateClosed, match="no gate"):
        gate.signal(INIT, signal.SIGTERM)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (hangs_up, "was lost"),
        (says_nothing_more, "no answer in time"),
        (says(b"no JSON\n"), "unreadable"),
        (says(b"{}\n"), "unreadable"),
        (says(b"x" * 70_000), "was lost"),
    ],
    ids=["hangs up", "says nothing", "no JSON", "no answer", "too long"],
)
def test_an_answer_that_is_lost_leaves_open_what_was_done(
    answer: Callable[[socket.socket], None], words: str
) -> None:
    with pretending(answer) as gate, pytest.raises(Unanswered, match=words):
        gate.signal(INIT, signal.SIGTERM)


def test_an_action_whose_answer_is_lost_is_called_interrupted() -> None:
    asked: list[bytes] = []

    def forgets(connection: socket.socket) -> None:
        connection.sendall(GREETING)
        raw = connection.recv(65536)
        if b'"signal"' in raw:
            asked.append(raw)

    with pretending(forgets) as gate, victim_of() as victim:
        outcome = act(end(facts_for_the_bot(victim.pid, None)), gate)

        assert outcome.result is Result.INTERRUPTED
        assert "whether it was done is not known" in outcome.summary
        assert outcome.seen is Seen.ALIVE
        assert len(asked) == 1


@pytest.mark.parametrize(
    "seen",
    [
        None,
        {"identity": None},
        {"helper_pid": "7"},
        {"helper_pid": -1},
        {"helper_pid": 2**40},
    ],
    ids=str,
)
def test_figures_that_are_none_are_no_answer(seen: dict[str, object] | None) -> None:
    raw = encode_answer(Answer(verdict=Verdict.DONE, seen=seen))
    with pretending(says(raw)) as gate:
        with pytest.raises(Unanswered, match="unreadable"):
            gate.pause(INIT, SHORT)
        with pytest.raises(GateClosed, match="unreadable"):
            gate.look(7)


def test_a_failure_of_a_signal_means_that_none_was_sent() -> None:
    raw = encode_answer(Answer(verdict=Verdict.FAILED, rule="gate.kernel", reason="x"))
    with (
        pretending(says(raw)) as gate,
        pytest.raises(GateRefused, match=r"gate\.kernel"),
    ):
        gate.signal(INIT, signal.SIGTERM)


def test_a_scan_waits_once_for_a_gate_that_does_not_answer() -> None:
    with pretending(None) as gate:
        with pytest.raises(GateClosed, match="slow"):
            gate.look(7)
        with pytest.raises(GateClosed, match="a moment ago"):
            gate.look(8)


@pytest.mark.parametrize("verdict", [Verdict.DONE, Verdict.UNDER_WAY])
def test_a_job_says_whether_it_ended_in_time(verdict: Verdict) -> None:
    unit = UnitIdentity(boot_id=boot_id(), name="nginx.service", invocation="")
    waited: list[timedelta] = []
    with pretending(says(encode_answer(Answer(verdict=verdict)))) as gate:
        done = gate.operate("restart", unit, on_wait=waited.append, deadline=SHORT)
    assert done is (verdict is Verdict.DONE)
