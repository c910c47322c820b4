"""The gate acts for one user on what root has listed, and on nobody else."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest

from remediation.gate.acts import Caller, answer
from remediation.gate.request import (
    LookAt,
    Operate,
    PauseFor,
    Renice,
    SendSignal,
    Verdict,
    encode_request,
)
from remediation.gate.rules import read_list
from remediation.gate.serve import Gate
from remediation.gate.systemctl import JobVerb
from remediation.programs import systemd_runs
from remediation.target import procfs
from remediation.target.identity import boot_id
from remediation.target.unit import UnitIdentity
from tests.remediation.gate.gates import (
    NOBODY_OWN,
    NOT_LISTED_UID,
    PEER_UID,
    Stage,
    identity_of,
    needs_root,
    refused,
    serving,
    term,
    victim_of,
)
from tests.remediation.victims import until

pytestmark = needs_root


@pytest.fixture
def stage() -> Iterator[Stage]:
    with serving() as running:
        yield running


# --- what it does --------------------------------------------------------------------


def test_a_listed_users_process_gets_the_signal_and_the_log_a_line(
    stage: Stage,
) -> None:
    with victim_of() as victim:
        identity = identity_of(victim.pid)
        greeting, answer = stage.say(term(identity))

        assert victim.wait(5) == -signal.SIGTERM
    assert greeting == {"countersign_gate": 1}
    assert answer["verdict"] == "done"
    (line,) = stage.told
    assert line["verdict"] == "done"
    assert line["who"] == f"uid {PEER_UID} pid {os.getpid()}"
    assert line["what"].startswith(f"SIGTERM pid {victim.pid} start ")


def test_a_pause_ends_by_itself(stage: Stage) -> None:
    with victim_of() as victim:
        request = PauseFor(process=identity_of(victim.pid), seconds=0.5)
        answers = stage.say(encode_request(request))
        stood_still = until(lambda: procfs.stat(victim.pid).state == "T")

        assert answers[-1]["verdict"] == "done" and stood_still
        assert until(lambda: procfs.stat(victim.pid).state == "S")


def test_a_process_that_listens_is_not_paused(stage: Stage) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        victim_of(pass_fds=[server.fileno()]) as victim,
    ):
        request = PauseFor(process=identity_of(victim.pid), seconds=5)
        reason = refused(stage.say(encode_request(request)))

        assert f"listens on port {server.getsockname()[1]}" in reason
        assert procfs.stat(victim.pid).state == "S"


def test_a_priority_is_lowered_and_put_back(stage: Stage) -> None:
    with victim_of() as victim:
        for nice in (7, 0):
            request = Renice(process=identity_of(victim.pid), nice=nice)
            answers = stage.say(encode_request(request))

            assert answers[-1]["seen"] == {"threads": 1, "others": 0}
            assert procfs.stat(victim.pid).nice == nice


def test_a_look_tells_the_whole_identity_and_is_not_logged(stage: Stage) -> None:
    with victim_of() as victim:
        answers = stage.say(encode_request(LookAt(pid=victim.pid)))

        seen = answers[-1]["seen"]
        assert isinstance(seen, dict)
        assert seen["identity"] == asdict(identity_of(victim.pid))
        assert seen["denied"] is None
    assert stage.log == []


def test_a_request_takes_milliseconds(stage: Stage) -> None:
    with victim_of() as victim:
        look = encode_request(LookAt(pid=victim.pid))
        cont = SendSignal(process=identity_of(victim.pid), number=signal.SIGCONT)
        for name, raw in (("look", look), ("signal", encode_request(cont))):
            began = time.perf_counter()
            answers = [stage.say(raw)[-1]["verdict"] for _ in range(50)]
            each = (time.perf_counter() - began) / 50

            print(f"one {name} through the gate: {each * 1000:.1f} ms")
            assert set(answers) == {"done"}


# --- what it refuses -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"boot_id": "0" * 36}, "booted since"),
        ({"start_ticks": 1}, "belongs to another process"),
        ({"pidfd_inode": 1}, "belongs to another process"),
        ({"image": "1:2:3:4"}, "executed itself anew"),
        ({"image": "1:2:3:4", "exe": "/bin/true"}, "it now runs"),
        ({"image": "", "exe": ""}, "it now runs"),
        ({"uid": 0}, "it now runs as uid"),
    ],
)
def test_whoever_is_not_exactly_the_approved_one_is_left_alone(
    stage: Stage, change: dict[str, Any], words: str
) -> None:
    with victim_of() as victim:
        other = replace(identity_of(victim.pid), **change)
        reason = refused(stage.say(term(other)))

        assert words in reason
        assert victim.poll() is None
    assert stage.told[-1]["verdict"] == "refused"


def test_a_pid_that_nobody_has_is_refused(stage: Stage) -> None:
    with victim_of() as victim:
        identity = identity_of(victim.pid)
    assert "exited" in refused(stage.say(term(identity)))


def test_what_is_protected_stays_so_whatever_is_listed(stage: Stage) -> None:
    stage.allow(users=["root", "0", "nobody"])
    kernel = next(p for p in procfs.pids() if procfs.stat(p).kernel_thread)
    protected = {1: "protected.pid_1", kernel: "protected.kernel_thread"}
    for pid, rule in protected.items():
        assert refused(stage.say(term(identity_of(pid)))).startswith(rule)
    assert [line["rule"] for line in stage.told] == list(protected.values())


def test_users_that_are_not_listed_are_left_alone(stage: Stage) -> None:
    with victim_of(NOT_LISTED_UID) as victim:
        reason = refused(stage.say(term(identity_of(victim.pid))))

        assert reason.startswith("protected.user")
        assert victim.poll() is None


def test_the_bots_own_processes_need_no_gate(stage: Stage) -> None:
    stage.allow(users=["nobody"])
    with victim_of(PEER_UID) as victim:
        reason = refused(stage.say(term(identity_of(victim.pid))))

        assert reason.startswith("gate.peer")
        assert victim.poll() is None


@pytest.mark.parametrize("uid", [0, 1, NOT_LISTED_UID])
def test_nobody_but_the_bots_user_is_heard(stage: Stage, uid: int) -> None:
    with victim_of() as victim:
        reason = refused(stage.say(term(identity_of(victim.pid)), uid=uid))

        assert reason == f"gate.request: uid {uid} is not the user that the list names"
        assert victim.poll() is None
    assert stage.told[-1]["who"].startswith(f"uid {uid} ")


# --- callers who go away -------------------------------------------------------------


def test_nothing_is_done_for_somebody_who_has_given_up(stage: Stage) -> None:
    gone = Caller(name="x", cgroup=None, waits=lambda: False)
    allowed = read_list(stage.list_path)
    with victim_of() as victim:
        request = SendSignal(process=identity_of(victim.pid), number=signal.SIGTERM)
        given = answer(request, gone, allowed=allowed, own=NOBODY_OWN)

        assert given.verdict is Verdict.REFUSED
        assert given.reason == "who asked for it waits no longer"
        assert victim.poll() is None


def test_a_request_may_end_its_input_and_still_wait(stage: Stage) -> None:
    ours, theirs = socket.socketpair()
    lines: list[str] = []
    gate = Gate(list_path=stage.list_path, own=NOBODY_OWN, log=lines.append)
    with ours, theirs, victim_of() as victim:
        ours.sendall(term(identity_of(victim.pid)))
        ours.shutdown(socket.SHUT_WR)
        gate.once(theirs.fileno(), theirs.fileno(), name="ssh 10.0.0.5")

        assert victim.wait(5) == -signal.SIGTERM
    assert json.loads(lines[0])["who"] == "ssh 10.0.0.5"


def test_a_caller_who_never_listened_is_logged(stage: Stage) -> None:
    ours, theirs = socket.socketpair()
    lines: list[str] = []
    gate = Gate(list_path=stage.list_path, own=NOBODY_OWN, log=lines.append)
    with theirs:
        ours.close()
        gate.once(theirs.fileno(), theirs.fileno(), name="ssh 10.0.0.5")
    assert "the connection was lost" in json.loads(lines[0])["reason"]


def test_a_systemd_that_does_not_answer_is_a_failure(stage: Stage) -> None:
    if systemd_runs():
        pytest.skip("needs a machine without systemd")
    unit = UnitIdentity(boot_id=boot_id(), name="nginx.service", invocation="")
    request = Operate(job=JobVerb.RESTART, unit=unit, seconds=5)
    answers = stage.say(encode_request(request))

    assert answers[-1]["verdict"] == "failed"
    assert stage.told[-1]["what"] == "restart nginx.service "
