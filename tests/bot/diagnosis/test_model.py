"""A model that answers, reads, hangs, lies and costs: what comes of it."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event

import pytest

from bot.config.model import Budget
from bot.diagnosis.fallback import ModelOrRules
from bot.diagnosis.meter import MOST_TOKENS_OUT
from bot.diagnosis.model import ModelDiagnoser
from bot.diagnosis.rules import RuleDiagnoser
from bot.llm import costs
from bot.llm.costs import Total
from bot.ports import DiagnosisUnavailable
from bot.runtime import tracing
from bot.tools import anywhere, ready
from tests.bot.diagnosis.conftest import MODEL, Room
from tests.fakes.gemini import (
    DRIPS,
    GOOD,
    HANGS,
    SIGNATURE,
    Act,
    calls,
    calls_often,
    fails,
    lies,
    raw,
    says,
    stops,
)

CANDIDATES = (("a", "Terminate python3.11 burn.py (pid 4242)"), ("b", "Pause it"))


def cost(room: Room) -> Total:
    with room.database.read() as tx:
        return costs.by_incident(tx, room.incident.number)


def test_an_honest_answer_becomes_the_opinion(room: Room) -> None:
    opinion = room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    assert opinion.summary == GOOD["summary"]
    assert opinion.hypotheses[0].evidence == ("E1",)
    assert (opinion.preferred, opinion.confidence) == ("a", 0.8)
    assert (opinion.author, opinion.settle) == (MODEL, "A profile of the process.")
    assert opinion.missing == ""


def test_the_request_is_geminis_and_its_key_is_a_header(room: Room) -> None:
    room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    (heard,) = room.gemini.heard
    assert heard.path == f"/v1beta/models/{MODEL}:generateContent"
    assert {k.lower(): v for k, v in heard.headers.items()}[
        "x-goog-api-key"
    ] == "test-key"
    config = heard.body["generationConfig"]
    assert isinstance(config, dict)
    assert "temperature" not in config
    assert config["responseMimeType"] == "application/json"


def test_the_model_reads_more_before_it_answers(room: Room) -> None:
    cites = {"cause": "A loop.", "for": ["T1", "T2"], "against": ["E1"]}
    room.gemini.will(
        calls("host_history", series="cpu"),
        calls("process_detail", pid=4242),
        says({**GOOD, "hypotheses": [cites]}),
    )
    opinion = room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    assert opinion.hypotheses[0].evidence == ("T1 host_history", "T2 process_detail")
    last = json.dumps(room.gemini.heard[-1].body)
    assert "97 %" in last and "burn.py" in last and "functionResponse" in last


def test_a_thought_signature_goes_back_unchanged(room: Room) -> None:
    room.gemini.will(calls("host_history"), says(GOOD))
    room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    assert SIGNATURE.encode() in room.gemini.heard[-1].raw


def test_unknown_tools_and_wrong_arguments_are_told_to_the_model(room: Room) -> None:
    room.gemini.will(
        calls("shell", command="rm -rf /"),
        calls("process_detail", pid="1; reboot"),
        says(GOOD),
    )
    room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    last = json.dumps(room.gemini.heard[-1].body)
    assert "There is no such tool" in last
    assert "wrong arguments" in last


def test_rounds_used_up_ask_for_what_is_known(room: Room) -> None:
    room.gemini.will(calls("host_history"), says(GOOD))
    opinion = room.diagnoser(rounds=2).diagnose(room.incident, candidates=CANDIDATES)
    assert "no room for more reading" in opinion.missing
    assert b"There is no budget for more reading" in room.gemini.heard[-1].raw
    assert b'"NONE"' in room.gemini.heard[-1].raw


def test_a_model_that_only_reads_ends_without_an_opinion(room: Room) -> None:
    room.gemini.will(calls("host_history"))
    with pytest.raises(DiagnosisUnavailable, match="rounds"):
        room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    assert len(room.gemini.heard) == 4


def test_tokens_used_up_end_the_reading(room: Room) -> None:
    room.gemini.will(calls("host_history", tokens=9000), says(GOOD))
    opinion = room.diagnoser(tokens=11_000).diagnose(
        room.incident, candidates=CANDIDATES
    )
    assert "no room" in opinion.missing
    assert len(room.gemini.heard) == 2


def test_the_incidents_money_is_never_exceeded(room: Room) -> None:
    room.gemini.will(calls("host_history"), says(GOOD))
    budget = {"dollars_per_incident": 0.006}

    def again_and_again() -> None:
        for _ in range(40):
            room.diagnoser(**budget).diagnose(room.incident, candidates=CANDIDATES)

    with pytest.raises(DiagnosisUnavailable, match="money"):
        again_and_again()
    assert 0 < cost(room).dollars <= 0.006


def test_the_days_money_holds_over_incidents(room: Room) -> None:
    diagnoser = room.diagnoser(dollars_per_day=0.0)
    with pytest.raises(DiagnosisUnavailable, match="money"):
        diagnoser.diagnose(room.incident, candidates=CANDIDATES)
    assert room.gemini.heard == []


@pytest.mark.parametrize(
    ("act", "why", "requests"),
    [
        (fails(401, "UNAUTHENTICATED"), "refused the API key", 1),
        (fails(400, "INVALID_ARGUMENT", "API key not valid."), "the API key", 1),
        (fails(403, "PERMISSION_DENIED"), "refused the API key", 1),
        (fails(404, "NOT_FOUND"), "no such model", 1),
        (fails(429, "RESOURCE_EXHAUSTED"), "quota", 1),
        (fails(503), "overloaded", 3),
        (raw(b"<html>busy</html>", "text/html"), "sensible|declined", 1),
        (raw(b"[1, 2, 3]"), "sensible|declined", 1),
        (raw(b"{}"), "declined", 1),
        (raw(b'{"candidates": "none"}'), "could not be used", 2),
        (raw(b"[" * 100_000), "sensible", 1),
        (raw(b"\xff\xfe\x00"), "sensible|declined", 1),
        (raw(b"A" * 10_000_000), "too large", 1),
        (stops("SAFETY"), "declined", 1),
        (calls_often("host_history", 500), "too large", 1),
    ],
)
def test_whatever_the_server_does_ends_in_words(
    room: Room, act: Act, why: str, requests: int
) -> None:
    room.gemini.will(act)
    with pytest.raises(DiagnosisUnavailable, match=why) as caught:
        room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    assert len(room.gemini.heard) == requests
    said = str(caught.value)
    assert len(said) < 120
    assert "test-key" not in said and "html" not in said
    refused = any(
        word in said for word in ("refused", "model (", "quota", "overloaded")
    )
    assert (cost(room).dollars == 0) == refused


@pytest.mark.parametrize("act", [HANGS, DRIPS])
def test_a_server_that_hangs_or_drips_costs_the_budgets_seconds(
    room: Room, act: Act
) -> None:
    room.gemini.will(act)
    start = time.monotonic()
    with pytest.raises(DiagnosisUnavailable, match="no answer within 1 s"):
        room.diagnoser(seconds=1).diagnose(room.incident, candidates=CANDIDATES)
    took = time.monotonic() - start
    print(f"{'drip' if act.drips else 'hang'} under a budget of 1 s: {took:.2f} s")
    # The library's first import may come on top; nothing near the fake's minute.
    assert took < 20


def test_a_declined_answer_costs_what_the_server_counted(room: Room) -> None:
    used = {"promptTokenCount": 500, "thoughtsTokenCount": 70}
    declined = {"candidates": [{"finishReason": "SAFETY"}], "usageMetadata": used}
    room.gemini.will(raw(json.dumps(declined).encode()))
    with pytest.raises(DiagnosisUnavailable, match="declined"):
        room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    total = cost(room)
    assert (total.calls, total.tokens_in, total.tokens_thinking) == (1, 500, 70)


def test_an_answer_with_too_many_calls_costs_what_the_server_counted(
    room: Room,
) -> None:
    room.gemini.will(calls_often("host_history", 500))
    with pytest.raises(DiagnosisUnavailable, match="too large"):
        room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    assert (cost(room).tokens_in, cost(room).tokens_out) == (120, 40)


def test_an_answer_that_came_too_late_costs_all_it_was_allowed(room: Room) -> None:
    room.gemini.will(HANGS)
    with pytest.raises(DiagnosisUnavailable, match="no answer within"):
        room.diagnoser(seconds=0.5, dollars_per_incident=1).diagnose(
            room.incident, candidates=CANDIDATES
        )
    total = cost(room)
    assert total.calls == 1
    assert total.tokens_out == MOST_TOKENS_OUT
    assert total.dollars > 0


class Reads:
    """A tool that takes its time, and may break."""

    name = "host_history"
    description = "Whatever."
    parameters: Mapping[str, object] = {"type": "object"}

    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act
        self.count = 0

    def read(self, arguments: Mapping[str, object]) -> str:
        del arguments
        self.count += 1
        self.act()
        return "97 %"


def with_tool(room: Room, tool: Reads) -> ModelDiagnoser:
    return ModelDiagnoser(
        room.provider(), tools=[tool], budget=Budget(), account=room.account
    )


def test_a_tool_that_breaks_ends_its_own_reading_only(room: Room) -> None:
    def breaks() -> None:
        raise RuntimeError("secret detail")

    room.gemini.will(calls("host_history"), says(GOOD))
    opinion = with_tool(room, Reads(breaks)).diagnose(
        room.incident, candidates=CANDIDATES
    )
    assert opinion.summary == GOOD["summary"]
    assert b"Not readable: this tool failed" in room.gemini.heard[-1].raw
    assert b"secret detail" not in room.gemini.heard[-1].raw


def test_no_reading_begins_when_the_time_is_over(room: Room) -> None:
    slow = Reads(lambda: room.clock.go(20))
    room.gemini.will(calls_often("host_history", 5), says(GOOD))
    with pytest.raises(DiagnosisUnavailable, match="seconds"):
        with_tool(room, slow).diagnose(room.incident, candidates=CANDIDATES)
    assert slow.count == 2


def test_a_tool_that_hangs_leaves_time_to_answer(room: Room) -> None:
    released = Event()
    hangs = Reads(lambda: released.wait(30) or None)
    room.gemini.will(calls("host_history"), says(GOOD))
    diagnoser = ModelDiagnoser(
        room.provider(), tools=[hangs], budget=Budget(seconds=1), account=room.account
    )
    try:
        opinion = diagnoser.diagnose(room.incident, candidates=CANDIDATES)
        assert not released.is_set()
    finally:
        released.set()
    assert opinion.summary == GOOD["summary"]
    assert b"Not readable: this took too long" in room.gemini.heard[-1].raw


def test_overload_that_passes_is_waited_for(room: Room) -> None:
    room.gemini.will(fails(503), fails(503), says(GOOD))
    opinion = room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    assert opinion.preferred == "a"
    assert len(room.gemini.heard) == 3


def test_a_server_that_is_not_there_is_said_so(room: Room) -> None:
    room.gemini.url = "http://127.0.0.1:9"
    with pytest.raises(DiagnosisUnavailable, match="could not be reached"):
        room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)


def test_a_wrong_enum_is_told_and_mended(room: Room) -> None:
    room.gemini.will(says({**GOOD, "preferred": "rm_rf"}), says(GOOD))
    opinion = room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    assert opinion.preferred == "a"
    assert b"preferred must be one of" in room.gemini.heard[-1].raw


def test_two_unusable_answers_are_no_opinion(room: Room) -> None:
    room.gemini.will(says("I think it is the CPU"))
    with pytest.raises(DiagnosisUnavailable, match="could not be used"):
        room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    assert len(room.gemini.heard) == 2


def test_claims_without_evidence_are_dropped_and_said(room: Room) -> None:
    invented = {"cause": "Aliens.", "for": ["E99"], "against": []}
    room.gemini.will(says({**GOOD, "hypotheses": [invented], "confidence": 1}))
    opinion = room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    assert opinion.hypotheses == ()
    assert opinion.confidence == 0
    assert "no evidence" in opinion.missing


def test_what_it_cost_is_entered_with_its_steps(room: Room) -> None:
    room.gemini.will(calls("host_history"), says(GOOD))
    room.diagnoser().diagnose(room.incident, candidates=CANDIDATES)
    total = cost(room)
    assert (total.calls, total.tokens_in, total.tokens_out) == (2, 240, 80)
    assert total.tokens_thinking == 20
    assert total.dollars > 0 and total.all_known
    with room.database.read() as tx:
        steps = tracing.steps(tx, room.incident.number)
    assert [(s.name, s.tokens) for s in steps] == [
        (f"ask {MODEL}", 170),
        ("read host_history", 0),
        (f"ask {MODEL}", 170),
    ]


def test_the_rules_speak_where_the_model_does_not(room: Room) -> None:
    room.gemini.will(fails(429))
    both = ModelOrRules(room.diagnoser(), RuleDiagnoser())
    opinion = both.diagnose(room.incident, candidates=CANDIDATES)
    assert opinion.author == "rules"
    assert "quota" in opinion.missing


def test_an_incident_without_a_number_is_counted_for_the_day_only(room: Room) -> None:
    room.diagnoser().diagnose(replace(room.incident, number=0), candidates=CANDIDATES)
    with room.database.read() as tx:
        assert costs.by_day(tx, room.clock.wall).calls == 1
        assert tracing.steps(tx, 0) == ()


@pytest.mark.parametrize("lie", [2**63, 10**30, 2**31, -5], ids=str)
def test_a_lie_about_tokens_uses_up_no_days_money(room: Room, lie: int) -> None:
    room.gemini.will(lies(lie))
    both = ModelOrRules(room.diagnoser(), RuleDiagnoser())
    assert both.diagnose(room.incident, candidates=CANDIDATES).summary
    assert 0 < cost(room).dollars <= 0.2


def test_another_hosts_incident_is_not_explained_from_this_host(room: Room) -> None:
    tools = ready(room.sources)
    diagnoser = ModelDiagnoser(
        room.provider(),
        tools=tools,
        budget=Budget(),
        account=room.account,
        host="web-1",
        elsewhere=anywhere(tools),
    )
    room.gemini.will(says(GOOD), says(GOOD))
    diagnoser.diagnose(replace(room.incident, host="web-1"), candidates=CANDIDATES)
    assert b"process_detail" in room.gemini.heard[-1].raw
    diagnoser.diagnose(replace(room.incident, host="web-7"), candidates=CANDIDATES)
    asked = room.gemini.heard[-1].raw
    assert not any(
        tool.name.encode() in asked for tool in tools if tool not in anywhere(tools)
    )
