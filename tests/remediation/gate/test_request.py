"""What is asked of the gate is a request to the letter, or refused."""

import json
import random
import signal
from collections.abc import Iterator
from dataclasses import asdict, replace

import pytest

from remediation.gate.fields import LONGEST_LINE, BadRequest
from remediation.gate.request import (
    CleanOut,
    LookAt,
    LookAtUnit,
    Operate,
    PauseFor,
    Renice,
    Request,
    SendSignal,
    encode_request,
    parse,
)
from remediation.gate.systemctl import JobVerb
from remediation.target.area import FileIdentity
from remediation.target.identity import boot_id
from remediation.target.unit import UnitIdentity
from tests.remediation.gate.gates import (
    INIT,
    Stage,
    identity_of,
    needs_root,
    refused,
    serving,
    term,
    victim_of,
)
from tests.remediation.victims import until

FILE = FileIdentity(path="a.gz", device=7, inode=8, size=9, mtime_ns=-1, ctime_ns=-2)
NGINX = UnitIdentity(boot_id=boot_id(), name="nginx.service", invocation="a1" * 16)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with serving() as running:
        yield running


def hostile() -> Iterator[bytes]:
    """Everything but a request, one line or many."""
    good = json.loads(term(INIT))
    chance = random.Random(7)
    yield from (b"\n", b"{}\n", b"[]\n", b"null\n", b'"signal"\n', b"1e999\n", b"NaN\n")
    yield from (chance.randbytes(n) + b"\n" for n in (1, 10, 1000, 60_000))
    yield b"[" * 60_000 + b"\n"
    yield b'{"a":' * 10_000 + b"\n"
    yield b"9" * 60_000 + b"\n"
    yield b"x" * (LONGEST_LINE + 1)
    yield b"{" + b" " * 1_000_000
    yield term(INIT) + term(INIT)
    yield term(INIT)[:-1] + b',"verb":"look"}\n'
    yield b'{"version":1,"version":1,"verb":"look","pid":1}\n'
    yield b'{"version":1,"verb":"look","pid":true}\n'
    changes: list[dict[str, object]] = [
        {"version": 2},
        {"version": "1"},
        {"version": None},
        {"verb": "exec"},
        {"verb": ["signal"]},
        {"number": "STOP"},
        {"number": "HUP"},
        {"number": 9},
        {"number": ["KILL"]},
        {"process": None},
        {"process": [1]},
        {"process": {}},
        {"more": 1},
        *({"process": {**good["process"], "pid": pid}} for pid in (0, -1, 2**63, "1")),
        {"process": {**good["process"], "pid": 1.0}},
        {"process": {**good["process"], "exe": 7}},
        {"process": {**good["process"], "exe": "x" * 6000}},
        {"process": {**good["process"], "image": "../../etc"}},
        {"process": {**good["process"], "boot_id": "\n" * 36}},
        {"process": {**good["process"], "more": 1}},
    ]
    yield from (json.dumps({**good, **c}).encode() + b"\n" for c in changes)
    for field in good:
        left = {key: value for key, value in good.items() if key != field}
        yield json.dumps(left).encode() + b"\n"
    for nice in (-1, 20, True, "5", 1.5):
        fields = {"version": 1, "verb": "renice", "process": good["process"]}
        yield json.dumps({**fields, "nice": nice}).encode() + b"\n"
    for span in (0, -1, 3601, "9", None, True, float("nan"), float("inf")):
        fields = {"version": 1, "verb": "pause", "process": good["process"]}
        yield json.dumps({**fields, "seconds": span}).encode() + b"\n"
    unit = asdict(NGINX)
    for name in (
        "nginx",
        "nginx.socket",
        "../nginx.service",
        "/etc/x.service",
        "--now.service",
        "nginx.service\n",
        "nginx.service ssh.service",
        "getty@.service",
        "nginx*.service",
        "",
        7,
        None,
    ):
        fields = {"version": 1, "verb": "service", "job": "restart", "seconds": 5}
        yield json.dumps({**fields, "unit": {**unit, "name": name}}).encode() + b"\n"
        looked = {"version": 1, "verb": "look at unit", "name": name}
        yield json.dumps(looked).encode() + b"\n"
    for job in ("kill", "mask", "isolate", "--now", "", None, ["restart"]):
        fields = {"version": 1, "verb": "service", "unit": unit, "seconds": 5}
        yield json.dumps({**fields, "job": job}).encode() + b"\n"


@needs_root
def test_whatever_is_no_request_is_refused_and_logged(stage: Stage) -> None:
    requests = list(hostile())
    for raw in requests:
        before = len(stage.log)
        answers = stage.say(raw)

        assert until(lambda n=before: len(stage.log) == n + 1), raw[:80]
        assert stage.told[-1]["rule"] == "gate.request", raw[:80]
        assert "done" not in [answer.get("verdict") for answer in answers]
    with victim_of() as victim:
        assert stage.say(term(identity_of(victim.pid)))[-1]["verdict"] == "done"
    print(f"hostile requests refused and logged: {len(requests)}; crashes: 0")


@needs_root
def test_a_request_that_does_not_end_is_not_waited_for(stage: Stage) -> None:
    assert "no whole request within" in refused(stage.say(b'{"version":1,'))


@needs_root
def test_a_log_line_is_one_line_whatever_a_process_is_called(stage: Stage) -> None:
    with victim_of() as victim:
        named = replace(identity_of(victim.pid), exe='/x\n{"verdict": "done"}')
        stage.say(term(named))
    assert all("\n" not in line for line in stage.log)


@pytest.mark.parametrize(
    "request_",
    [
        LookAt(pid=7),
        LookAtUnit(name="nginx.service"),
        SendSignal(process=INIT, number=signal.SIGKILL),
        PauseFor(process=INIT, seconds=1.5),
        Renice(process=INIT, nice=19),
        Operate(job=JobVerb.RESET_FAILED, unit=NGINX, seconds=3.0),
        CleanOut(boot_id=boot_id(), folder="/var/log", files=(FILE,)),
    ],
)
def test_a_request_is_read_back_as_it_was(request_: Request) -> None:
    assert parse(encode_request(request_)) == request_


def test_a_stop_without_an_end_cannot_be_asked_for() -> None:
    with pytest.raises(BadRequest, match="TERM, KILL or CONT"):
        parse(encode_request(SendSignal(process=INIT, number=signal.SIGSTOP)))
