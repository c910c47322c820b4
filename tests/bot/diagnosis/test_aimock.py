"""The same provider against somebody else's emulation of Gemini (npm: aimock).

Needs Node 20 and the npm registry; skipped by name where they are not there.
"""

import pytest

from bot.config.model import Budget
from bot.diagnosis.gemini import GeminiProvider
from bot.diagnosis.model import ModelDiagnoser
from bot.llm.genai import Genai
from bot.ports import DiagnosisUnavailable
from bot.tools import ready
from tests.bot.diagnosis.conftest import MODEL, Room
from tests.fakes.aimock import FIXTURES, Start

CANDIDATES = (("a", "Terminate python3.11 burn.py (pid 4242)"),)
FAILING: list[dict[str, object]] = [
    {
        "match": {"userMessage": "<data>"},
        "response": {
            "error": {"message": "secret detail", "type": "quota"},
            "status": 429,
        },
    }
]
pytestmark = [
    pytest.mark.timeout(180),
    # It names a reason for ending that Gemini does not have.
    pytest.mark.filterwarnings("ignore:FUNCTION_CALL is not a valid:UserWarning"),
]


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
