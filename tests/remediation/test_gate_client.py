"""A bot without rights acts through the gate, or refuses clearly; nothing half-done."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from remediation import procfs
from remediation.action import LowerPriority, Pause, RestorePriority, Terminate
from remediation.attempt import Progress
from remediation.facts import FactReader, ProcessFacts
from remediation.gate_client import GateClient
from remediation.gate_request import (
    GREETING,
    Answer,
    Verdict,
    encode_answer,
)
from remediation.identity import boot_id
from remediation.outcome import Outcome, Result, Seen
from remediation.privilege import GateClosed, GateRefused, Unanswered
from remediation.process import perform
from remediation.unit import UnitIdentity
from tests.remediation.gates import (
    INIT,
    NOT_LISTED_UID,
    PEER_UID,
    Stage,
    as_user,
    identity_of,
    needs_root,
    open_folder,
    serving,
    victim_of,
)
from tests.remediation.victims import HOST, agrees, now, silent, until

pytestmark = needs_root
SHORT = timedelta(seconds=0.3)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with serving() as running:
        yield running


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


# --- with a gate ---------------------------------------------------------------------


def test_facts_of_another_users_process_are_completed_by_the_gate(stage: Stage) -> None:
    with victim_of() as victim:
        blind = facts_for_the_bot(victim.pid, None)
        seen = facts_for_the_bot(victim.pid, stage.client())

        assert blind.identity.exe == "" and blind.denied is not None
        assert seen.identity == identity_of(victim.pid)
        assert (seen.denied, seen.by_gate) == (None, True)
        assert seen.label == "sleep (+1 hidden)"


def test_what_the_gate_would_refuse_is_said_before_anything_is_proposed(
    stage: Stage,
) -> None:
    with victim_of(NOT_LISTED_UID) as victim:
        denied = facts_for_the_bot(victim.pid, stage.client()).denied
    assert denied is not None and denied.startswith("protected.user")


def test_another_users_process_is_ended_through_the_gate(stage: Stage) -> None:
    with victim_of() as victim:
        threading.Thread(target=victim.wait, daemon=True).start()
        facts = facts_for_the_bot(victim.pid, stage.client())
        outcome = act(end(facts), stage.client())

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.EXITED)
    assert "exited 0.0 s after SIGTERM" in outcome.summary


def test_a_pause_through_the_gate_ends_by_itself(stage: Stage) -> None:
    with victim_of() as victim:
        facts = facts_for_the_bot(victim.pid, stage.client())
        pause = Pause(
            host=HOST,
            process=facts.identity,
            label=facts.label,
            duration=timedelta(seconds=1),
        )
        outcome = act(pause, stage.client())

        assert (outcome.result, outcome.seen) == (Result.DONE, Seen.STOPPED)
        assert outcome.steps[0].text.startswith("the gate armed the resume in 1 s")
        assert until(lambda: procfs.stat(victim.pid).state == "S")


def test_a_priority_is_lowered_and_restored_through_the_gate(stage: Stage) -> None:
    with victim_of() as victim:
        facts = facts_for_the_bot(victim.pid, stage.client())
        lower = LowerPriority(
            host=HOST, process=facts.identity, label=facts.label, nice=10
        )
        lowered = act(lower, stage.client())
        nice = procfs.stat(victim.pid).nice
        back = RestorePriority(
            host=HOST, process=facts.identity, label=facts.label, nice=0
        )
        restored = act(back, stage.client())

        assert (lowered.result, lowered.undo_nice, nice) == (Result.DONE, 0, 10)
        assert "has nice 10 instead of 0 in 1 threads" in lowered.summary
        assert (restored.result, procfs.stat(victim.pid).nice) == (Result.DONE, 0)


def test_what_changed_since_the_card_is_left_alone(stage: Stage) -> None:
    with victim_of() as victim:
        facts = facts_for_the_bot(victim.pid, stage.client())
        other = replace(facts.identity, image="1:2:3:4")
        outcome = act(replace(end(facts), process=other), stage.client())

        assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.CHANGED)
        assert victim.poll() is None


def test_the_gates_refusal_is_the_outcomes_reason(stage: Stage) -> None:
    with victim_of() as victim:
        facts = facts_for_the_bot(victim.pid, stage.client())
        stage.allow(users=[])
        outcome = act(end(facts), stage.client())

        assert outcome.result is Result.REFUSED
        assert "the gate refuses: protected.user" in outcome.summary
        assert victim.poll() is None


# --- without an answer ---------------------------------------------------------------


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
            yield GateClient(path, patience=SHORT)
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
        with connection:
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
    gate = GateClient(tmp_path / "gate.sock")
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

    def listens(connection: socket.socket) -> None:
        with suppress(BrokenPipeError):
            connection.sendall(GREETING)
        heard.append(connection.recv(65536))

    with pretending(listens, owner=PEER_UID) as gate:
        with pytest.raises(GateClosed, match=f"not root's but uid {PEER_UID}'s"):
            gate.signal(INIT, signal.SIGTERM)
        assert until(lambda: heard == [b""])


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
