"""The second provider, against a server that speaks OpenAI's wire format."""

import json
import subprocess
import sys

import pytest

from bot.config.model import Budget
from bot.diagnosis.compatible import CompatibleProvider
from bot.diagnosis.fallback import ModelOrRules
from bot.diagnosis.model import ModelDiagnoser
from bot.diagnosis.rules import RuleDiagnoser
from bot.llm import costs
from bot.ports import DiagnosisUnavailable
from bot.tools import ready
from tests.bot.diagnosis.conftest import Room
from tests.fakes.gemini import GOOD, HANGS, Act, raw

CANDIDATES = (("a", "Terminate it"),)


USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


def completion(usage: object = USAGE, **message: object) -> Act:
    body = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "llama",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": None, **message},
            }
        ],
        "usage": usage,
    }
    return raw(json.dumps(body).encode())


def tool_call(name: str, arguments: str) -> Act:
    function = {"name": name, "arguments": arguments}
    return completion(
        tool_calls=[{"id": "call-1", "type": "function", "function": function}]
    )


def refusal(status: int) -> Act:
    return Act(status=status, raw=b'{"error": {"message": "sk-secret is wrong"}}')


def diagnoser(room: Room, **budget: float) -> ModelDiagnoser:
    provider = CompatibleProvider(
        model="llama", key=None, base_url=f"{room.gemini.url}/v1"
    )
    return ModelDiagnoser(
        provider,
        tools=ready(room.sources),
        budget=Budget(**budget),  # type: ignore[arg-type]
        account=room.account,
    )


def test_it_reads_and_answers(room: Room) -> None:
    room.gemini.will(
        tool_call("host_history", '{"series": "cpu"}'),
        completion(content=json.dumps(GOOD)),
    )
    opinion = diagnoser(room).diagnose(room.incident, candidates=CANDIDATES)
    assert (opinion.author, opinion.preferred) == ("llama", "a")
    assert room.gemini.heard[0].path == "/v1/chat/completions"
    messages = room.gemini.heard[-1].body["messages"]
    assert isinstance(messages, list)
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "tool"]
    assert messages[-1]["tool_call_id"] == "call-1"
    assert "97 %" in messages[-1]["content"]


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (refusal(401), "refused the API key"),
        (refusal(404), "no such model"),
        (refusal(429), "quota"),
        (refusal(500), "overloaded"),
        (refusal(400), "refused the question"),
        (raw(b"<html>busy</html>", "text/html"), "sensible"),
        (raw(b"{}"), "sensible"),
        (raw(b'{"choices": []}'), "sensible"),
        (raw(b"A" * 10_000_000), "too large"),
        (completion(content=["a", "list"]), "sensible"),
        (completion(content={"type": "text", "text": "{}"}), "sensible"),
        (tool_call("host_history", "{not json"), "sensible"),
        (tool_call("host_history", "[1]"), "sensible"),
    ],
)
def test_whatever_the_server_does_ends_in_words(room: Room, act: Act, why: str) -> None:
    room.gemini.will(act)
    with pytest.raises(DiagnosisUnavailable, match=why) as caught:
        diagnoser(room).diagnose(room.incident, candidates=CANDIDATES)
    assert "sk-secret" not in str(caught.value)


def test_a_server_that_hangs_costs_the_budgets_seconds(room: Room) -> None:
    room.gemini.will(HANGS)
    with pytest.raises(DiagnosisUnavailable, match="no answer within 1 s"):
        diagnoser(room, seconds=1).diagnose(room.incident, candidates=CANDIDATES)


def test_a_server_that_is_not_there_is_said_so(room: Room) -> None:
    room.gemini.url = "http://127.0.0.1:9"
    with pytest.raises(DiagnosisUnavailable, match="could not be reached"):
        diagnoser(room).diagnose(room.incident, candidates=CANDIDATES)


def test_too_many_calls_or_too_much_text_is_no_answer(room: Room) -> None:
    room.gemini.will(completion(content="x" * 200_000))
    with pytest.raises(DiagnosisUnavailable, match="too large"):
        diagnoser(room).diagnose(room.incident, candidates=CANDIDATES)


@pytest.mark.parametrize(
    ("act", "tokens"),
    [
        (completion(content="x" * 200_000), (100, 20)),
        (tool_call("host_history", "{not json"), (100, 20)),
        (refusal(500), (0, 0)),
    ],
)
def test_a_useless_answer_costs_what_the_server_counted(
    room: Room, act: Act, tokens: tuple[int, int]
) -> None:
    room.gemini.will(act)
    with pytest.raises(DiagnosisUnavailable):
        diagnoser(room).diagnose(room.incident, candidates=CANDIDATES)
    with room.database.read() as tx:
        total = costs.by_incident(tx, room.incident.number)
    assert (total.tokens_in, total.tokens_out) == tokens


@pytest.mark.parametrize("act", [HANGS, raw(b"A" * 10_000_000), raw(b"<html>")])
def test_a_useless_answer_without_a_count_costs_what_it_was_allowed(
    room: Room, act: Act
) -> None:
    room.gemini.will(act)
    with pytest.raises(DiagnosisUnavailable):
        diagnoser(room, seconds=1).diagnose(room.incident, candidates=CANDIDATES)
    with room.database.read() as tx:
        total = costs.by_incident(tx, room.incident.number)
    assert total.calls == 1
    assert total.dollars == pytest.approx(0.05, abs=0.001)


def test_a_model_without_a_known_price_is_counted_at_an_assumed_one(
    room: Room,
) -> None:
    room.gemini.will(completion(content=json.dumps(GOOD)))
    diagnoser(room, dollars_per_incident=1).diagnose(
        room.incident, candidates=CANDIDATES
    )
    with room.database.read() as tx:
        total = costs.by_incident(tx, room.incident.number)
    assert not total.all_known
    assert total.dollars == pytest.approx((100 * 5 + 20 * 25) / 1e6)


def test_without_the_package_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['openai'] = None\n"
        "from bot.diagnosis.compatible import CompatibleProvider\n"
        "from bot.diagnosis.provider import Allowance, Conversation\n"
        "from bot.ports import ModelUnavailable\n"
        "p = CompatibleProvider(model='m', key=None, base_url=None)\n"
        "try: p.turn(Conversation(instructions='', turns=()), (), {}, "
        "Allowance(seconds=1, tokens_out=1))\n"
        "except ModelUnavailable as missing: print(missing)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "pip install 'countersign[openai]'" in done.stdout


@pytest.mark.parametrize(
    "lie",
    [2**63, 2**31, 10**400, -5, True, "many", None, float("nan"), float("inf"), 1.5],
    ids=str,
)
def test_a_lie_about_tokens_keeps_the_opinion_and_the_days_money(
    room: Room, lie: object
) -> None:
    usage = {"prompt_tokens": lie, "completion_tokens": lie, "total_tokens": lie}
    room.gemini.will(completion(usage, content=json.dumps(GOOD)))
    both = ModelOrRules(diagnoser(room), RuleDiagnoser())
    both.diagnose(room.incident, candidates=CANDIDATES)
    with room.database.read() as tx:
        total = costs.by_incident(tx, room.incident.number)
    assert 0 < total.dollars <= 0.2
    assert 0 < total.tokens_out <= 4 * 8192
