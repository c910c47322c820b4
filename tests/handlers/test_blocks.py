"""Cards, lines, answers and dialogs: right in every state, and taken by Slack."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from slack_sdk.models.blocks import Block

from bot.actions.simulate import Simulation
from bot.lore import Diagnosis, Hypothesis
from bot.model import (
    Check,
    EvidenceItem,
    Fact,
    Incident,
    Level,
    NoAction,
    Phase,
    Table,
    Verification,
)
from bot.status import Board, HostHealth, OpenIncident
from bot.storage.lead import Leader, Standing
from bot.storage.quiet import Quiet
from handlers.blocks import answers, dialogs, thread
from handlers.blocks.buttons import menu
from handlers.blocks.card import card, card_id, card_in, numbered
from handlers.blocks.home import home, refused
from handlers.blocks.markup import Message
from handlers.verbs import VERBS
from handlers.workspace.limits import check_message, check_view
from handlers.workspace.message import texts
from remediation.action import LowerPriority, Pause
from remediation.ledger.audit import Event, Head, Sealed
from remediation.ledger.lock import Locked
from remediation.ledger.proposal import State
from remediation.moment import Moment
from remediation.rules.rule import Voter
from remediation.verify import Verdict
from tests.fakes.clock import START
from tests.fakes.things import (
    APPROVER,
    culprit,
    finding,
    identity,
    incident,
    proposal,
    terminate,
)
from tests.fakes.weeks import whole

EVIL = "<!channel> *x* http://evil.example/ <@U1> " + "y" * 300
ALICE = APPROVER
LOWER = LowerPriority(host="web-1", process=identity(), label="burn", nice=10)
PAUSE = Pause(
    host="web-1", process=identity(), label="burn", duration=timedelta(minutes=1)
)


def evil_incident() -> Incident:
    bad = finding(
        summary=EVIL,
        label=EVIL,
        facts=tuple(Fact(label=f"f{n}", value=EVIL) for n in range(12)),
    )
    hypothesis = Hypothesis(cause=EVIL, evidence=("E1", "E2"))
    return incident(
        title=EVIL,
        findings=(bad, bad, bad, bad),
        culprit=culprit(),
        diagnosis=Diagnosis(
            summary=EVIL, hypotheses=(hypothesis,), confidence=0.8, author="rules"
        ),
        no_action=NoAction(rule="r", reason=EVIL, by_hand=EVIL),
        resolution=EVIL,
        evidence=(
            EvidenceItem(id="E1", title="t" * 200, text=EVIL),
            EvidenceItem(
                id="E2",
                title="table",
                table=Table(columns=("a", "b"), rows=(("1", "2" * 5000),) * 20),
            ),
        ),
    )


def kinds(message: Message) -> list[str]:
    return [str(block["type"]) for block in message.blocks]


def said(message: Message) -> str:
    return "\n".join(texts(list(message.blocks)))


def labels(message: Message) -> list[str]:
    rows = [b["elements"] for b in message.blocks if b["type"] == "actions"]
    elements: list[Mapping[str, object]] = [e for row in rows for e in row]  # type: ignore[attr-defined]
    return [
        str(e["text"]["text"])  # type: ignore[index]
        for e in elements
        if e["type"] == "button"
    ]


def is_taken(message: Message) -> None:
    check_message(message.text, list(message.blocks))
    assert all(Block.parse(dict(block)) is not None for block in message.blocks)


# --- the card ------------------------------------------------------------------------

MOMENT = Moment(wall=START, boot=100.0, boot_id="b")
CHECK = Check(proposal="p", acted=MOMENT, window=timedelta(0), before=(finding(),))
VERIFIED = Verification(
    proposal="p", verdict=Verdict.UNCHANGED, figures="CPU 98 % → 97 %", took=None
)
SHAPES: Mapping[str, Mapping[str, object]] = {
    "open": {},
    "owned": {"owner": ALICE},
    "muted": {"muted_until": START},
    "flapping": {"flapping": True},
    "escalated": {"phase": Phase.ESCALATED},
    "checking": {"check": CHECK},
    "verified": {"verification": VERIFIED},
    "no data": {"level": Level.UNKNOWN},
    "resolved": {"phase": Phase.RESOLVED, "resolved_at": START, "resolution": "x"},
    "resolved and verified": {"phase": Phase.RESOLVED, "verification": VERIFIED},
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("state", [*State, None], ids=str)
def test_every_card_is_taken_by_slack(shape: str, state: State | None) -> None:
    for action in (terminate(), LOWER, PAUSE):
        shown = [proposal(state, action)] if state else []
        offered = shown[0].id if shown else None
        for base in (incident(), evil_incident()):
            drawn = replace(base, **SHAPES[shape], offered=offered)  # type: ignore[arg-type]
            is_taken(card(drawn, shown, mentions=(ALICE, "S07SRETEAM1")))


@pytest.mark.parametrize("state", [*State, None], ids=str)
def test_nothing_from_outside_is_alive_on_a_card(state: State | None) -> None:
    shown = [proposal(state, note=EVIL)] if state else []
    drawn = card(evil_incident(), shown)
    marked_up = [
        text
        for block in drawn.blocks
        if block["type"] != "header"
        for text in texts([block])
    ]
    for text in [*marked_up, drawn.text]:
        assert "<!channel>" not in text
        assert "<@U1>" not in text
        assert "http://" not in text


def test_buttons_stand_before_the_opinion() -> None:
    opinion = Diagnosis(summary="s", hypotheses=(), confidence=0.8, author="rules")
    drawn = card(incident(diagnosis=opinion), [proposal()])
    assert kinds(drawn) == [
        "header",
        "section",
        "section",
        "section",
        "actions",
        "section",
        "context",
    ]
    assert "What I think" in texts([drawn.blocks[5]])[0]


def test_an_opinion_that_comes_later_moves_no_button() -> None:
    opinion = Diagnosis(summary="s", hypotheses=(), confidence=0.8, author="rules")
    before = card(incident(), [proposal()]).blocks
    after = card(incident(diagnosis=opinion), [proposal()]).blocks
    assert before[:5] == after[:5]


def test_a_pending_card_offers_to_decide() -> None:
    drawn = card(incident(), [proposal()])
    assert labels(drawn) == ["Approve", "Reject", "Simulate", "Take"]
    assert "Terminate python3.11 burn.py (pid 4242) on web-1" in said(drawn)
    assert "12a" in said(drawn)


def test_what_cannot_be_undone_asks_again() -> None:
    row = next(b for b in card(incident(), [proposal()]).blocks if "elements" in b)
    approve = row["elements"][0]  # type: ignore[index]
    assert approve["style"] == "danger"
    assert "cannot be undone" in str(approve["confirm"])


def test_what_can_be_undone_is_green() -> None:
    drawn = card(incident(), [proposal(action=PAUSE)])
    row = next(b for b in drawn.blocks if "elements" in b)
    approve = row["elements"][0]  # type: ignore[index]
    assert (approve["style"], "confirm" in approve) == ("primary", False)


def test_an_owned_card_is_not_offered_to_be_taken() -> None:
    drawn = card(incident(owner=ALICE), [proposal()])
    assert "Take" not in labels(drawn)
    assert f"<@{ALICE}>" in said(drawn)


@pytest.mark.parametrize("state", [State.APPROVED, State.EXECUTING])
def test_what_is_under_way_has_no_button(state: State) -> None:
    drawn = card(incident(), [proposal(state)])
    assert labels(drawn) == []
    assert f"*Approved* by <@{ALICE}> · executing" in said(drawn)


def test_while_it_is_measured_a_pause_can_be_undone() -> None:
    drawn = card(incident(check=CHECK), [proposal(State.DONE, PAUSE)])
    assert labels(drawn) == ["Undo"]
    assert labels(card(incident(check=CHECK), [proposal(State.DONE)])) == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.REJECTED, f"*Rejected* by <@{ALICE}>: no, thanks"),
        (State.EXPIRED, "*Expired, not rejected*"),
        (State.FAILED, "It ended."),
    ],
)
def test_what_was_decided_is_told_and_can_be_proposed_again(
    state: State, words: str
) -> None:
    drawn = card(incident(), [proposal(state, note="no, thanks")])
    assert words in said(drawn)
    assert labels(drawn) == ["Propose again", "Take"]


def test_without_an_action_the_rule_is_told() -> None:
    none = NoAction(rule="protected.sshd", reason="the way in", by_hand="kill 7")
    drawn = card(incident(no_action=none), [])
    assert "*No action offered*: the way in (rule protected.sshd)" in said(drawn)
    assert "You can run: kill 7" in said(drawn)
    assert labels(drawn) == ["Take"]


def test_what_the_policy_refuses_now_can_be_asked_for_again() -> None:
    none = NoAction(rule="policy.rules.friday", reason="no restarts on Fridays")
    assert labels(card(incident(no_action=none), [])) == ["Propose again", "Take"]


def test_a_refusal_after_an_earlier_action_is_told_beside_it() -> None:
    none = NoAction(rule="policy.rules.friday", reason="no restarts on Fridays")
    drawn = card(incident(no_action=none), [proposal(State.DONE)])
    assert "*No action offered*: no restarts on Fridays (rule policy" in said(drawn)
    assert "*Approved* by" in said(drawn)


def test_a_card_names_the_policy_it_was_proposed_under() -> None:
    drawn = card(incident(), [proposal(policy="0123456789abcdef")])
    assert "policy 01234567" in said(drawn)
    assert "policy" not in said(card(incident(), [proposal(rule="x")])).split(" · ")[-1]


def test_a_resolved_card_decides_nothing_and_says_how() -> None:
    ended = incident(
        phase=Phase.RESOLVED,
        resolved_at=START + timedelta(seconds=41),
        resolution="recovered",
    )
    drawn = card(ended, [proposal(State.DONE)])
    assert {"Approve", "Reject", "Propose again"}.isdisjoint(labels(drawn))
    assert "It helped" in labels(drawn)
    assert "*Resolved* after 41 s: recovered" in said(drawn)
    assert "It ended." in said(drawn)


def test_a_lock_screen_says_what_is_asked() -> None:
    text = card(incident(), [proposal()], mentions=(ALICE,)).text
    assert text.startswith(f"<@{ALICE}> Critical: CPU 98 % on web-1.")
    assert "Approve or reject 12a: Terminate" in text


def test_requested_and_second_approvals_are_named() -> None:
    shown = proposal(needed=2, requested_by="U2", votes=(Voter(id=ALICE),))
    text = said(card(incident(), [shown]))
    assert f"2 approvers needed" in text  # noqa: F541
    assert f"approved by <@{ALICE}>" in text
    assert "asked for by <@U2>, so somebody else approves" in text


def test_other_candidates_are_in_the_menu() -> None:
    others = [
        proposal(id=f"web-1~abc123~{n:016d}", letter=letter, action=action)
        for n, (letter, action) in enumerate(
            zip("abcd", itertools.cycle((terminate(), LOWER, PAUSE)), strict=False)
        )
    ]
    drawn = card(incident(offered=others[0].id), others)
    row = next(b for b in drawn.blocks if "elements" in b)
    menu = row["elements"][-1]  # type: ignore[index]
    assert [o["text"]["text"] for o in menu["options"]] == [
        "Instead: lower priority (b)",
        "Mute for 1 h",
        "Escalate",
        "False alarm",
        "Expected work: how to declare it",
    ]


@pytest.mark.parametrize(("shown", "offered"), [(0, "b"), (1, "c"), (2, "d"), (3, "a")])
def test_choosing_again_and_again_leads_through_all(shown: int, offered: str) -> None:
    made = [
        proposal(id=f"web-1~abc123~{n:016d}", letter=letter)
        for n, letter in enumerate("abcd")
    ]
    drawn = menu(made, made[shown])
    first = drawn["options"][0]["text"]["text"]  # type: ignore[index]
    assert first.endswith(f"({offered})")


def test_a_card_is_found_again_by_its_id() -> None:
    drawn = card(incident(), [])
    assert drawn.blocks[-1]["block_id"] == card_id(incident())
    assert card_in(list(drawn.blocks)) == card_id(incident())
    assert numbered(card_id(incident())) == incident().number


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {},
        "card:1:1.0",
        [None, {}, {"block_id": 7}],
        [{"block_id": "card:1:"}],
        [{"block_id": "card:²:1.0"}],
        [{"block_id": "card:1:1.0;"}],
        [{"block_id": f"card:{'9' * 30}:1.0"}],
    ],
)
def test_odd_blocks_are_no_card(odd: object) -> None:
    assert card_in(odd) == ""


# --- the thread ----------------------------------------------------------------------


def sealed(kind: str, **changes: object) -> Sealed:
    event = Event(kind=kind, text="approved 12a", at=START, incident=12, actor=ALICE)
    return Sealed(seq=7, event=replace(event, **changes), hash="e" * 64)  # type: ignore[arg-type]


KINDS = sorted({*thread._MARKS, *thread.WAKES, *thread.CARD_TELLS, "something.new"})


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_is_taken_by_slack(kind: str) -> None:
    is_taken(thread.line(sealed(kind, text=EVIL), mentions=(ALICE,)))


def test_a_line_says_who_and_proves_it() -> None:
    drawn = thread.line(sealed("proposal.approved", action_hash="d" * 64))
    assert drawn.text == f"✅ <@{ALICE}> approved 12a"
    assert "event 7 · action dddddddd" in said(drawn)


def test_an_end_carries_the_ledgers_head() -> None:
    drawn = thread.line(sealed("incident.resolved", actor=None))
    assert f"ledger head 7:{'e' * 64}" in said(drawn)


def test_a_line_is_found_again_by_its_id() -> None:
    entry = sealed("x")
    assert thread.line(entry).blocks[-1]["block_id"] == thread.line_id(entry)


def test_evidence_is_taken_by_slack_and_cited_by_id() -> None:
    drawn = thread.evidence(evil_incident(), sealed("evidence.gathered"))
    is_taken(drawn)
    assert "*E1 · " in said(drawn)


def test_a_lot_of_long_evidence_shares_one_message() -> None:
    long = EvidenceItem(id="E1", title="&" * 900, text="x" * 9000)
    drawn = thread.evidence(
        incident(evidence=(long,) * 30), sealed("evidence.gathered")
    )
    is_taken(drawn)
    assert kinds(drawn).count("rich_text") == 12


def test_the_head_is_one_line() -> None:
    drawn = thread.ledger_head(Head(seq=7, hash="e" * 64))
    is_taken(drawn)
    assert drawn.text == f"Ledger head 7:{'e' * 64}"


# --- answers, dialogs, home ----------------------------------------------------------


_AMONG_TWO = Standing(
    me=EVIL[:90], leads=False, leader=Leader(name=EVIL[:90], since=START, term=2)
)


def board(**changes: object) -> Board:
    host = HostHealth(host=EVIL[:60], level=Level.CRITICAL, findings=(finding(),) * 3)
    item = OpenIncident(
        incident=replace(evil_incident(), title=EVIL[:200], owner=ALICE),
        permalink="https://x.slack.com/p1",
        waiting=(proposal(),),
    )
    made = Board(
        at=START,
        hosts=(host,),
        open=(item,) * 25,
        lock=Locked(by=ALICE, at=START, why=EVIL[:300]),
        quiet=tuple(
            Quiet(target=f"web-{n}", until=START, by="U1", why=EVIL * (n % 2))
            for n in range(20)
        ),
        untold={f"temperature{n}": EVIL for n in range(30)},
        learning=EVIL,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("leads", "leader", "was_me", "says"),
    [
        (True, "web-1 (pid 1)", True, "leads since .* and answers here"),
        (False, "web-1 (pid 2)", False, r"web-1 \(pid 1\) answers here and follows"),
        # In containers of one name two bots may be pid 1.
        (False, "web-1 (pid 1)", False, r"web-1 \(pid 1\) answers here and follows"),
        (False, "web-1 (pid 1)", True, "has lost the lead"),
        (False, None, False, "no bot leads yet"),
    ],
)
def test_the_board_says_who_of_several_bots_leads(
    *, leads: bool, leader: str | None, was_me: bool, says: str
) -> None:
    led = Leader(name=leader, since=START, term=3) if leader else None
    standing = Standing(me="web-1 (pid 1)", leads=leads, leader=led, was_me=was_me)
    drawn = answers.board(board(standing=standing))
    assert re.search(says, "\n".join(map(str, drawn.blocks)))


def test_every_answer_is_taken_by_slack() -> None:
    rehearsed = Simulation(
        proposal=proposal(),
        action=EVIL,
        consequence=EVIL,
        facts=tuple(Fact(label="f", value=EVIL) for _ in range(12)),
        verdict=EVIL[:200],
    )
    for answer in (
        answers.plain("x"),
        answers.refused(EVIL[:300], by=ALICE, who_may=(ALICE, "S1")),
        answers.rejected(proposal(State.REJECTED)),
        answers.board(board()),
        answers.board(board(hosts=(), open=(), lock=None, quiet=())),
        answers.board(board(unseen=EVIL[:200])),
        answers.board(board(standing=_AMONG_TWO)),
        answers.incident_list([replace(evil_incident(), title="t" * 150)] * 40),
        answers.incident_list([]),
        answers.simulation(rehearsed),
        answers.simulation(replace(rehearsed, facts=())),
        answers.help_text("/sre", VERBS),
    ):
        is_taken(answer)


def test_a_refusal_says_who_did_and_who_may() -> None:
    answer = answers.refused("it is approved", by="U2", who_may=(ALICE,))
    assert answer.text == (
        f"Nothing was done: it is approved (by <@U2>). Who may: <@{ALICE}>."
    )


def test_every_dialog_is_taken_by_slack() -> None:
    for shown in (proposal(), proposal(action=PAUSE)):
        check_view(dialogs.approve(evil_incident(), shown))
        check_view(dialogs.approve(incident(), shown))
        check_view(dialogs.say_why(shown))


def test_the_dialog_shows_what_the_card_shows() -> None:
    shown = proposal()
    dialog = "\n".join(texts(dialogs.approve(incident(), shown)["blocks"]))
    drawn = said(card(incident(), [shown]))
    for words in ("Terminate python3.11 burn.py (pid 4242)", "ffffffff", "98 %"):
        assert words in dialog
        assert words in drawn


def test_home_is_taken_by_slack_and_never_decides() -> None:
    settings = {"Host": EVIL[:60], "Detectors": "cpu"}
    for approver in (True, False):
        view = home(
            board(),
            whole(EVIL),
            person=ALICE,
            is_approver=approver,
            configuration=settings,
        )
        check_view(view)
        assert "approve" not in str(
            [b for b in view["blocks"] if b["type"] == "actions"]
        )  # type: ignore[attr-defined]
    check_view(refused(EVIL))


def test_a_suggested_limit_keeps_its_columns() -> None:
    event = Event(
        kind="limit.suggested", text="Three false alarms.\n-  a: 1\n+  a: 2", at=START
    )
    drawn = thread.line(Sealed(seq=1, event=event, hash="f" * 64))
    assert [b["type"] for b in drawn.blocks] == ["section", "rich_text", "context"]
    assert "-  a: 1\n+  a: 2" in drawn.blocks[1]["elements"][0]["elements"][0]["text"]
