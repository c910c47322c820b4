import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remediation import signals
from remediation.target import procfs
from tests.remediation.victims import (
    DROP,
    SLEEPS,
    running,
    state,
    told_by_nobody,
    until,
)


@contextmanager
def _held(pid: int) -> Iterator[int]:
    pidfd = os.pidfd_open(pid)
    try:
        yield pidfd
    finally:
        os.close(pidfd)


def _boottime(later: float = 0.0) -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) + later


def test_a_signal_through_the_pidfd_ends_the_process(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        assert not signals.exited(pidfd)

        signals.send(pidfd, signal.SIGTERM)

        assert signals.exited(pidfd, 5)


def test_no_other_signal_is_sent(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        for number in set(signal.Signals) - signals.ALLOWED:
            with pytest.raises(ValueError, match="not among"):
                signals.send(pidfd, number)


def test_a_signal_to_who_is_gone_reaches_nobody(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        victim.kill()
        until(lambda: not Path(f"/proc/{victim.pid}").exists())

        with pytest.raises(ProcessLookupError):
            signals.send(pidfd, signal.SIGTERM)


def test_a_zombie_accepts_signals_but_has_exited(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path, reaped=False) as victim, _held(victim.pid) as pidfd:
        victim.kill()
        until(lambda: state(victim.pid) == "Z")

        signals.send(pidfd, signal.SIGTERM)
        assert signals.exited(pidfd)


def test_a_paused_process_runs_again_at_the_deadline(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        signals.arm_resume(pidfd, _boottime(1.0))
        signals.send(pidfd, signal.SIGSTOP)

        assert until(lambda: state(victim.pid) == "T")
        assert until(lambda: state(victim.pid) in "RS", 3)


def test_the_helper_is_nobodys_child_and_holds_nothing_of_ours(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        armed = signals.arm_resume(pidfd, _boottime(60))
        os.close(writer)
        try:
            helper = procfs.stat(armed.helper_pid)
            poller = select.poll()
            poller.register(reader, select.POLLHUP)

            assert helper.ppid != os.getpid()
            assert helper.session != procfs.stat(os.getpid()).session
            assert poller.poll(1000), "the helper kept our pipe open"
            assert _environment(armed.helper_pid) == b""
        finally:
            os.close(reader)
            victim.kill()
        assert until(lambda: _has_ended(armed.helper_pid), 3)


def _environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def _has_ended(pid: int) -> bool:
    try:
        return state(pid) == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_helper_that_is_told_to_end_resumes_at_once(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        armed = signals.arm_resume(pidfd, _boottime(60))
        signals.send(pidfd, signal.SIGSTOP)
        until(lambda: state(victim.pid) == "T")

        with _held(armed.helper_pid) as helper:
            signal.pidfd_send_signal(helper, number)

        assert until(lambda: state(victim.pid) in "RS", 2)


def test_a_helper_leaves_when_somebody_else_resumed(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        armed = signals.arm_resume(pidfd, _boottime(60))
        signals.send(pidfd, signal.SIGSTOP)
        until(lambda: state(victim.pid) == "T")
        time.sleep(1.1)  # the helper looks each second
        signals.send(pidfd, signal.SIGCONT)

        assert until(lambda: _has_ended(armed.helper_pid), 3)


def test_the_helper_says_that_it_is_armed_and_resumes(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        signals.send(pidfd, signal.SIGSTOP)
        until(lambda: state(victim.pid) == "T")
        signals.resume_in_time(pidfd, _boottime(0.1), writer)

        assert os.read(reader, 64) == f"armed {os.getpid()}".encode()
        assert until(lambda: state(victim.pid) in "RS")
    os.close(reader)


def test_a_helper_that_is_told_to_end_need_not_wait(tmp_path: Path) -> None:
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
            signal.raise_signal(signal.SIGHUP)
            assert signals.must_resume(pidfd, _boottime(60))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def test_a_pause_that_is_over_needs_no_resume(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        signals.send(pidfd, signal.SIGSTOP)
        until(lambda: state(victim.pid) == "T")
        timer = threading.Timer(0.3, signals.send, (pidfd, signal.SIGCONT))
        timer.start()

        assert not signals.must_resume(pidfd, _boottime(60))
        timer.join()


def test_without_a_helper_nothing_is_armed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        for interpreter in ("/nonexistent/python", "/bin/false"):
            monkeypatch.setattr(sys, "executable", interpreter)
            with pytest.raises(signals.NotArmed):
                signals.arm_resume(pidfd, _boottime(60))


def test_a_helper_that_hangs_is_ended_and_not_armed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 600\n")
    hangs.chmod(0o755)
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        monkeypatch.setattr(sys, "executable", str(hangs))
        monkeypatch.setattr(signals, "_ARM_SECONDS", 0.2)
        with pytest.raises(signals.NotArmed, match="ready"):
            signals.arm_resume(pidfd, _boottime(60))


def test_a_process_that_may_not_be_signalled_is_not_armed(tmp_path: Path) -> None:
    code = (
        f"from remediation import signals; import os\n{DROP}\n"
        "import sys; sys.executable = '/usr/bin/python3'\n"
        "try: signals.arm_resume(os.pidfd_open(int(sys.argv[2])), 9e9)\n"
        "except signals.NotArmed as error: print(error)"
    )
    with running(SLEEPS, tmp_path) as victim:
        told = told_by_nobody(code, victim.pid)

    assert told == "the resume helper did not report that it is ready\n"


def test_the_helper_program_refuses_garbage() -> None:
    script = Path(signals.__file__)
    garbage = [sys.executable, "-I", "-S", str(script), "x", "y", "z"]

    assert subprocess.run(garbage, check=False, capture_output=True).returncode != 0


def test_waiting_ends_with_the_deadline_the_process_or_its_resume(
    tmp_path: Path,
) -> None:
    with running(SLEEPS, tmp_path) as victim, _held(victim.pid) as pidfd:
        assert signals.must_resume(pidfd, _boottime(-1))
        assert signals.must_resume(pidfd, _boottime(0.05))
        victim.kill()
        signals.exited(pidfd, 5)
        assert not signals.must_resume(pidfd, _boottime(60))
