"""What comes after an incident, as Slack takes it: the row, dialogs, costs, runbooks."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.learning.drafts import BODY_CHARACTERS, Draft
from bot.llm.costs import Total
from bot.llm.spending import IncidentCost, Spending
from bot.lore import Diagnosis, Feedback
from bot.model import Incident, Phase, Verification
from bot.runbooks.matching import Match
from bot.runbooks.page import Page
from bot.runtime.tracing import Step
from handlers.blocks import dialogs, runbook
from handlers.blocks.buttons import feedback_row
from handlers.blocks.card import card
from handlers.blocks.cost import cost
from handlers.blocks.judged import judged
from handlers.blocks.markup import Message
from handlers.blocks.trace import trace
from handlers.workspace.limits import check_message, check_view
from handlers.workspace.message import texts
from remediation.verify import Verdict
from tests.fakes.clock import START
from tests.fakes.things import incident

EVIL = "<!channel> *x* http://evil.example/ <@U1> ``` & " + "y" * 300
OPINION = Diagnosis(summary=EVIL, hypotheses=(), confidence=0.5, author="rules")
HELPED = Verification(
    proposal="p", verdict=Verdict.RECOVERED, figures="98 → 6", took=None
)
SPENT = Total(
    calls=3,
    tokens_in=9000,
    tokens_out=400,
    tokens_thinking=100,
    dollars=0.0123,
    seconds=21.4,
)


def closed(**changes: object) -> Incident:
    fields: dict[str, object] = {
        "phase": Phase.RESOLVED,
        "resolved_at": START,
        "resolution": "recovered",
        "diagnosis": OPINION,
    }
    return incident(**{**fields, **changes})


def labels(drawn: Mapping[str, object] | None) -> list[str]:
    assert drawn is not None
    elements = drawn["elements"]
    assert isinstance(elements, list)
    return [element["text"]["text"] for element in elements]


def is_taken(*blocks: dict[str, object]) -> str:
    check_message("text", list(blocks))
    shown = texts(list(blocks))
    for text in shown:
        assert "<!channel>" not in text
        assert "<@U1>" not in text
        assert "http://" not in text
    return "\n".join(shown)


# --- the row ---------------------------------------------------------------------------


def test_an_open_card_asks_for_no_feedback() -> None:
    assert feedback_row(incident(diagnosis=OPINION)) is None


def test_a_closed_card_asks_for_the_cause_and_the_help() -> None:
    assert labels(feedback_row(closed(verification=HELPED))) == [
        "Right cause",
        "Wrong cause",
        "It helped",
        "It did not help",
        "Save as runbook draft",
    ]


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({}, ["Right cause", "Wrong cause"]),
        ({"diagnosis": None}, ["Say the cause"]),
        ({"resolution": "false alarm"}, []),
    ],
)
def test_only_what_applies_is_asked(
    changes: dict[str, object], asked: list[str]
) -> None:
    row = feedback_row(closed(**changes))
    assert labels(row) == [*asked, "Save as runbook draft"]


def test_what_was_said_carries_a_tick() -> None:
    said = Feedback(by="U1", is_right=False, cause="x", helped=True)
    row = feedback_row(closed(verification=HELPED, feedback=said))
    assert [label for label in labels(row) if label.startswith("✓")] == [
        "✓ Wrong cause",
        "✓ It helped",
    ]


def test_the_row_fits_the_card() -> None:
    ended = closed(verification=HELPED, feedback=Feedback(by="U2", is_right=True))
    row = feedback_row(ended)
    assert row is not None
    is_taken(*card(ended, []).blocks)


# --- what was said -----------------------------------------------------------------------


def test_what_was_said_stands_on_the_card() -> None:
    assert judged(closed()) is None
    said = Feedback(by="U07ALICE001", cause=EVIL, is_right=False, helped=False)
    drawn = judged(closed(feedback=said))
    assert drawn is not None
    shown = is_taken(drawn)
    assert shown.startswith("*Cause, as corrected*: &lt;!channel&gt;")
    assert shown.endswith("The action *did not help* (<@U07ALICE001>)")


@pytest.mark.parametrize(("is_right", "word"), [(True, "right"), (False, "wrong")])
def test_a_judgement_of_the_cause_is_told(*, is_right: bool, word: str) -> None:
    drawn = judged(closed(feedback=Feedback(by="U2", is_right=is_right)))
    assert drawn is not None
    assert is_taken(drawn) == f"The cause is *{word}* (<@U2>)"


# --- dialogs -----------------------------------------------------------------------------


@pytest.mark.parametrize("opinion", [OPINION, None])
def test_the_cause_dialog_is_taken(opinion: Diagnosis | None) -> None:
    for number in (1, 999_999_999):
        check_view(dialogs.correct_cause(closed(number=number, diagnosis=opinion)))


def test_the_draft_dialog_is_taken() -> None:
    for body in ("", "b" * BODY_CHARACTERS):
        draft = Draft(incident=12, title="t" * 150, body=body)
        check_view(dialogs.save_draft(draft))


def test_a_word_in_the_dialogs_place_is_taken() -> None:
    check_view(dialogs.told("Saved", EVIL * 20))


# --- costs -------------------------------------------------------------------------------


def spending(**changes: object) -> Spending:
    fields: dict[str, object] = {
        "model": "gemini-3.8-flash",
        "per_day": 5.0,
        "today": SPENT,
        "month": SPENT,
        "models": {"gemini-3.8-flash": SPENT},
        "incidents": (IncidentCost(number=12, models=("a", "b"), total=SPENT),),
    }
    return Spending(**{**fields, **changes})  # type: ignore[arg-type]


def test_costs_are_told_with_calls_tokens_and_seconds() -> None:
    shown = is_taken(*cost(spending()).blocks)
    assert "*Today* $0.0123 of at most $5.00 · 3 calls · 9,500 tokens · 21 s" in shown
    assert "*12* $0.0123 · 3 calls · 9,500 tokens · 21 s · a, b" in shown


def test_an_assumed_price_is_marked() -> None:
    guess = Total(calls=1, dollars=2.5, all_known=False)
    shown = is_taken(*cost(spending(today=guess, month=guess)).blocks)
    assert "*Today* ~$2.50 of at most $5.00 · 1 call" in shown
    assert "assumed on the high side" in shown


def test_without_a_model_what_was_spent_before_is_still_told() -> None:
    nothing = spending(model="", today=Total(), month=Total(), models={}, incidents=())
    assert len(cost(nothing).blocks) == 1
    shown = is_taken(*cost(spending(model="")).blocks)
    assert "No language model is configured" in shown
    assert "*This month* $0.0123" in shown


def test_many_models_with_odd_names_are_taken() -> None:
    odd = {f"{EVIL[:60]}{n}": SPENT for n in range(40)}
    items = tuple(
        IncidentCost(number=n, models=tuple(odd)[:1], total=SPENT) for n in range(10)
    )
    message = cost(spending(model=EVIL[:90], models=odd, incidents=items))
    is_taken(*message.blocks)
    assert "<!channel>" not in message.text


# --- steps -------------------------------------------------------------------------------


def test_no_step_is_no_block() -> None:
    assert trace(()) == []


def test_steps_are_a_table_of_the_latest() -> None:
    steps = [Step(name=EVIL[:70], at=START, seconds=1.0, tokens=n) for n in range(50)]
    shown = "\n".join(texts(trace(steps)))
    check_message("x", trace(steps))
    assert "the last 30, 20 before them" in shown
    assert "03:00:00" in shown
    assert shown.rstrip().endswith("49")


def test_the_table_lies_inside_its_frame_of_fixed_width() -> None:
    (_, table) = trace([Step(name=EVIL[:60], at=START, seconds=1, tokens=1)])
    assert table["type"] == "rich_text"


# --- runbooks ------------------------------------------------------------------------------


def evil_page(**changes: object) -> Page:
    fields: dict[str, object] = {
        "path": Path("x.md"),
        "name": EVIL[:90],
        "title": EVIL[:150],
        "steps": (EVIL,) * 30,
        "body": EVIL * 30,
    }
    return Page(**{**fields, **changes})  # type: ignore[arg-type]


def shown(message: Message) -> str:
    return is_taken(*message.blocks, *is_text(message.text))


def is_text(text: str) -> list[dict[str, object]]:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return [block]


@pytest.mark.parametrize("others", [0, 5])
def test_a_hostile_runbook_is_only_text(others: int) -> None:
    match = Match(page=evil_page(), why=EVIL)
    assert "1. " in shown(runbook.page(match, [evil_page()] * others))


def test_a_runbook_without_steps_shows_its_text() -> None:
    match = Match(page=evil_page(steps=(), body="Call Bob."), why="named so")
    assert "Call Bob." in shown(runbook.page(match, []))
    empty = Match(page=evil_page(steps=(), body=""), why="named so")
    assert "It says nothing." in shown(runbook.page(empty, []))


def test_a_full_shelf_is_taken() -> None:
    drawn = runbook.titles([evil_page()] * 200, "/sre")
    assert "140 more" in shown(drawn)
    assert drawn.text == "200 runbooks"
