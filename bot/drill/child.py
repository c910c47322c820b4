"""The harmless process that a drill is about: started, let go, and reaped."""

import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from bot.drill.sleeper import READY
from remediation.signals import send
from remediation.target.identity import (
    Gone,
    ProcessIdentity,
    Unobservable,
    open_process,
)

_PROGRAM: Final = Path(__file__).with_name("sleeper.py").resolve()
_READY_SECONDS: Final = 10.0


class NotStarted(Exception):
    """There is no child; its text says why, printable."""


class Child:
    """A child that waits to be ended, by a drill's action or by itself."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", identity: ProcessIdentity
    ) -> None:
        self._process = process
        self.identity = identity
        # Without somebody who reaps it an end would look like a zombie.
        threading.Thread(target=process.wait, name="drill's child", daemon=True).start()

    @classmethod
    def start(cls, lasts: timedelta, program: Path = _PROGRAM) -> "Child":
        """Start one that ends by itself after `lasts`; raise `NotStarted`.

        It gets no variable of the environment, so none of the bot's tokens.
        """
        seconds = str(max(int(lasts.total_seconds()), 1))
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(program), seconds],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
            )
        except OSError as error:
            raise NotStarted(f"it could not be started ({error.strerror})") from error
        if not _says_ready(process):
            _abandon(process)
            raise NotStarted("it did not say that it is ready")
        try:
            with open_process(process.pid) as opened:
                return cls(process, opened.identity)
        except (Gone, Unobservable) as error:
            _abandon(process)
            raise NotStarted(str(error)) from error

    @property
    def subject(self) -> str:
        """What the findings about it call it."""
        return f"process:{self.identity.pid}:{self.identity.start_ticks}"

    @property
    def is_over(self) -> bool:
        """Whether it has ended and was reaped."""
        return self._process.returncode is not None

    @property
    def is_outdated(self) -> bool:
        """Whether it ended because its time was over."""
        return self._process.returncode == -signal.SIGALRM

    def let_go(self) -> None:
        """Close the bot's end of its input, on which it ends by itself."""
        if self._process.stdin is not None:
            self._process.stdin.close()


def _says_ready(process: "subprocess.Popen[bytes]") -> bool:
    if process.stdout is None:
        return False
    with process.stdout as told:
        is_told, _, _ = select.select([told], [], [], _READY_SECONDS)
        said = os.read(told.fileno(), 64) if is_told else b""
    return said.strip() == READY.encode()


def _abandon(process: "subprocess.Popen[bytes]") -> None:
    """End what never became ready; it is our own unreaped child, so the pid is its."""
    if process.stdin is not None:
        process.stdin.close()
    pidfd = os.pidfd_open(process.pid)
    try:
        with suppress(ProcessLookupError):
            send(pidfd, signal.SIGKILL)
        process.wait()
    finally:
        os.close(pidfd)
