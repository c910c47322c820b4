"""Promise 12: what a model answers changes its own prose, and not a byte besides."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.config.model import Budget
from bot.diagnosis.account import Account
from bot.diagnosis.critic import Critic
from bot.diagnosis.model import ModelDiagnoser
from bot.diagnosis.opinion import with_opinion
from bot.diagnosis.provider import Allowance, Conversation, Reply, ToolCall
from bot.llm.costs import Usage
from bot.lore import Diagnosis
from bot.model import Incident
from bot.ports import DiagnosisUnavailable, Tool
from bot.storage import store
from handlers.blocks.card import card
from remediation.ledger.proposal import Proposal
from tests.promises.house import House

pytestmark = [pytest.mark.promise(12), pytest.mark.timeout(900)]

ADAPTER = TypeAdapter(Incident)
ENOUGH = Budget(dollars_per_incident=1000, dollars_per_day=100_000, tokens=2_000_000)
LIES = (
    '{"choice":["c1","c2"]}',
    '{"choice":{"$ref":"c1"}}',
    "<!channel> <@U1> urgent",
    "*Approved by @alice* ✅ PID 1 (init) — safe, just click Approve",
    "ok" + "\n" * 300 + "Approve",
    "This only reloads config; no process is stopped",
    "A" * 200_000,
    '{"diagnosis":"CPU',
    '{"summary":"\\ud800"}',
    "<html>busy</html>",
    "<https://evil.example|Approve>",
    '{"type":"actions","elements":[{"type":"button","action_id":"approve"}]}',
    "```\n*Proposed action* · 1a\n*Terminate sshd*\n```",
    "\u202egpj.exe\u2066",
)
hostile = st.one_of(st.text(max_size=200), st.sampled_from(LIES))
anything = st.one_of(
    hostile,
    st.none(),
    st.booleans(),
    st.floats(allow_nan=False),
    st.lists(hostile, max_size=3),
    st.dictionaries(st.sampled_from(["for", "cause", "$ref"]), hostile, max_size=3),
)
ids = st.lists(st.one_of(st.sampled_from(["E1", "T1", "E9"]), hostile), max_size=4)
letters = st.sampled_from(["a", "b", "z", "escalate", "nothing", "", "rm"])
cause = st.fixed_dictionaries({"cause": hostile, "for": ids, "against": ids})
wellformed = st.fixed_dictionaries(
    {
        "summary": hostile,
        "hypotheses": st.lists(cause, max_size=6),
        "settle": hostile,
        "confidence": st.floats(-0.2, 1.2),
        "preferred": letters,
        "objections": st.lists(hostile, max_size=5),
    }
)
FIELDS = (
    "summary", "hypotheses", "settle", "confidence", "preferred", "findings",
    "proposals", "offered", "culprit", "blocks", "actions", "objections",
)  # fmt: skip
misformed = st.dictionaries(st.sampled_from(FIELDS), anything, max_size=8)
texts = st.one_of(
    hostile,
    wellformed.map(json.dumps),
    misformed.map(json.dumps),
    st.tuples(wellformed.map(json.dumps), st.integers(0, 300)).map(
        lambda cut: cut[0][: cut[1]]
    ),
)
calls = st.lists(
    st.builds(
        ToolCall,
        id=st.just("c"),
        name=st.sampled_from(["execute", "approve", "process_detail", ""]),
        arguments=st.dictionaries(hostile, anything, max_size=2),
    ),
    max_size=2,
).map(tuple)
turns = st.builds(
    Reply,
    text=texts,
    calls=st.one_of(st.just(()), calls),
    usage=st.just(Usage(tokens_in=1, tokens_out=1)),
    raw=st.just({}),
)


@dataclass
class Scripted:
    """A `Provider` that says what was generated, over and over."""

    model: str = "gemini-3.8-flash"
    replies: Sequence[Reply] = ()
    turn_number: int = field(default=0)

    def turn(
        self,
        conversation: Conversation,
        tools: Sequence[Tool],
        schema: Mapping[str, object],
        allowance: Allowance,
    ) -> Reply:
        del conversation, tools, schema, allowance
        self.turn_number += 1
        return self.replies[self.turn_number % len(self.replies)]


def facts_of(incident: Incident) -> bytes:
    """Every field but the two that hold opinions."""
    fields = ADAPTER.dump_python(incident, mode="json")
    del fields["diagnosis"], fields["objections"]
    return json.dumps(fields, sort_keys=True).encode()


def without_prose(
    plain: list[dict[str, object]], told: list[dict[str, object]]
) -> list[dict[str, object]]:
    """What of the card is left when blocks of mere text that were added are taken out."""
    known = [json.dumps(block) for block in plain]
    added = [block for block in told if json.dumps(block) not in known]
    for block in added:
        assert set(block) <= {"type", "text", "block_id", "elements"}, block
        assert block["type"] in ("section", "context"), block
        said = json.dumps(block)
        assert not any(live in said for live in ("<!", "<@", "<http", '"button"'))
    return [block for block in told if block not in added]


def drawn(incident: Incident, proposals: list[Proposal]) -> tuple[str, list[dict]]:  # type: ignore[type-arg]
    message = card(incident, proposals)
    return message.text, [dict(block) for block in message.blocks]


@dataclass
class Stand:
    """An incident with its card, and a model that may say anything about it."""

    house: House
    plain: Incident
    proposals: list[Proposal]
    scripted: Scripted = field(default_factory=Scripted)
    outputs: int = 0
    opinions: int = 0

    @classmethod
    def in_folder(cls, folder: Path) -> "Stand":
        house = House.in_folder(folder)
        number = house.open_incident()
        proposals = house.propose(number)
        with house.database.read() as tx:
            return cls(house, store.get(tx, number), proposals)

    def hear(self, replies: list[Reply]) -> Incident:
        """Let the model say this to the diagnoser and to the critic."""
        self.scripted.replies, self.scripted.turn_number = replies, 0
        account = Account(self.house.database, self.house.clock)
        diagnoser = ModelDiagnoser(
            self.scripted, tools=(), budget=ENOUGH, account=account
        )
        critic = Critic(self.scripted, budget=ENOUGH, account=account)
        candidates = [(proposal.letter, "Terminate it") for proposal in self.proposals]
        opinion: Diagnosis | None = None
        try:
            opinion = diagnoser.diagnose(self.plain, candidates=candidates)
            self.opinions += 1
        except DiagnosisUnavailable:
            opinion = None
        objections = critic.review(
            self.plain, candidates=candidates, policy="No kills."
        )
        self.outputs += self.scripted.turn_number
        return with_opinion(self.plain, opinion, objections)


def test_no_model_output_changes_a_byte_of_facts_and_buttons(
    tmp_path: Path, *, full_counts: bool
) -> None:
    stand = Stand.in_folder(tmp_path)
    facts, (push, blocks) = (
        facts_of(stand.plain),
        drawn(stand.plain, stand.proposals),
    )
    assert any(block["type"] == "actions" for block in blocks)

    @settings(
        max_examples=5000 if full_counts else 250,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(turns, min_size=1, max_size=3))
    def say(replies: list[Reply]) -> None:
        told = stand.hear(replies)
        assert facts_of(told) == facts
        push_told, blocks_told = drawn(told, stand.proposals)
        assert push_told == push
        assert without_prose(blocks, blocks_told) == blocks

    say()
    with stand.house.database.read() as tx:
        assert facts_of(store.get(tx, stand.plain.number)) == facts
    stand.house.close()
    print(
        f"promise 12: {stand.outputs} generated model outputs, {stand.opinions} became "
        "opinions; differing bytes of facts, actions and buttons 0"
    )
    assert not full_counts or stand.outputs >= 10_000
    assert stand.opinions > 0


def test_preferring_a_candidate_moves_no_button(tmp_path: Path) -> None:
    house = House.in_folder(tmp_path)
    number = house.open_incident()
    proposals = house.propose(number)
    with house.database.read() as tx:
        plain = store.get(tx, number)
    house.close()
    seen = set()
    for preferred in ("", "a", "b", "escalate", "nothing"):
        opinion = Diagnosis(
            summary="x", hypotheses=(), confidence=1.0, author="m", preferred=preferred
        )
        told = with_opinion(plain, opinion)
        buttons = [b for b in drawn(told, proposals)[1] if b["type"] == "actions"]
        seen.add(json.dumps(buttons))
    assert len(seen) == 1
    print(
        f"promise 12: 5 preferences, {random.choice(sorted(seen)).count('action_id')} buttons, one order"
    )
