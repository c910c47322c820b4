"""The document of an incident says what the ledger recorded, and nothing else."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.learning.postmortem import ADDED, Material, postmortem
from bot.lore import Diagnosis, Feedback, Hypothesis, Knowledge, PastCase, RunbookRef
from bot.model import EvidenceItem, Incident, Level, Phase, Table, Verification
from bot.ports import DiagnosisUnavailable
from remediation.ledger.audit import Event, Sealed, read
from remediation.ledger.proposal import Proposal, State
from remediation.outcome import Outcome, Result, Seen, Step
from remediation.rules.rule import Voter
from remediation.verify import Verdict
from tests.fakes.clock import START
from tests.fakes.story import Story
from tests.fakes.things import culprit, finding, incident, terminate

EVIL = (
    "<!channel> @here [x](http://evil.example) <img src=x onerror=a()> | `a` **b**\n"
    "## Timeline\n\u202e\x1b[2J\0"
)


def story_of(story: Story) -> Material:
    """An incident that was opened, approved, carried out, measured and resolved."""
    story.opens()
    story.clock.go(10)
    story.acted()
    story.clock.go(5)
    story.sees(story.well(at=story.clock.wall))
    story.clock.go(60)
    story.sees(story.well(at=story.clock.wall))
    with story.database.read() as tx:
        events = read(tx, incident=1)
    return Material(
        incident=story.incident(),
        events=events,
        proposals=story.proposals(),
        charts=("cpu-1.png",),
        names={"U07ALICE001": "Alice"},
    )


def sections(document: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", document, flags=re.MULTILINE)
    return {
        heading: text.strip()
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def hostile() -> Material:
    table = Table(columns=(EVIL, "b"), rows=((EVIL, EVIL),))
    made = incident(
        title=EVIL,
        host=EVIL,
        findings=(finding(summary=EVIL, label=EVIL, detector=EVIL, subject=EVIL),),
        resolution=EVIL,
        resolved_at=START + timedelta(minutes=3),
        culprit=culprit(),
        evidence=(
            EvidenceItem(id=EVIL, title=EVIL, text=EVIL),
            EvidenceItem(id="E2", title=EVIL, table=table),
        ),
        diagnosis=Diagnosis(
            summary=EVIL,
            hypotheses=(Hypothesis(cause=EVIL, evidence=(EVIL,)),),
            confidence=0.5,
            author=EVIL,
            settle=EVIL,
        ),
        feedback=Feedback(by=EVIL, cause=EVIL, helped=True),
        objections=(EVIL,),
        knowledge=Knowledge(past=(past(EVIL),), runbooks=(runbook(EVIL),)),
    )
    event = Event(kind="action.done", text=EVIL, at=START, incident=12, actor=EVIL)
    return Material(
        incident=made,
        events=[Sealed(seq=7, event=event, hash="0" * 64)],
        proposals=[proposal(note=EVIL, label=EVIL)],
        charts=(EVIL,),
        names={EVIL: EVIL},
    )


def past(text: str) -> PastCase:
    return PastCase(
        incident=3,
        closed_at=START,
        symptoms=text,
        cause=text,
        action=text,
        outcome=text,
        seen=1,
        tried=1,
        worked=1,
    )


def runbook(title: str) -> RunbookRef:
    return RunbookRef(name="x", title=title, steps=(), why="it is for cpu")


def proposal(*, note: str = "", label: str = "burn.py") -> Proposal:
    from remediation.moment import Moment

    return Proposal(
        id="web-1~abc123~0123456789abcdef",
        incident=12,
        letter="a",
        action=terminate(label=label),
        digest="cafe" * 16,
        rule="default",
        needed=1,
        requested_by="U07BOB00002",
        created_at=START,
        expires=Moment(wall=START, boot=1.0, boot_id="x"),
        state=State.DONE,
        votes=(Voter(id="U07ALICE001"),),
        decided_by="U07ALICE001",
        decided_at=START + timedelta(seconds=10),
        note=note,
        outcome=Outcome(
            result=Result.DONE,
            seen=Seen.EXITED,
            summary=f"It ended. {note}",
            steps=(Step(at=START, text=f"SIGTERM {note}"),),
        ),
    )


# --- what it says --------------------------------------------------------------------


def test_a_whole_story_becomes_a_document(story: Story) -> None:
    material = story_of(story)
    found = sections(postmortem(material))
    assert list(found) == [
        "Summary", "Impact", "Timeline", "Cause", "Evidence",
        "What was done, and did it help", "Who decided", "Charts", "Follow-ups",
    ]  # fmt: skip
    assert "CPU of web\\-1 is" in found["Summary"]
    assert "* duration: 1 min" in found["Impact"]
    assert "Recovered: CPU 98 % → 5 %" in found["What was done, and did it help"]
    assert "Alice (`U07ALICE001`)" in found["Who decided"]
    assert "`cpu-1.png`" in found["Charts"]
    assert "rules" in found["Cause"] or "fake" in found["Cause"]
    assert "* [ ] Confirm or correct the cause." in found["Follow-ups"]


def test_the_timeline_is_the_ledger_in_its_order(story: Story) -> None:
    material = story_of(story)
    rows = [
        line.split(" | ")
        for line in sections(postmortem(material))["Timeline"].splitlines()[2:]
    ]
    told = [s for s in material.events if s.event.kind != "chart.due"]
    assert [row[0] for row in rows] == [f"| {s.seq}" for s in told]
    assert [row[1] for row in rows] == [f"{s.event.at:%Y-%m-%d %H:%M:%S}" for s in told]
    assert any("Alice" in row[3] for row in rows)


def test_the_same_record_gives_the_same_bytes(story: Story) -> None:
    material = story_of(story)
    assert postmortem(material) == postmortem(material)


def test_a_correction_stands_before_the_opinion() -> None:
    opinion = Diagnosis(summary="A loop", hypotheses=(), confidence=0.8, author="rules")
    material = Material(
        incident=incident(
            diagnosis=opinion,
            feedback=Feedback(by="U07ALICE001", cause="A bad deploy"),
        ),
        events=(),
        proposals=(),
    )
    found = sections(postmortem(material))
    assert found["Cause"].startswith(
        "**A bad deploy** (corrected by `U07ALICE001`)\n\nOpinion: A loop "
        "(`rules`, confidence 80%)"
    )
    assert "Confirm or correct" not in found["Follow-ups"]


@pytest.mark.parametrize(
    ("is_right", "words", "asks"),
    [
        (True, "`U07ALICE001` confirmed the opinion below.", False),
        (False, "`U07ALICE001` called the opinion wrong below.", True),
        (None, "Opinion: A loop", True),
    ],
)
def test_what_people_said_of_the_opinion_is_told(
    words: str, *, is_right: bool | None, asks: bool
) -> None:
    opinion = Diagnosis(
        summary="A loop", hypotheses=(), confidence=0.8, author="rules", settle="A dump"
    )
    said = Feedback(by="U07ALICE001", is_right=is_right, helped=False)
    made = incident(diagnosis=opinion, feedback=said)
    found = sections(postmortem(Material(incident=made, events=(), proposals=())))
    assert found["Cause"].startswith(words)
    assert found["Cause"].endswith("What would settle it: A dump")
    assert ("Confirm or correct" in found["Follow-ups"]) is asks
    assert "says that it did not help." in found["What was done, and did it help"]


def test_what_was_known_before_is_told() -> None:
    knowledge = Knowledge(past=(past("CPU 99 %"),), runbooks=(runbook("Busy"),))
    made = incident(knowledge=knowledge, objections=("It is Friday.",))
    material = Material(incident=made, events=(), proposals=(proposal(),))
    found = sections(postmortem(material))
    assert "* incident 3, 2026-03-01 03:00:00: CPU 99 % CPU 99 %: " in found["Evidence"]
    assert "Did the runbook *Busy* help?" in found["Follow-ups"]
    assert found["Who decided"].endswith("policy:\n\n* It is Friday.")


def test_an_open_incident_says_that_it_is_open() -> None:
    material = Material(incident=incident(flapping=True), events=(), proposals=())
    found = sections(postmortem(material))
    assert "not resolved yet" in found["Summary"]
    assert "* until: open" in found["Impact"]
    assert found["Cause"] == "Nobody has said what the cause was."
    assert found["Evidence"] == "None was read."
    assert found["What was done, and did it help"] == "Nothing was carried out."
    assert found["Who decided"] == "No action was proposed."
    assert found["Charts"] == "None."
    assert "flaps" in found["Follow-ups"]


def test_missing_data_is_said_not_made_up() -> None:
    lost = finding(value=None, level=Level.UNKNOWN)
    material = Material(incident=incident(findings=(lost,)), events=(), proposals=())
    assert "no data" in sections(postmortem(material))["Impact"]


def test_rejections_and_requests_are_named() -> None:
    rejected = replace(
        proposal(note="it is the backup"), state=State.REJECTED, votes=(), outcome=None
    )
    found = sections(
        postmortem(Material(incident=incident(), events=(), proposals=(rejected,)))
    )
    row = found["Who decided"].splitlines()[-1]
    assert "| rejected | `U07BOB00002` | nobody | `U07ALICE001` at " in row
    assert row.endswith("| it is the backup |")
    assert "without an approved action" in found["Follow-ups"]


def test_a_measurement_without_an_end_has_no_time() -> None:
    checked = Verification(
        proposal="x", verdict=Verdict.UNCHANGED, figures="CPU 98 % → 97 %", took=None
    )
    material = Material(
        incident=incident(verification=checked), events=(), proposals=(proposal(),)
    )
    done = sections(postmortem(material))["What was done, and did it help"]
    assert "Measured afterwards: Unchanged: CPU 98 % → 97 %." in done
    assert r"**12a** Terminate burn\[.\]py" in done
    assert "SIGTERM" in done


def test_a_very_long_history_is_cut_and_counted() -> None:
    events = [
        Sealed(seq=n, event=Event(kind="x.y", text="t", at=START), hash="")
        for n in range(1, 512)
    ]
    material = Material(incident=incident(), events=events, proposals=())
    assert "11 more events are in the ledger." in postmortem(material)


# --- what it cannot be made to say ---------------------------------------------------


def test_untrusted_text_does_nothing_in_the_document() -> None:
    document = postmortem(hostile())
    assert len(sections(document)) == 9
    outside = re.sub(r"`[^`\n]*`", "", document)
    assert not re.search(r"://|@\w|(?<!\\)<|(?<!\\)\]\(|\x1b|\u202e|\0", outside)
    for line in document.splitlines():
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line))
            assert cells in (3, 5, 7, 8)


# --- a model's words -----------------------------------------------------------------


def test_a_models_words_are_added_marked_and_nothing_else_changes() -> None:
    material = hostile()
    plain, asked = postmortem(material), list[str]()

    def improve(number: int, document: str) -> str:
        assert number == material.incident.number
        asked.append(document)
        return "## Summary\n\nIt was a loop.\n\n## Follow-ups\n\n* Fix it.\n* Test it."

    better = postmortem(material, improve)
    before, after = sections(plain), sections(better)
    assert asked == [plain]
    assert after["Summary"] == before["Summary"] + (
        f"\n\n> {ADDED}\n>\n> It was a loop."
    )
    assert after["Follow-ups"].endswith("> Fix it.\n>\n> Test it.")
    untouched = [h for h in before if h not in ("Summary", "Follow-ups")]
    assert [after[h] for h in untouched] == [before[h] for h in untouched]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "## Timeline\n\nNobody approved it.",
        "# Incident 12\nAll good.",
        "garbage " * 1_000_000,
        "## Summary\n\n\n## Impact\nnone",
    ],
)
def test_what_belongs_elsewhere_is_dropped(answer: str) -> None:
    assert postmortem(hostile(), lambda *_: answer) == postmortem(hostile())


def test_without_an_answer_the_document_is_as_drafted() -> None:
    def improve(*_: object) -> str:
        raise DiagnosisUnavailable("the budget is used up")

    assert postmortem(hostile(), improve) == postmortem(hostile())


@given(st.text(max_size=300))
def test_no_answer_changes_a_fact(words: str) -> None:
    material = hostile()
    answer = f"## Summary\n{words}\n## Follow-ups\n{words}"
    before = postmortem(material)
    after = postmortem(material, lambda *_: answer)
    kept = re.sub(rf"\n\n> {re.escape(ADDED)}\n>(?:\n>.*)+", "", after)
    assert kept == before


def test_a_flood_of_model_words_is_cut() -> None:
    answer = "## Summary\n" + "word\n" * 10_000
    added = len(postmortem(hostile(), lambda *_: answer)) - len(postmortem(hostile()))
    assert added < 1000


def test_resolved_phase_needs_no_special_case() -> None:
    done: Incident = incident(
        phase=Phase.RESOLVED, resolved_at=START + timedelta(hours=2), resolution="x"
    )
    found = sections(postmortem(Material(incident=done, events=(), proposals=())))
    assert "It ended after 2 h: x." in found["Summary"]
