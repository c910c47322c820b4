"""What is shipped for an installation is as tight as we say, and means what it says."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config.cleaning import CleaningSection
from remediation.gate.folders import areas
from tests.real.postgres import missing

DEPLOY = Path(__file__).parent.parent / "deploy"


@pytest.mark.promise(36)
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
    print(f"promise 36: exposure of {name} {found[1]}")
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


def test_the_gates_example_cleans_what_the_bot_knows_by_name() -> None:
    folders = json.loads((DEPLOY / "gate-folders.json").read_text())
    section = CleaningSection.model_validate(
        {"journal": "14d", "package_cache": "1d", "rotated_logs": "7d"}
    )
    own = {replace(area, name=area.folder) for area in section.areas()}
    assert set(areas(folders).values()) == own


def test_the_gate_as_shipped_deletes_nothing() -> None:
    # Who takes the bot over could otherwise remove the logs that tell of it.
    assert json.loads((DEPLOY / "gate.json").read_text())["folders"] == {}


def test_the_gates_example_for_ssh_lists_a_restart_and_nothing_else() -> None:
    # Whoever has the key can do what stands here without being asked.
    fields = json.loads((DEPLOY / "gate-ssh.json").read_text())
    units = {"nginx.service": ["restart", "reset-failed"]}
    assert fields == {"version": 1, "units": units}


def test_the_gate_may_write_only_to_what_its_example_cleans() -> None:
    unit = (DEPLOY / "countersign-gate.service").read_text()
    lines = re.findall(r"^ReadWritePaths=(.*)$", unit, re.MULTILINE)
    writable = {path.removeprefix("-") for line in lines for path in line.split()}
    folders = json.loads((DEPLOY / "gate-folders.json").read_text())
    assert all(any(f"{f}/".startswith(f"{w}/") for w in writable) for f in folders)
    assert writable <= set(folders)
