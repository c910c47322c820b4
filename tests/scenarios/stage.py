"""What a scenario needs: a local workspace, the unmodified bot, villains to find."""

import contextlib
import json
import os
import pwd
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import yaml

from handlers.workspace.message import Message
from handlers.workspace.people import ALICE, BOB
from handlers.workspace.workspace import Workspace
from tests.real.machines import ROOT, Machine

T = TypeVar("T")
BURN = "import resource, signal\nsignal.alarm(90)\nwhile True: pass"
STUBBORN = "import signal\nsignal.signal(15, signal.SIG_IGN)\n" + BURN


def me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


@dataclass
class Bot:
    """The bot as a process, with a state folder of its own."""

    workspace: Workspace
    folder: Path
    config: dict[str, object]
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.folder / "bot.log").read_text()

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            "COUNTERSIGN_CONFIG": str(self.folder / "countersign.yaml"),
            "COUNTERSIGN_STATE_DIR": str(self.folder / "state"),
            **self.workspace.environment(),
            **self.extra,
        }

    def start(self, *, connected: bool = True) -> None:
        (self.folder / "countersign.yaml").write_text(yaml.safe_dump(self.config))
        with (self.folder / "bot.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"],
                env=self.environment(),
                stdout=log,
                stderr=log,
            )
        if connected:
            self.workspace.wait_connected(30)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def crash(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.crash()


def config(workspace: Workspace, **changes: object) -> dict[str, object]:
    """A configuration with everything quick; `changes` replace whole sections."""
    return {
        "host": "web-1",
        "slack": {
            "channel": workspace.channel_id,
            "approvers": {"users": [ALICE.id, BOB.id]},
            "notify": {"critical": [ALICE.id]},
        },
        "detectors": {
            "cpu": {"enabled": False},
            "memory": {"enabled": False},
            "filesystem": {"enabled": False},
            "leaking_process": {"enabled": False},
            "runaway_process": {
                "interval": "1s",
                "for": "2s",
                "keep_firing_for": "3s",
                "warning": 40,
                "critical": 60,
            },
        },
        "policy": {
            "cooldown": "0s",
            "grace": "2s",
            "actions_per_hour": 100,
            "processes": {"users": [me()]},
        },
        "verify": {"window": "3s"},
        "http": {"listen": "127.0.0.1:0"},
        **changes,
    }


@contextlib.contextmanager
def villain(code: str = BURN) -> Iterator[subprocess.Popen[bytes]]:
    """A process that misbehaves for real; it ends with the test at the latest."""
    process = subprocess.Popen([sys.executable, "-c", code], env={"PATH": os.defpath})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(look: Callable[[], T | None], seconds: float = 20.0) -> T:
    """Return the first true value; fail with what was waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {look}")


def card_of(
    workspace: Workspace, pid: int, words: str = "", seconds: float = 30
) -> Message:
    """The card that names the pid, once it says the words."""

    def find() -> Message | None:
        for post in workspace.posts():
            text = post.all_text()
            if re.search(rf"pid {pid}\b", text) and words in text:
                return post
        return None

    return workspace.wait_for(find, seconds)


@dataclass
class HostedBot(Bot):
    """The bot on a machine of its own, by the shipped unit, as its own user."""

    machine: Machine | None = None

    def start(self, *, connected: bool = True) -> None:
        assert self.machine is not None
        unit = (ROOT / "deploy" / "countersign.service").read_text()
        self.machine.write("/etc/systemd/system/countersign.service", unit)
        self.machine.write(
            "/etc/countersign/countersign.yaml", yaml.safe_dump(self.config)
        )
        self.machine.write("/etc/countersign/environment", self._variables())
        drop_in = "/etc/systemd/system/countersign.service.d/test.conf"
        self.machine.write(
            drop_in, _TEST_DROP_IN.format(python=sys.executable, root=ROOT)
        )
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "start", "countersign.service")
        if connected:
            self.workspace.wait_connected(30)

    def permit(self, **verbs: Sequence[str]) -> None:
        """Install the shipped polkit rule with these units (`nginx=[…]`)."""
        assert self.machine is not None
        rule = (ROOT / "deploy" / "polkit" / "50-countersign.rules").read_text()
        units = {f"{name}.service": list(allowed) for name, allowed in verbs.items()}
        rule = re.sub(
            r"var units = \{.*?\};",
            f"var units = {json.dumps(units)};",
            rule,
            flags=re.DOTALL,
        )
        self.machine.write("/etc/polkit-1/rules.d/50-countersign.rules", rule)
        self.machine.run("systemctl", "restart", "polkit")

    def _variables(self) -> str:
        wanted = self.workspace.environment() | self.extra
        return "".join(f"{key}={value}\n" for key, value in wanted.items())

    @property
    def log(self) -> str:
        assert self.machine is not None
        return self.machine.run(
            "journalctl", "--no-pager", "-u", "countersign", check=False
        )

    def close(self) -> None:
        """The machine ends it."""


_TEST_DROP_IN = """\
[Service]
LoadCredential=
EnvironmentFile=/etc/countersign/environment
Environment=PYTHONDONTWRITEBYTECODE=1
WorkingDirectory={root}
ExecStart=
ExecStart={python} -m bot run
ProtectHome=no
Restart=no
"""
