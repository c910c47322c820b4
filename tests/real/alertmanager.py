"""A real Alertmanager on loopback that tells the bot, and Prometheus' lines to tell it."""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.real.postgres import missing

TOKEN = "a-token-of-the-tests"
_CONFIG = """\
route:
  receiver: countersign
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: countersign
    webhook_configs:
      - url: {url}/webhooks/alertmanager
        send_resolved: true
        http_config:
          authorization: {{credentials_file: {token}}}
"""


@dataclass
class RealAlertmanager:
    """One running server."""

    url: str
    process: "subprocess.Popen[bytes]"

    def amtool(self, *words: str) -> str:
        """What its own command line says."""
        program = shutil.which("amtool") or ""
        run = [program, f"--alertmanager.url={self.url}", *words]
        return subprocess.run(
            run, capture_output=True, text=True, check=True, timeout=30
        ).stdout

    def tell(self, *labels: dict[str, str], ends_at: str | None = None) -> None:
        """Post alerts as Prometheus does."""
        end = {} if ends_at is None else {"endsAt": ends_at}
        alerts = [{"labels": one, "annotations": {}, **end} for one in labels]
        asked = urllib.request.Request(
            f"{self.url}/api/v2/alerts",
            data=json.dumps(alerts).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(asked, timeout=10).close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def rules_and_receiver(folder: Path, rules: str, port: int) -> str:
    """Return lines for Prometheus' configuration: its rules, and the Alertmanager."""
    (folder / "rules.yml").write_text(rules)
    return (
        f"rule_files: [{folder / 'rules.yml'}]\n"
        "alerting:\n"
        "  alertmanagers:\n"
        f'    - static_configs: [{{targets: ["127.0.0.1:{port}"]}}]\n'
    )


@contextlib.contextmanager
def alertmanager(folder: Path, *, port: int, bot: str) -> Iterator[RealAlertmanager]:
    """Start a server that tells the bot at this address; stop it."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        missing("prometheus-alertmanager, of Debian's package of that name")
    (folder / "token").write_text(TOKEN)
    config = folder / "alertmanager.yml"
    config.write_text(_CONFIG.format(url=bot, token=folder / "token"))
    words = [
        program or "",
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
    running = RealAlertmanager(f"http://127.0.0.1:{port}", process)
    try:
        _wait_ready(running)
        yield running
    finally:
        running.kill()


def _wait_ready(running: RealAlertmanager) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{running.url}/-/ready", timeout=5).close()
            return
        time.sleep(0.05)
    raise AssertionError("Alertmanager is not ready within 60 s")
