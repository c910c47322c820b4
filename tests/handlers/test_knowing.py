"""Below the buttons: opinion, last time, runbook; calm, escaped, gone when it is over."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.lore import Diagnosis, Feedback, Hypothesis, Knowledge, PastCase, RunbookRef
from bot.model import Fact, Incident, Phase
from bot.runbooks.page import parse
from handlers.blocks.card import card
from handlers.blocks.knowing import ROOM, SECTIONS, below
from handlers.workspace.limits import (
    MESSAGE_BLOCK_CHARACTERS,
    UPDATE_CHARACTERS,
    check_message,
)
from handlers.workspace.message import texts
from remediation.ledger.proposal import State
from remediation.rules.rule import Voter
from tests.fakes.clock import START
from tests.fakes.things import finding, incident, proposal, terminate

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
    warned = replace(KNOWN, past=(replace(PAST, warns=True),))
    assert "But once, similar incident 7" in said(known(knowledge=warned))


def test_a_step_is_one_line_and_its_code_is_code() -> None:
    assert "2. `top` -b" in said(known())


def test_the_commands_of_our_own_runbook_can_be_copied() -> None:
    path = Path(__file__).parents[2] / "runbooks" / "runaway_process.md"
    page = parse(path.read_bytes(), path=path, shown=path.name).page
    assert page is not None
    ref = RunbookRef(name=page.name, title=page.title, steps=page.steps, why="")
    text = said(known(knowledge=replace(KNOWN, runbooks=(ref,))))
    assert (
        "2. Read the last lines of its log: `journalctl _PID=PID -n 50 --no-pager`."
        in text
    )
    assert "approve Terminate: SIGTERM" in text


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


# --- everything at its longest --------------------------------------------------------

LONG = "&" * 4000
"""Escaped, each character becomes five."""
LONGEST = Knowledge(
    past=(replace(PAST, cause=LONG, action=LONG, outcome=LONG),) * 9,
    track=LONG,
    runbooks=(RunbookRef(name=LONG, title=LONG, steps=(LONG,) * 90, why=LONG),) * 9,
    missing=LONG,
)
SAID = Diagnosis(
    summary=LONG,
    hypotheses=(Hypothesis(cause=LONG, evidence=(LONG,) * 9),) * 9,
    confidence=0.8,
    author=LONG,
    settle=LONG,
    preferred=LONG,
    missing=LONG,
)
MANY = tuple(f"U0{n:09d}" for n in range(500))
ENDED = {
    "phase": Phase.RESOLVED,
    "resolved_at": START,
    "resolution": LONG,
    "feedback": Feedback(by=MANY[0], cause=LONG[:300], is_right=False, helped=True),
}


def longest(**changes: object) -> Incident:
    found = finding(summary=LONG, facts=(Fact(label=LONG, value=LONG),) * 12)
    return known(
        title=LONG,
        host="h" * 63,
        findings=(found,) * 5,
        diagnosis=SAID,
        knowledge=LONGEST,
        objections=(LONG,) * 50,
        **changes,
    )


@pytest.mark.parametrize("changes", [{}, ENDED], ids=["open", "over"])
@pytest.mark.parametrize("state", [State.PENDING, State.REJECTED, None], ids=str)
def test_at_its_longest_a_card_fits_slack_and_keeps_facts_and_buttons(
    changes: dict[str, object], state: State | None
) -> None:
    wordy = terminate(label=LONG)
    decided = (
        [proposal(state, wordy, note=LONG, votes=tuple(Voter(id=one) for one in MANY))]
        if state
        else []
    )
    drawn = card(longest(**changes), decided, mentions=MANY)
    check_message(drawn.text, list(drawn.blocks))
    assert len(drawn.text) <= UPDATE_CHARACTERS
    kinds = [block["type"] for block in drawn.blocks]
    assert kinds.count("actions") == 1
    (fields,) = [b["fields"] for b in drawn.blocks if "fields" in b]
    assert isinstance(fields, list)
    # Nobody owns what ended unowned, so it says nothing of an owner.
    assert len(fields) >= (8 if changes else 9)


def test_what_stands_above_the_buttons_does_not_hang_on_what_stands_below() -> None:
    bare = replace(longest(), diagnosis=None, knowledge=None, objections=())
    above, full = card(bare, []).blocks, card(longest(), []).blocks
    assert full[: len(above) - 1] == above[:-1]


def test_below_the_buttons_the_first_texts_get_the_room() -> None:
    drawn = texts(below(longest()))
    assert sum(map(len, drawn)) <= ROOM
    assert len(drawn) <= SECTIONS
    assert drawn[0].startswith("*What I think*")
    assert drawn[0].endswith(" left out)")


@pytest.mark.parametrize("room", [-1, 0, 50, 99, 100, 3000])
def test_without_room_the_texts_are_cut_or_left_out(room: int) -> None:
    drawn = texts(below(longest(), room))
    assert sum(map(len, drawn)) <= max(room, 0)


def test_beside_other_blocks_a_card_leaves_their_room() -> None:
    drawn = card(longest(), [], mentions=MANY, beside=1000)
    counted = sum(map(len, texts(list(drawn.blocks))))
    assert counted <= MESSAGE_BLOCK_CHARACTERS - 1000
