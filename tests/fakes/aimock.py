"""Somebody else's emulation of Gemini (npm: aimock), started for a test.

Needs Node 20 and the npm registry; tests are skipped by name where they are not there.
`tests/conftest.py` makes the fixture `serve` of it.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.gemini import GOOD

PACKAGE = "@copilotkit/aimock@1.43.0"
CITES = {
    **GOOD,
    "hypotheses": [{"cause": "A loop.", "for": ["T1"], "against": []}],
}
FIXTURES: list[dict[str, object]] = [
    {"match": {"hasToolResult": True}, "response": {"content": json.dumps(CITES)}},
    {
        "match": {"userMessage": "<data>"},
        "response": {
            "toolCalls": [
                {"name": "host_history", "arguments": json.dumps({"series": "cpu"})}
            ]
        },
    },
]
Start = Callable[[list[dict[str, object]]], str]


def installed(folder: Path) -> Path:
    """Install it there and return its program; skip the test where that cannot be."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("aimock: node and npm are not installed")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=120,
    )
    if done.returncode != 0:
        pytest.skip("aimock: npm cannot install it here")
    return folder / "node_modules" / ".bin" / "llmock"


@contextmanager
def serving(program: Path, folder: Path) -> Iterator[Start]:
    """Yield what starts a server with the given fixtures and returns its address."""
    running: list[subprocess.Popen[str]] = []

    def start(fixtures: list[dict[str, object]]) -> str:
        file = folder / "fixtures.json"
        file.write_text(json.dumps({"fixtures": fixtures}))
        server = subprocess.Popen(
            [str(shutil.which("node")), str(program), "-p", "0", "-f", str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(server)
        return _address(server)

    try:
        yield start
    finally:
        for server in running:
            server.kill()
            server.communicate()


def _address(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    for line in server.stdout:
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            return found[0]
    pytest.fail("aimock did not start")
