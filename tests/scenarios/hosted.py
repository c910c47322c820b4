"""The bot on a machine of its own: a real systemd, the shipped unit, its own user."""

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from tests.real.machines import ROOT, Machine
from tests.scenarios.stage import Bot


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
BindReadOnlyPaths={root}
Restart=no
"""
