"""The gate as a program: what it imports, how it is started."""

import ast
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.remediation.gate.gates import (
    identity_of,
    needs_root,
    serving,
    term,
    victim_of,
)

ROOT = Path(__file__).parents[3]


def modules_of(start: str) -> set[str]:
    """Every module that importing one of ours imports, by its source."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for file in _files(name):
            waiting += _imported(ast.parse(file.read_text()))
    return found


def _files(name: str) -> list[Path]:
    """What is run when it is imported: a module of ours, or a room's first file."""
    home = ROOT / name.replace(".", "/")
    ours = name.partition(".")[0] == "remediation"
    files = (home.with_suffix(".py"), home / "__init__.py")
    return [file for file in files if ours and file.exists()]


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                # What is taken from a room may be a module of it.
                inside = (f"{module}.{alias.name}" for alias in names)
                yield from (name for name in inside if _files(name))


def test_the_gate_needs_nothing_but_the_standard_library() -> None:
    foreign = {
        name
        for name in modules_of("remediation.gate.__main__")
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "remediation"}
    }
    assert foreign == set()


def test_only_the_gate_may_run_jobs_as_root() -> None:
    users = {
        file.relative_to(ROOT).with_suffix("").as_posix()
        for package in ("remediation", "bot", "handlers")
        for file in (ROOT / package).rglob("*.py")
        if "remediation.gate.systemctl" in _imported(ast.parse(file.read_text()))
    }
    own = ("acts", "client", "request", "rules")
    assert users == {f"remediation/gate/{name}" for name in own}


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
