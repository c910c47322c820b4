"""Faults of processes: who burns, leaks, forks, keeps its dead; all end by themselves."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tests.bench.faults.fault import Injected

_LIMIT = "import os, signal\nsignal.alarm(120)\n"
"""Whatever happens to the bench, nothing outlives two minutes."""
BURN = _LIMIT + "while True: pass\n"
WORKERS = _LIMIT + (
    "import time\n"
    "for _ in range(16):\n"
    "    if not os.fork():\n"
    "        signal.alarm(120)\n"
    "        while True:\n"
    "            sum(range(60000)); time.sleep(0.002)\n"
    "time.sleep(120)\n"
)
SHORT = _LIMIT + (
    "while True:\n"
    "    pids = [os.fork() for _ in range(2)]\n"
    "    if 0 in pids:\n"
    "        sum(range(1500000)); os._exit(0)\n"
    "    for pid in pids: os.waitpid(pid, 0)\n"
)
LEAK = _LIMIT + (
    "import time\n"
    "kept = []\n"
    "while len(kept) < 1500:\n"
    "    kept.append(b'x' * 1_000_000); time.sleep(0.03)\n"
    "time.sleep(120)\n"
)
HANDLES = _LIMIT + (
    "import resource, time\n"
    "resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))\n"
    "kept = [os.open('/dev/null', 0) for _ in range(960)]\n"
    "time.sleep(120)\n"
)
STORM = _LIMIT + (
    "import time\n"
    "for _ in range(3):\n"
    "    if not os.fork():\n"
    "        signal.alarm(120)\n"
    "        break\n"
    "while True:\n"
    "    pid = os.fork()\n"
    "    if not pid: os._exit(0)\n"
    "    os.waitpid(pid, 0)\n"
)
ZOMBIES = _LIMIT + (
    "import time\n"
    "for _ in range(150):\n"
    "    if not os.fork(): os._exit(0)\n"
    "time.sleep(120)\n"
)
DEAF = _LIMIT + (
    "import socket, time\n"
    "door = socket.socket(); door.bind(('127.0.0.1', 0)); door.listen(4)\n"
    "print(door.getsockname()[1], flush=True)\n"
    "time.sleep(120)\n"
)


@contextlib.contextmanager
def program(code: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A program in a session of its own, ended with all of it."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        env={"PATH": os.defpath},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        end(process)
        process.communicate()


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a program with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)


def running(code: str) -> Callable[[Path], AbstractContextManager[Injected]]:
    """Return the injection of a program whose leader is to blame."""

    @contextlib.contextmanager
    def inject(_: Path) -> Iterator[Injected]:
        with program(code) as process:
            yield Injected(pids=frozenset({process.pid}), mend=lambda: end(process))

    return inject


@contextlib.contextmanager
def deaf(_: Path) -> Iterator[Injected]:
    """A server that accepts nobody, while many knock."""
    with program(DEAF) as process, contextlib.ExitStack() as knocking:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        until = time.monotonic() + 2
        for _ in range(400):
            knock = knocking.enter_context(socket.socket())
            knock.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                knock.connect(("127.0.0.1", port))
            if time.monotonic() > until:
                break
        yield Injected(pids=frozenset({process.pid}), mend=lambda: end(process))
