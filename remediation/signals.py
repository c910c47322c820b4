"""The only place that sends signals, always through a pidfd; also the resume helper.

A pidfd names one process for ever: a signal through it reaches that process or
nobody, whatever became of its pid. Standard library only, because this file is also
run by itself (`python -I -S signals.py PIDFD DEADLINE READYFD`): the helper that a
pause arms before SIGSTOP and that outlives the bot.

A service manager must not SIGKILL the helper together with the bot: with systemd
keep `KillMode=control-group` (the default; SIGTERM first, on which the helper resumes
at once) or `process`, never `mixed`.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from fcntl import F_DUPFD_CLOEXEC, fcntl
from pathlib import Path
from signal import Signals
from typing import Final

ALLOWED: Final = frozenset(
    {Signals.SIGTERM, Signals.SIGKILL, Signals.SIGSTOP, Signals.SIGCONT}
)
"""No other signal is ever sent."""

_ARM_SECONDS: Final = 2.0
_SLICE_SECONDS: Final = 1.0
_END: Final = frozenset({Signals.SIGTERM, Signals.SIGHUP, Signals.SIGINT})
_RUNNING: Final = frozenset("RS")


class NotArmed(Exception):
    """The resume could not be armed, so nothing may be paused; its text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedResume:
    """A helper that will send SIGCONT; it needs nobody any more.

    deadline: seconds of CLOCK_BOOTTIME.
    """

    helper_pid: int
    deadline: float


def send(pidfd: int, number: Signals) -> None:
    """Send one of the four allowed signals to the process of this pidfd, or to nobody.

    Raises `ProcessLookupError` when it has exited and been reaped, `PermissionError`
    when the bot may not. Success proves nothing: a zombie accepts every signal.
    """
    if number not in ALLOWED:
        raise ValueError(f"{number!r} is not among the signals that Countersign sends")
    signal.pidfd_send_signal(pidfd, number)


def probe(pidfd: int) -> None:
    """Ask whether a signal would be permitted, without one; raise as `send` does."""
    signal.pidfd_send_signal(pidfd, 0)


def exited(pidfd: int, timeout: float = 0.0) -> bool:
    """Wait up to `timeout` seconds until every thread of the process has ended."""
    return bool(first_exits([pidfd], timeout))


def first_exits(pidfds: Collection[int], timeout: float) -> frozenset[int]:
    """Wait until a process of these ends; return all that have ended by then."""
    poller = select.poll()
    for pidfd in pidfds:
        poller.register(pidfd, select.POLLIN)
    return frozenset(pidfd for pidfd, _ in poller.poll(max(timeout, 0.0) * 1000))


def arm_resume(pidfd: int, deadline: float) -> ArmedResume:
    """Start the helper that sends SIGCONT at `deadline` (seconds of CLOCK_BOOTTIME).

    It lives in a session of its own, is nobody's child, and has said that it may
    signal the process; else `NotArmed` is raised within two seconds. It resumes at
    once when it is asked to end (SIGTERM, SIGHUP, SIGINT), and ends without a signal
    when the process has exited or somebody else has resumed it.
    """
    reader, writer = os.pipe()
    try:
        child = _spawn_helper(pidfd, deadline, writer)
    except OSError as error:
        os.close(reader)
        raise NotArmed("the resume helper could not be started") from error
    finally:
        os.close(writer)
    try:
        answer = _read_answer(reader)
    finally:
        os.close(reader)
        _reap(child)
    if not answer.startswith(b"armed "):
        raise NotArmed("the resume helper did not report that it is ready")
    return ArmedResume(helper_pid=int(answer.split()[1]), deadline=deadline)


def main(arguments: list[str]) -> int:
    """Be the resume helper: PIDFD, DEADLINE (CLOCK_BOOTTIME seconds), READYFD."""
    pidfd, deadline, ready = int(arguments[0]), float(arguments[1]), int(arguments[2])
    _close_all_but({0, 1, 2, pidfd, ready})
    # Blocked before "armed" is said: from then on an end is a resume.
    signal.pthread_sigmask(signal.SIG_BLOCK, _END)
    # The starter waits for the first process only; the second belongs to init.
    if os.fork() == 0:
        resume_in_time(pidfd, deadline, ready)
    return 0


def resume_in_time(pidfd: int, deadline: float, ready: int) -> None:
    """Say "armed PID" on `ready` once the process may be signalled; resume it in time.

    Raises what `send` does, before anything is said, when it may not be signalled.
    """
    probe(pidfd)
    os.write(ready, f"armed {os.getpid()}".encode())
    os.close(ready)
    if must_resume(pidfd, deadline) and not exited(pidfd):
        send(pidfd, Signals.SIGCONT)


def must_resume(pidfd: int, deadline: float) -> bool:
    """Wait for the deadline or a request to end; no when the pause is already over."""
    was_stopped = False
    # poll() stands still during suspend while the deadline does not: look each second.
    while (left := deadline - time.clock_gettime(time.CLOCK_BOOTTIME)) > 0:
        if exited(pidfd):
            return False
        state = _state(pidfd)
        if was_stopped and state in _RUNNING:
            return False
        was_stopped = was_stopped or state == "T"
        if signal.sigtimedwait(_END, min(left, _SLICE_SECONDS)) is not None:
            return True
    return True


def _spawn_helper(pidfd: int, deadline: float, ready: int) -> int:
    # Numbers above the three that become /dev/null, even where the bot has none open.
    kept = [fcntl(descriptor, F_DUPFD_CLOEXEC, 10) for descriptor in (pidfd, ready)]
    try:
        return os.posix_spawn(
            sys.executable,
            [
                *(sys.executable, "-I", "-S", str(Path(__file__).resolve())),
                *(str(kept[0]), repr(deadline), str(kept[1])),
            ],
            {},
            file_actions=[
                *((os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_RDWR, 0) for n in range(3)),
                # Onto itself: only the close-on-exec mark goes.
                *((os.POSIX_SPAWN_DUP2, number, number) for number in kept),
            ],
            setsid=True,
            setsigmask=(),
        )
    finally:
        for descriptor in kept:
            os.close(descriptor)


def _read_answer(reader: int) -> bytes:
    poller = select.poll()
    poller.register(reader, select.POLLIN)
    return os.read(reader, 64) if poller.poll(_ARM_SECONDS * 1000) else b""


def _reap(child: int) -> None:
    pidfd = os.pidfd_open(child)  # our own unreaped child: the pid is still its
    try:
        if not exited(pidfd, _ARM_SECONDS):
            send(pidfd, Signals.SIGKILL)
        os.waitpid(child, 0)
    finally:
        os.close(pidfd)


def _close_all_but(kept: set[int]) -> None:
    # Sockets and locks of the bot that came along must not outlive it here.
    for number in [int(link.name) for link in Path("/proc/self/fd").iterdir()]:
        if number not in kept:
            with suppress(OSError):  # the listing's own descriptor
                os.close(number)


def _state(pidfd: int) -> str:
    """Return the kernel's letter for the process's state; empty when it is gone."""
    fields = Path(f"/proc/self/fdinfo/{pidfd}").read_text(encoding="ascii").split()
    pid = fields[fields.index("Pid:") + 1]
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    return stat[stat.rindex(b")") + 2 :][:1].decode()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
