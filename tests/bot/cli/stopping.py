"""A command that is stopped in the middle: it gets no further than somebody reads."""

import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence


def stopped_after(
    line: str, words: Sequence[str], env: Mapping[str, str]
) -> tuple[int, str, str]:
    """Run it, press Ctrl-C once it has said this line; its exit code, output and errors.

    What it says goes through a socket that holds a few lines, so it cannot be done before.
    """
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    # What a shell starts in the background would ignore Ctrl-C.
    heeding = ("env", "--default-signal=INT")
    command = [*heeding, sys.executable, "-m", "bot", *words]
    with theirs:
        process = subprocess.Popen(
            command, env=dict(env), stdout=theirs, stderr=subprocess.PIPE, text=True
        )
    # Unbuffered, so that it is never further than those few lines ahead of us.
    with ours, ours.makefile("rb", buffering=0) as told, process:
        said = next(each for each in told if each.startswith(line.encode()))
        process.send_signal(signal.SIGINT)
        said += told.read()
        assert process.stderr
        errors = process.stderr.read()
    return process.returncode, said.decode(), errors
