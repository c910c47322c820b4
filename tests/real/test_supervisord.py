"""The door to supervisord, on a real one that the test starts."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remediation.acts.service_manager import JobFailed, ManagerUnavailable, NoSuchUnit
from remediation.acts.supervisord import Supervisord
from remediation.target.identity import boot_id
from remediation.target.unit import UnitIdentity, Verb

LATER = timedelta(seconds=20)
CONFIG = """\
[unix_http_server]
file={folder}/socket
[supervisord]
logfile={folder}/log
pidfile={folder}/pid
nodaemon=true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:web]
command=/bin/sleep 600
startsecs=0
autorestart=false
[program:broken]
command=/bin/sh -c "exit 3"
startsecs=1
startretries=0
autostart=false
[program:many]
command=/bin/sleep 600
process_name=worker%(process_num)d
numprocs=2
startsecs=0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # A Unix socket's path is at most 107 bytes long.
    made = Path(tmp_path_factory.mktemp("s"))
    (made / "conf").write_text(CONFIG.format(folder=made))
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(made / "conf")],
        env={"PATH": os.defpath},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    manager = Supervisord(made / "socket")
    until = time.monotonic() + 20
    while not manager.is_present() and time.monotonic() < until:
        time.sleep(0.05)
    yield made
    process.terminate()
    process.wait(20)


@pytest.fixture
def manager(folder: Path) -> Supervisord:
    return Supervisord(folder / "socket")


def silent(_: timedelta) -> None:
    """Nobody wants to know."""


def run(manager: Supervisord, verb: Verb, name: str) -> None:
    manager.run(verb, _unit(name), on_wait=silent, deadline=LATER)


def test_programs_are_services(manager: Supervisord) -> None:
    names = {row.name for row in manager.rows()}
    assert names == {
        "web.service",
        "broken.service",
        "many:worker0.service",
        "many:worker1.service",
    }


def test_a_restart_is_another_start(manager: Supervisord) -> None:
    run(manager, Verb.START, "web.service")
    before = manager.facts("web.service")
    time.sleep(1.1)  # supervisord tells starts in whole seconds
    run(manager, Verb.RESTART, "web.service")
    after = manager.facts("web.service")
    assert (before.active, after.active) == ("active", "active")
    assert after.identity.invocation != before.identity.invocation
    assert after.main_pid not in (0, before.main_pid)


def test_a_stop_is_seen_and_may_be_repeated(manager: Supervisord) -> None:
    run(manager, Verb.STOP, "many:worker0.service")
    run(manager, Verb.STOP, "many:worker0.service")
    assert manager.facts("many:worker0.service").active == "inactive"


def test_what_does_not_start_has_failed(manager: Supervisord) -> None:
    with pytest.raises(JobFailed, match="supervisord says"):
        run(manager, Verb.START, "broken.service")
    assert manager.facts("broken.service").active == "failed"


def test_a_killed_program_has_failed(manager: Supervisord) -> None:
    run(manager, Verb.START, "web.service")
    os.kill(manager.facts("web.service").main_pid, 9)
    until = time.monotonic() + 10
    while manager.facts("web.service").is_running and time.monotonic() < until:
        time.sleep(0.05)
    assert manager.facts("web.service").active == "failed"


def test_reloading_and_unknown_names_are_refused(manager: Supervisord) -> None:
    with pytest.raises(JobFailed, match="no reload"):
        run(manager, Verb.RELOAD, "web.service")
    with pytest.raises(NoSuchUnit):
        manager.facts("nobody.service")
    with pytest.raises(NoSuchUnit):
        run(manager, Verb.START, "nobody.service")


def test_without_a_socket_nobody_answers(tmp_path: Path) -> None:
    nobody = Supervisord(tmp_path / "none")
    assert not nobody.is_present()
    with pytest.raises(ManagerUnavailable):
        nobody.rows()


def test_what_is_no_supervisord_gives_no_answer(tmp_path: Path) -> None:
    import socket
    import threading

    path = tmp_path / "x"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def babble() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(100)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope")

        threading.Thread(target=babble, daemon=True).start()
        with pytest.raises(ManagerUnavailable):
            Supervisord(path).rows()


def _unit(name: str) -> UnitIdentity:
    return UnitIdentity(boot_id=boot_id(), name=name, invocation="")
