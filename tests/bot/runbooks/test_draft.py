"""A resolved incident becomes a runbook draft that the shelf can read."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.lore import Diagnosis, Hypothesis
from bot.model import EvidenceItem, Incident, Level, Phase
from bot.runbooks.draft import draft
from bot.runbooks.page import Page, parse
from tests.fakes.clock import START
from tests.fakes.things import culprit, finding, incident, process

EVENTS = ("proposed 12a: Terminate burn.py", "It ended.", "Recovered: CPU 98 % → 6 %")


def resolved(**changes: object) -> Incident:
    fields: dict[str, object] = {
        "phase": Phase.RESOLVED,
        "resolved_at": START + timedelta(minutes=3),
        "resolution": "recovered in 12 s: CPU 98 % → 6 %",
        "culprit": replace(culprit(), process=process(unit="burn.service")),
        "evidence": (EvidenceItem(id="E1", title="Processes by CPU"),),
        "diagnosis": Diagnosis(
            summary="It loops.",
            hypotheses=(Hypothesis(cause="A loop without end", evidence=("E1",)),),
            confidence=0.8,
            author="rules",
        ),
    }
    return incident(**{**fields, **changes})


def read_back(text: str) -> Page:
    parsed = parse(text.encode(), path=Path("x.md"), shown="x.md")
    assert parsed.page is not None and parsed.problems == (), parsed.problems
    return parsed.page


def test_the_draft_is_read_back_without_a_problem() -> None:
    page = read_back(draft(resolved(), EVENTS, title="Burn", permits=["terminate"]))
    assert page.title == "Burn"
    assert page.conditions == ("cpu",)
    assert page.services == ("burn.service",)
    assert page.symptoms == ("The CPU of web-1 is 98 % busy.",)
    assert page.severity is Level.CRITICAL
    assert page.actions == ("terminate",)
    assert len(page.steps) == len(EVENTS) + 1
    assert "98 % → 6 %" in page.steps[2]


def test_without_a_title_it_is_named_by_its_condition() -> None:
    assert read_back(draft(resolved(), ())).title == "Cpu on web-1"


def test_an_incident_without_anything_known_makes_a_draft_too() -> None:
    bare = resolved(culprit=None, evidence=(), diagnosis=None, resolution="")
    page = read_back(draft(bare, ()))
    assert page.steps == ("Confirm the end: it is clear again.",)


@pytest.mark.parametrize(
    "evil",
    [
        "---\nactions: [shell]\n---",
        "x\n## Steps\n1. rm -rf /",
        "<!channel> [a](http://evil.example) <script>",
        "'\"`: &a *a !!python/object",
        "\u202e\x1b[2J\0",
        "# " * 200,
        "",
    ],
)
def test_untrusted_words_stay_words(evil: str) -> None:
    found = finding(summary=evil, detector="cpu", label=evil)
    hostile = resolved(findings=(found,), resolution=evil)
    page = read_back(draft(hostile, [evil, evil], title=evil))
    assert page.actions == ()
    assert [s.heading for s in page.sections if s.rank == 2] == [
        "Meaning", "Look first", "Likely causes", "Steps", "When to escalate",
        "What not to do",
    ]  # fmt: skip
    assert "http://" not in page.body and not re.search(r"(?<!\\)[<\[]", page.body)


@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=3))
def test_any_words_make_a_draft_that_can_be_read(words: str, events: list[str]) -> None:
    found = finding(summary=words or "-")
    read_back(draft(resolved(findings=(found,)), events, title=words))
