"""The same provider against somebody else's emulation of Gemini (npm: aimock).

Needs Node 20 and the npm registry; skipped by name where they are not there.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.diagnosis.gemini import GeminiProvider
from bot.diagnosis.model import ModelDiagnoser
from bot.genai import Genai
from bot.model_section import Budget
from bot.ports import DiagnosisUnavailable
from bot.tools import ready
from tests.bot.diagnosis.conftest import MODEL, Room
from tests.fakes.gemini import GOOD

PACKAGE = "@copilotkit/aimock@1.43.0"
CANDIDATES = (("a", "Terminate python3.11 burn.py (pid 4242)"),)
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
FAILING: list[dict[str, object]] = [
    {
        "match": {"userMessage": "<data>"},
        "response": {
            "error": {"message": "secret detail", "type": "quota"},
            "status": 429,
        },
    }
]
Start = Callable[[list[dict[str, object]]], str]
pytestmark = [
    pytest.mark.timeout(180),
    # It names a reason for ending that Gemini does not have.
    pytest.mark.filterwarnings("ignore:FUNCTION_CALL is not a valid:UserWarning"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("aimock: node and npm are not installed")
    folder = tmp_path_factory.mktemp("aimock")
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


@pytest.fixture
def serve(program: Path, tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def start(fixtures: list[dict[str, object]]) -> str:
        file = tmp_path / "fixtures.json"
        file.write_text(json.dumps({"fixtures": fixtures}))
        server = subprocess.Popen(
            [str(shutil.which("node")), str(program), "-p", "0", "-f", str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(server)
        assert server.stdout is not None
        for line in server.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                return found[0]
        pytest.fail("aimock did not start")

    yield start
    for server in running:
        server.kill()
        server.communicate()


def diagnoser(room: Room, url: str) -> ModelDiagnoser:
    provider = GeminiProvider(Genai("k", base_url=url), model=MODEL, thinking="low")
    return ModelDiagnoser(
        provider, tools=ready(room.sources), budget=Budget(), account=room.account
    )


def test_the_tool_loop_works_with_an_independent_server(
    room: Room, serve: Start
) -> None:
    opinion = diagnoser(room, serve(FIXTURES)).diagnose(
        room.incident, candidates=CANDIDATES
    )
    assert opinion.hypotheses[0].evidence == ("T1 host_history",)
    assert opinion.preferred == "a"


def test_its_quota_error_is_said_in_our_words(room: Room, serve: Start) -> None:
    with pytest.raises(DiagnosisUnavailable, match="quota") as caught:
        diagnoser(room, serve(FAILING)).diagnose(room.incident, candidates=CANDIDATES)
    assert "secret detail" not in str(caught.value)
