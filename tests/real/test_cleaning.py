"""What is cleaned belongs to real programs: journald keeps its files, apt's lock counts."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.real.machines import ROOT, Machine, machine

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def host() -> Iterator[Machine]:
    with machine() as running:
        yield running


def swept(host: Machine, preset: str, between: str = "") -> dict[str, str]:
    """Delete what the preset takes, as root inside; return what became of each file."""
    words = (sys.executable, "-c", _SWEEPS, preset, between)
    done = subprocess.run(
        host.enter("env", f"PYTHONPATH={ROOT}", "PYTHONDONTWRITEBYTECODE=1", *words),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


_SWEEPS = """
import json, subprocess, sys
from bot.config.cleaning import CleaningSection
from remediation.acts.clutter import clutter_of
from remediation.acts.sweep import sweeping

(area,) = CleaningSection.model_validate({sys.argv[1]: "1d", "untouched": "0s"}).areas()
with sweeping(area) as sweep:
    told = subprocess.run(sys.argv[2].split() or ["true"], stderr=subprocess.PIPE)
    became = {f.path: sweep.remove(f) or "deleted" for f in clutter_of(area).files}
print(json.dumps({**became, "": told.stderr.decode()}))
"""


def test_closed_journal_files_go_and_those_that_journald_holds_stay(
    host: Machine,
) -> None:
    host.run("mkdir", "-p", "/var/log/journal")
    host.run("systemctl", "restart", "systemd-journald")
    for word in ("one", "two", "three"):
        host.run("logger", word)
        host.run("journalctl", "--flush", "--rotate")
    host.run("sh", "-c", "touch -d '30 days ago' /var/log/journal/*/*.journal")
    held = host.run("sh", "-c", "ls -l /proc/$(pidof systemd-journald)/fd")

    became = swept(host, "journal")

    journals = {path: what for path, what in became.items() if path}
    assert "deleted" in journals.values()
    assert not any(path.endswith("/system.journal") for path in journals)
    for path, what in journals.items():
        assert what == ("in use" if path in held else "deleted"), path
    host.run("journalctl", "--verify")
    assert "three" in host.run("journalctl", "--no-pager", "-o", "cat")


def test_apt_waits_for_us_and_we_for_apt(host: Machine) -> None:
    package = "/var/cache/apt/archives/x_1_all.deb"
    host.run("touch", "-d", "30 days ago", package)

    became = swept(host, "package_cache", between="apt-get clean")

    assert became["x_1_all.deb"] == "deleted"
    assert "Could not get lock /var/cache/apt/archives/lock" in became[""]
