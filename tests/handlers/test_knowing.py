"""Below the buttons: opinion, last time, runbook; calm, escaped, gone when it is over."""

from bot.lore import Knowledge, PastCase, RunbookRef
from bot.model import Diagnosis, Incident, Phase
from handlers.blocks.card import card
from handlers.blocks.knowing import below
from handlers.workspace.limits import check_message
from handlers.workspace.message import texts
from tests.fakes.clock import START
from tests.fakes.things import incident

EVIL = "<!channel> *x* <https://evil.example|y>"
PAST = PastCase(
    incident=7,
    closed_at=START,
    symptoms=EVIL,
    cause=EVIL,
    action=f"terminate {EVIL}",
    outcome="it helped",
    seen=5,
    tried=5,
    worked=4,
)
KNOWN = Knowledge(
    past=(PAST,),
    track="terminate worked 4 of 5 times",
    runbooks=(RunbookRef(name="cpu", title=EVIL, steps=(EVIL, "`top`\n -b"), why=""),),
    missing=EVIL,
)
OPINION = Diagnosis(
    summary=EVIL,
    hypotheses=(),
    confidence=0.8,
    author="model",
    settle=EVIL,
    preferred="a",
    missing=EVIL,
)


def said(found: Incident) -> str:
    return "\n".join(texts(below(found)))


def known(**changes: object) -> Incident:
    fields = {
        "diagnosis": OPINION,
        "knowledge": KNOWN,
        "objections": (EVIL,),
        "is_explained": True,
    }
    return incident(**{**fields, **changes})


def test_nothing_known_draws_nothing() -> None:
    assert below(incident()) == []


def test_what_came_from_outside_does_nothing_in_slack() -> None:
    text = said(known())
    for live in ("<!channel>", "<https", "https://"):
        assert live not in text


def test_the_whole_card_fits_slack() -> None:
    check_message("text", list(card(known(), []).blocks))


def test_last_time_says_how_often_it_helped() -> None:
    text = said(known())
    assert "*Last time* (terminate worked 4 of 5 times)" in text
    assert "Similar incident 7 on 2026-03-01, seen 5 times" in text


def test_a_counter_example_is_told_as_one() -> None:
    from dataclasses import replace

    warned = replace(KNOWN, past=(replace(PAST, warns=True),))
    assert "But once, similar incident 7" in said(known(knowledge=warned))


def test_a_step_is_one_plain_line() -> None:
    assert "2. top -b" in said(known())


def test_an_objection_stands_under_the_opinion() -> None:
    assert "*Objection*" in said(known())


def test_while_a_model_looks_the_card_says_so() -> None:
    assert "A model is looking too" in said(known(is_explained=False))
    assert "A model is looking too" not in said(known())


def test_over_it_needs_no_advice() -> None:
    text = said(known(phase=Phase.RESOLVED, resolved_at=START))
    assert "*What I think*" in text
    assert "Last time" not in text
    assert "Runbook" not in text
    assert "It would choose" not in text
