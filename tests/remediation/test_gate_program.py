"""The gate as a program: what it imports, how it is started."""

import ast
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.remediation.gates import identity_of, needs_root, serving, term, victim_of

ROOT = Path(__file__).parents[2]


def modules_of(start: str) -> set[str]:
    """Every module that importing one of ours imports, by its source."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        file = ROOT / f"{name.replace('.', '/')}.py"
        if name.startswith("remediation.") and file.exists():
            waiting += _imported(ast.parse(file.read_text()))
    return found


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module="remediation", names=names):
                yield from (f"remediation.{alias.name}" for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module


def test_the_gate_needs_nothing_but_the_standard_library() -> None:
    foreign = {
        name
        for name in modules_of("remediation.gate")
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "remediation"}
    }
    assert foreign == set()


def test_only_the_gate_may_run_jobs_as_root() -> None:
    users = {
        file.stem
        for file in (ROOT / "remediation").glob("*.py")
        if "remediation.jobs" in _imported(ast.parse(file.read_text()))
    }
    assert users <= {"gate_acts", "gate_request", "gate_rules", "gate_client"}


@needs_root
def test_one_request_on_standard_input_is_answered_on_standard_output() -> None:
    with serving() as stage, victim_of() as victim:
        done = subprocess.run(
            [
                *(sys.executable, "-I", "-m", "remediation.gate", "--stdin"),
                *("--allow", str(stage.list_path)),
            ],
            input=term(identity_of(victim.pid)),
            env={
                "SSH_CONNECTION": "10.0.0.5 1 10.0.0.6 22",
                "SSH_ORIGINAL_COMMAND": "id",
            },
            capture_output=True,
            timeout=20,
            check=True,
        )
        assert victim.wait(5) == -signal.SIGTERM
    greeting, answer = map(json.loads, done.stdout.splitlines())
    assert greeting == {"countersign_gate": 1}
    assert answer["verdict"] == "done"


def test_without_a_socket_from_systemd_it_does_not_start(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-m",
            "remediation.gate",
            "--allow",
            str(tmp_path / "x"),
        ],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert "start it by its socket unit" in done.stderr
