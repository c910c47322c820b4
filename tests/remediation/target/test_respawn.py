import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remediation import programs
from remediation.action import Terminate
from remediation.acts.process import perform
from remediation.outcome import Result, Seen
from remediation.target import respawn
from remediation.target.facts import FactReader, ProcessFacts
from tests.remediation.victims import (
    HOST,
    SLEEPS,
    agrees,
    facts_of,
    now,
    running,
    silent,
    started,
    until,
)

_CONFIG = """
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={folder}/supervisord.pid
childlogdir={folder}

[program:burn]
command={command}
autorestart=true
startsecs=0
stdout_logfile=/dev/null
stderr_logfile=/dev/null
"""


@contextmanager
def _supervised(folder: Path, command: str) -> Iterator[subprocess.Popen[str]]:
    (folder / "burn.py").write_text(SLEEPS)
    config = folder / "supervisord.conf"
    config.write_text(_CONFIG.format(folder=folder, command=command))
    supervisord = folder / "supervisord"  # what pip installs as the command
    supervisord.write_text("from supervisor.supervisord import main\nmain()\n")
    with started([sys.executable, str(supervisord), "-c", str(config)]) as process:
        yield process


def _worker(supervisor: int) -> ProcessFacts:
    found: list[ProcessFacts] = []

    def is_there() -> bool:
        below = FactReader(HOST).descendants(supervisor)
        found[:] = [facts for facts in below if "burn.py" in facts.label]
        return bool(found)

    assert until(is_there, 20)
    return found[0]


def test_a_real_supervisor_is_named_before_and_after(tmp_path: Path) -> None:
    command = f"{sys.executable} {tmp_path / 'burn.py'}"
    with _supervised(tmp_path, command) as supervisor:
        worker = _worker(supervisor.pid)
        name = f"supervisord (pid {supervisor.pid})"
        assert worker.respawner == name

        action = Terminate(host=HOST, process=worker.identity, label=worker.label)
        outcome = perform(action, recheck=agrees, progress=silent, now=now)

        again = _worker(supervisor.pid)
        assert (outcome.result, outcome.seen) == (Result.DONE, Seen.RESPAWNED)
        assert again.identity != worker.identity
        assert outcome.summary.endswith(
            f"but {name} has started it again as pid {again.identity.pid}"
        )


def test_a_supervisor_is_found_above_a_shell_that_only_wraps(tmp_path: Path) -> None:
    command = f"/bin/sh -c '{sys.executable} {tmp_path / 'burn.py'}; exit 1'"
    with _supervised(tmp_path, command) as supervisor:
        worker = _worker(supervisor.pid)

        assert worker.ppid != supervisor.pid
        assert worker.respawner == f"supervisord (pid {supervisor.pid})"


def test_a_job_below_another_program_is_not_the_supervisors(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, {str(tmp_path / 'burn.py')!r}])\n"
    )
    with _supervised(tmp_path, f"{sys.executable} {tmp_path / 'job.py'}") as supervisor:
        assert _worker(supervisor.pid).respawner is None


def test_a_loop_that_nobody_knew_is_seen_afterwards(tmp_path: Path) -> None:
    code = (
        "import subprocess\n"
        "print('ready', flush=True)\n"
        "while True: subprocess.run(['/bin/sleep', '600'])\n"
    )
    with running(code, tmp_path, name="loop.py") as loop:
        assert until(lambda: bool(FactReader(HOST).descendants(loop.pid)))
        until(
            lambda: FactReader(HOST).descendants(loop.pid)[0].label.startswith("sleep")
        )
        child = FactReader(HOST).descendants(loop.pid)[0]
        assert child.respawner is None

        action = Terminate(host=HOST, process=child.identity, label=child.label)
        outcome = perform(action, recheck=agrees, progress=silent, now=now)

        parent = facts_of(loop.pid).label
        assert outcome.seen is Seen.RESPAWNED
        assert f"but {parent} (pid {loop.pid}) has started it again" in outcome.summary


def test_pm2_is_known_by_what_it_calls_itself() -> None:
    words = ["PM2 v5.3.0: God Daemon (/srv/.pm2)", "-c", SLEEPS]
    with subprocess.Popen(
        words, executable=sys.executable, stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        daemon.stdout.readline()
        named = respawn.supervisor((daemon.pid,))
        daemon.kill()

    assert named == f"pm2 (pid {daemon.pid})"


@pytest.mark.parametrize("ancestors", [(), (1,), (2**22 + 1, 1), (2, 1)])
def test_nobody_is_named_who_is_not_there(ancestors: tuple[int, ...]) -> None:
    assert respawn.supervisor(ancestors) is None


def test_a_shell_right_below_init_restarts_nothing() -> None:
    with started(["/bin/sh", "-c", "sleep 600; true"]) as shell:
        until(lambda: facts_of(shell.pid).label.startswith(("sh", "dash", "bash")))

        assert respawn.supervisor((shell.pid,)) is None
        assert respawn.supervisor((shell.pid, 1)) is None


@pytest.mark.parametrize(
    ("printed", "unit", "named"),
    [
        ("MainPID=OWN\nRestart=always", "a.service", "systemd (a.service, Restart=always)"),
        ("MainPID=OWN\nRestart=no", "a.service", None),
        ("MainPID=1\nRestart=always", "a.service", None),
        ("MainPID=1\nRestart=always", "a.scope", None),
        ("MainPID=1\nRestart=always", None, None),
    ],
)  # fmt: skip
def test_systemd_is_named_for_the_main_process_of_a_unit(
    tmp_path: Path, printed: str, unit: str | None, named: str | None
) -> None:
    systemctl = tmp_path / "systemctl"
    printed = printed.replace("OWN", str(os.getpid()))
    systemctl.write_text(f"#!/bin/sh\nprintf '{printed}'\n")
    systemctl.chmod(0o755)

    assert respawn.unit_restarts(os.getpid(), unit, systemctl=systemctl) == named


def test_a_systemd_that_does_not_answer_names_nobody() -> None:
    missing = Path("/nonexistent/systemctl")

    assert respawn.unit_restarts(1, "a.service", systemctl=missing) is None


def test_systemd_is_asked_where_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_SYSTEMD_RUNS", tmp_path)

    assert facts_of(os.getpid()).respawner is None
