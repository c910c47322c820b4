"""Real child processes for tests: they do as told, and end with the test."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remediation.target import procfs
from remediation.target.facts import FactReader, ProcessFacts

HOST = "web-3"

SLEEPS = "print('ready', flush=True)\nimport time\ntime.sleep(600)\n"
IGNORES_SIGTERM = f"import signal\nsignal.signal(15, signal.SIG_IGN)\n{SLEEPS}"
BURNS = "print('ready', flush=True)\nwhile True: pass\n"
TWO_THREADS = (
    "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(600,)).start()\n" + SLEEPS
)
LEADER_ENDS = (
    "import ctypes, threading, time\n"
    "threading.Thread(target=time.sleep, args=(600,)).start()\n"
    "print('ready', flush=True)\n"
    "ctypes.CDLL(None).syscall(60, 0)\n"
)
PARENT_OF_TWO = (
    "import subprocess, sys\n"
    "children = [subprocess.Popen(['/bin/sleep', '600']) for _ in range(2)]\n"
    # The parent goes on a little before the new program is wholly in place.
    "for child in children:\n"
    "    while ') S ' not in open(f'/proc/{child.pid}/stat').read():\n"
    "        pass\n"
    "print('ready', flush=True)\n"
    "import time\n"
    "time.sleep(600)\n"
)

DROP = "import os; os.setgroups([]); os.setresgid(*[65534]*3); os.setresuid(*[65534]*3)"
_PATH = "import sys; sys.path.insert(0, sys.argv[1])"

as_root = os.geteuid() == 0


@contextmanager
def running(
    code: str,
    folder: Path,
    *arguments: str,
    name: str = "burn.py",
    reaped: bool = True,
) -> Iterator[subprocess.Popen[str]]:
    """Run a script; reaped: somebody waits for its end, as a good parent does."""
    script = folder / name
    script.write_text(code)
    command = [sys.executable, "-S", str(script), *arguments]
    with started(command, reaped=reaped) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


@contextmanager
def started(
    command: list[str], *, reaped: bool = True
) -> Iterator[subprocess.Popen[str]]:
    """Start a program in a session of its own; all that is left of it ends here."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    reaper = threading.Thread(target=process.wait, daemon=True)
    if reaped:
        reaper.start()
    try:
        yield process
    finally:
        end_session(process.pid)
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        if reaped:
            reaper.join(5)


def end_session(leader: int) -> None:
    """Kill what the test started: everything in the session of that leader."""
    for pid in procfs.pids():
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            continue
        try:
            if procfs.stat(pid).session == leader:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        except OSError:
            continue
        finally:
            os.close(pidfd)


def told_by_nobody(code: str, pid: int) -> str:
    """Run code that drops its rights and looks at `pid`; return what it printed."""
    if not as_root:
        pytest.skip("needs root to look at a process with fewer rights than its owner")
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", f"{_PATH}\n{code}", root, str(pid)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def facts_of(pid: int) -> ProcessFacts:
    return FactReader(HOST).read(pid)


def now() -> datetime:
    return datetime.now(UTC)


def agrees(_: ProcessFacts) -> None:
    """Stand for a policy and a lock that have nothing against it."""


def silent(_: str) -> None:
    """Stand for somebody who is told and does nothing."""


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait for a condition; say whether it came true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def state(pid: int) -> str:
    return procfs.stat(pid).state
