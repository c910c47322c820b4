"""What the host tells a bot in the sandbox of the unit that is shipped, on a real systemd."""

import json
import sys
from collections.abc import Iterator

import pytest

from tests.real.machines import ROOT, Machine, machine

pytestmark = pytest.mark.timeout(180)
LINE = (
    "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,"
    "task_memcg=/system.slice/shop.service,task=php,pid=4711,uid=33"
)
PROBE = f"""\
import json, sys
sys.path.insert(0, {str(ROOT)!r})
from bot.detectors.clock import TIMEDATECTL
from bot.logs.journal import newest
from bot.kernel import oomlog, timex
from bot.kernel.roots import Roots
from bot.kernel.triggers import Triggers
from remediation.programs import output

try:
    refused = ""
    timex.read(Roots())
except PermissionError as error:
    refused = error.filename
lines = newest("--grep=oom-kill:", lines=5)
print(json.dumps({{
    "refused": refused,
    "synchronised": output(TIMEDATECTL, "show", "--property=NTPSynchronized", "--value"),
    "stalls": sorted(Triggers().armed),
    "victims": [victim.name for victim in oomlog.victims(lines, 5)],
}}))
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Machine]:
    with machine() as running:
        yield running


def sandbox() -> str:
    """The section of the shipped unit, without what the bot itself needs."""
    text = (ROOT / "deploy" / "countersign.service").read_text()
    own = ("Type=", "Exec", "Restart", "Environment", "LoadCredential", "Install")
    body = text.partition("[Service]\n")[2].partition("[Install]")[0]
    return "\n".join(line for line in body.splitlines() if not line.startswith(own))


def test_stalls_the_clock_and_kills_are_told_inside_the_sandbox(host: Machine) -> None:
    host.write("/opt/probe.py", PROBE)
    host.run("logger", "--tag", "kernel", LINE)
    host.run("journalctl", "--sync")
    told = "/var/tmp/told"
    start = f"Type=oneshot\nExecStart={sys.executable} /opt/probe.py\n"
    place = f"StandardOutput=file:{told}\nEnvironment=PYTHONDONTWRITEBYTECODE=1\n"
    # A clone below /tmp is behind PrivateTmp.
    place += f"BindReadOnlyPaths={ROOT}\n"
    host.service("probe.service", f"[Service]\n{start}{place}{sandbox()}\n")

    found = json.loads(host.read(told))

    assert found == {
        "refused": "adjtimex",
        "synchronised": found["synchronised"],
        "stalls": ["io", "memory"],
        "victims": ["php"],
    }
    assert found["synchronised"].strip() in ("yes", "no")
