"""The demo's services: a shop and its books, run by supervisord, so without systemd."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from signal import Signals

from remediation import signals
from remediation.acts.service_manager import ManagerUnavailable, NoSuchUnit
from remediation.acts.supervisord import Supervisord
from remediation.target.identity import Gone, open_process

SHOP, BOOKS = "shop.service", "books.service"
_PROGRAM = Path(__file__).parent / "villains" / "shop.py"
_CONFIG = """\
[unix_http_server]
file={folder}/supervisor.sock
chmod=0700
[supervisord]
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
nodaemon=true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
_PROGRAM_SECTION = """\
[program:{name}]
command={python} {program} {port}
startsecs=1
autorestart=false
stdout_logfile=NONE
stderr_logfile=NONE
"""


class Shop:
    """supervisord with shop and books below it. folder: a short path, for the socket."""

    def __init__(self, folder: Path) -> None:
        self.port, self._books_port = _free_port(), _free_port()
        self.socket = folder / "supervisor.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Start supervisord; the two follow within a second."""
        config = self._folder / "supervisord.conf"
        ports = {SHOP: self.port, BOOKS: self._books_port}
        programs = (
            _PROGRAM_SECTION.format(
                name=service.removesuffix(".service"),
                python=sys.executable,
                program=_PROGRAM,
                port=port,
            )
            for service, port in ports.items()
        )
        config.write_text(_CONFIG.format(folder=self._folder) + "".join(programs))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
            env={"PATH": os.defpath},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def crash(self, service: str) -> int:
        """Kill one of them as a bug would, and return its pid; raise `OSError`."""
        try:
            pid = Supervisord(self.socket).facts(service).main_pid
        except (ManagerUnavailable, NoSuchUnit) as missing:
            raise OSError(str(missing)) from missing
        if not pid:
            raise OSError(f"{service} does not run; approve its restart first")
        try:
            with open_process(pid) as found:
                signals.send(found.pidfd, Signals.SIGKILL)
        except Gone as gone:
            raise OSError(str(gone)) from gone
        return pid

    def close(self) -> None:
        """End supervisord, and the shop with it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
