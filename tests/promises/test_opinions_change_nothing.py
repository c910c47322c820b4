"""Promise 12: whatever the diagnoser says, facts and buttons are the same bytes."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.actions.candidates import Candidates
from bot.actions.target import Targets
from bot.alerts.alert import Timing
from bot.config.policy import Policy
from bot.host.disk import Disks
from bot.inquiry import Inquiry
from bot.lore import Diagnosis, Hypothesis
from bot.model import Culprit, Incident
from bot.ports import Diagnoser, DiagnosisUnavailable
from bot.quiet.unpaged import Unpaged
from bot.respond import Respond
from bot.storage import store
from bot.storage.record import Record
from handlers.blocks.card import card
from remediation.ledger.proposal import Proposal
from remediation.rules.protect import OwnTree
from tests.fakes.services import fleet
from tests.promises.house import (
    HOST,
    House,
    Processes,
    Quiet,
    incident,
    process,
    rules,
)

pytestmark = pytest.mark.promise(12)

HOSTILE = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        [
            "<!channel> approve this",
            "*Proposed action* · 1a\n*Terminate sshd*",
            "<https://evil.example|Approve>",
            '{"type": "actions"}',
            "x" * 5000,
            "\u202egpj",
            "```\n<@U0CEO0001>\n```",
        ]
    ),
)
opinions = st.builds(
    Diagnosis,
    summary=HOSTILE,
    hypotheses=st.lists(
        st.builds(
            Hypothesis, cause=HOSTILE, evidence=st.lists(HOSTILE, max_size=3).map(tuple)
        ),
        max_size=3,
    ).map(tuple),
    confidence=st.floats(allow_nan=True, allow_infinity=True),
    author=HOSTILE,
)


def _bytes(incident_: Incident, proposals: list[Proposal]) -> bytes:
    """Everything of the card but the paragraph of prose, which is one section."""
    drawn = card(incident_, proposals)
    kept = [b for b in drawn.blocks if not _is_prose(b)]
    assert len(kept) >= len(drawn.blocks) - 1
    return json.dumps([drawn.text, kept]).encode()


def _is_prose(block: dict[str, object]) -> bool:
    text = block.get("text")
    said = text.get("text") if isinstance(text, dict) else ""
    return block["type"] == "section" and str(said).startswith("*What I think*")


def test_no_opinion_changes_a_byte_of_facts_and_buttons(
    tmp_path: Path, *, full_counts: bool
) -> None:
    house = House.in_folder(tmp_path)
    number = house.open_incident()
    made = house.propose(number)
    with house.database.read() as tx:
        plain = store.get(tx, number)
    house.close()
    wanted = _bytes(plain, made)
    assert b"approve" in wanted and made[0].id.encode() in wanted
    tried = 0

    @settings(
        max_examples=3000 if full_counts else 300,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(opinions)
    def say(opinion: Diagnosis) -> None:
        nonlocal tried
        tried += 1
        told = replace(plain, diagnosis=opinion)
        assert _bytes(told, made) == wanted
        prose = [b for b in card(told, made).blocks if _is_prose(b)]
        assert len(prose) == 1
        text = prose[0]["text"]["text"]  # type: ignore[index]
        assert not any(live in text for live in ("<!", "<@", "<http", "://"))
        assert len(text) <= 3000

    say()
    print(f"promise 12: {tried} opinions, differing bytes of facts and buttons 0")


class Silent:
    def diagnose(self, incident: Incident) -> Diagnosis:
        del incident
        raise DiagnosisUnavailable("the model is off")


class Liar:
    """Tells other things than there are, and tries to change what it was given."""

    def diagnose(self, incident: Incident) -> Diagnosis:
        for name in ("findings", "offered", "culprit"):
            with pytest.raises(AttributeError):
                setattr(incident, name, None)
        return Diagnosis(
            summary="*Proposed action* terminate sshd <!channel>",
            hypotheses=(Hypothesis(cause="approve", evidence=("E9", "<@U0>")),),
            confidence=7.5,
            author="<https://evil.example|root>",
        )


class Broken:
    def diagnose(self, incident: Incident) -> Diagnosis:
        del incident
        raise RuntimeError("the model's adapter has a bug")


def _opened_with(diagnoser: Diagnoser, folder: Path) -> bytes:
    """The card of one incident that the real Respond opened with this diagnoser."""
    folder.mkdir()
    house = House.in_folder(folder)
    clock = house.clock
    record = Record(database=house.database, ledger=house.ledger, clock=clock)
    candidates = Candidates(
        host=HOST,
        targets=Targets(
            reader=Processes(clock),
            fleet=fleet(),
            allowed=(),
            disks=Disks(()),
        ),
        policy=Policy(),
        rules=rules(),
        own=OwnTree(pid=900, ancestors=frozenset(), service=None),
    )
    respond = Respond(
        record=record,
        candidates=candidates,
        inquiry=Inquiry(evidence=(), diagnoser=diagnoser),
        unpaged=Unpaged(record.database),
        poster=Quiet(),
    )
    culprit = Culprit(process=process(0), share=0.9, amount=97.0)
    finding = incident(1, culprit).findings[0]
    at_once = Timing(hold_for=timedelta(0), keep_for=timedelta(seconds=30))
    for _ in range(3):
        clock.passes(5)
        try:
            respond.absorb([replace(finding, at=clock.wall)], at_once)
        except RuntimeError:
            continue
    with house.database.read() as tx:
        opened = store.opened(tx)
        assert opened, "a diagnoser's failure hid the incident"
        proposals = house.ledger.of(tx, opened[0].number)
        known = _bytes(opened[0], proposals)
    house.close()
    for proposal in proposals:
        known = known.replace(proposal.id.encode(), b"ID-" + proposal.letter.encode())
    return known


def test_off_honest_and_lying_models_lead_to_the_same_card(tmp_path: Path) -> None:
    off = _opened_with(Silent(), tmp_path / "off")
    lying = _opened_with(Liar(), tmp_path / "lying")
    print(
        f"promise 12: card of {len(off)} bytes, model off and adversarial: differing 0"
    )
    assert b"approve" in off
    assert lying == off


def test_a_diagnoser_that_fails_unexpectedly_hides_no_incident(tmp_path: Path) -> None:
    off = _opened_with(Silent(), tmp_path / "off")
    assert _opened_with(Broken(), tmp_path / "broken") == off
    print("promise 12: a diagnoser that raises anything: the same card")
