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
    command = [sys.executable, "-m", "bot", *words]
    with theirs:
        process = subprocess.Popen(
            command, env=dict(env), stdout=theirs, stderr=subprocess.PIPE, text=True
        )
    with ours, ours.makefile() as told, process:
        said = next(each for each in told if each.startswith(line))
        process.send_signal(signal.SIGINT)
        said += told.read()
        assert process.stderr
        errors = process.stderr.read()
    return process.returncode, said, errors
