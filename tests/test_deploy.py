"""What is shipped for an installation is as tight as we say, and means what it says."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.real.postgres import missing

DEPLOY = Path(__file__).parent.parent / "deploy"


@pytest.mark.promise
@pytest.mark.parametrize("name", ["countersign.service", "countersign-gate.service"])
def test_a_services_exposure_is_at_most_two(name: str) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        missing("systemd-analyze, of Debian's package systemd")
        return
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", str(DEPLOY / name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    print(f"exposure of {name}: {found[1]}")
    assert done.returncode == 0
    assert float(found[1]) <= 2.0


def test_the_bot_has_no_capability() -> None:
    unit = (DEPLOY / "countersign.service").read_text().splitlines()
    assert {"AmbientCapabilities=", "CapabilityBoundingSet=", "User=countersign"} <= {
        *unit
    }


def test_the_examples_of_the_gate_and_of_polkit_list_the_same() -> None:
    gate = json.loads((DEPLOY / "gate.json").read_text())
    rule = (DEPLOY / "polkit" / "50-countersign.rules").read_text()
    units = re.search(r"var units = (\{.*?\});", rule, re.DOTALL)
    assert units
    assert json.loads(re.sub(r",(\s*\})", r"\1", units[1])) == gate["units"]
    assert f'subject.user !== "{gate["peer"]}"' in rule
