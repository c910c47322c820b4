"""Approving alone: who may, what it lifts, and that it lifts nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.storage.database import Database
from remediation.ledger import lock
from remediation.ledger.decision import NotClaimable, NotDecided
from remediation.ledger.leases import Caps
from remediation.ledger.ledger import Ledger
from remediation.ledger.proposal import State
from remediation.rules.asked import Asked, Subject
from remediation.rules.rule import Circle, Rule, Voter
from remediation.rules.rulebook import RuleBook
from remediation.rules.verdict import Refusal
from tests.fakes.clock import FakeClock
from tests.remediation.ledger.decisions import ALICE, BOB, LEDGER, ME, as_it_is, draft

WHY = "the others do not answer"
AT = datetime(2026, 11, 21, 3, tzinfo=UTC)
ASKED = Asked(kind="terminate", host="web-1", subjects=(Subject(exe="/usr/bin/x"),))
CAPS = Caps(cooldown=timedelta(0), per_hour=9)
MAY = RuleBook(break_glass=Circle(users=frozenset({ALICE})))
DENY = Rule(name="never", deny=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def ledger(book: RuleBook = MAY) -> Ledger:
    return Ledger(instance=LEDGER.instance, caps=CAPS, book=book)


def test_one_who_may_approves_alone_what_needs_two(
    database: Database, clock: FakeClock
) -> None:
    book = ledger()
    with database.write() as tx:
        made = book.propose(tx, draft(needed=2), now=clock.now())
        decided = book.approve(tx, made.id, by=ALICE, glass=WHY, now=clock.now())
    assert (decided.proposal.state, decided.missing) == (State.APPROVED, 0)
    assert decided.proposal.votes == (Voter(id=ALICE, broke_glass=True),)
    with database.write() as tx:
        assert book.claim(tx, made.id, claimant=ME, now=clock.now()).approvers == (
            ALICE,
        )


def test_an_earlier_vote_becomes_the_one_that_stands_alone(
    database: Database, clock: FakeClock
) -> None:
    book = ledger()
    with database.write() as tx:
        made = book.propose(tx, draft(needed=3), now=clock.now())
        assert book.approve(tx, made.id, by=ALICE, now=clock.now()).missing == 2
        decided = book.approve(tx, made.id, by=ALICE, glass=WHY, now=clock.now())
    assert decided.proposal.voters == (ALICE,)
    assert decided.proposal.state is State.APPROVED


@pytest.mark.parametrize(
    ("book", "by", "changes", "why"),
    [
        (MAY, BOB, {"needed": 2}, "policy.break_glass"),
        (RuleBook(), ALICE, {"needed": 2}, "policy.break_glass"),
        (MAY, ALICE, {"needed": 2, "requested_by": ALICE}, "you asked for this"),
        (MAY, ALICE, {"needed": 1}, "one approval is enough"),
        (replace(MAY, rules=(DENY,)), ALICE, {"needed": 2}, "policy.rules.never"),
        (
            replace(
                MAY,
                rules=(Rule(name="dba", approvers=Circle(users=frozenset({BOB}))),),
            ),
            ALICE,
            {"needed": 2},
            "policy.rules.dba",
        ),
    ],
)
def test_it_lifts_the_number_and_nothing_else(
    database: Database,
    clock: FakeClock,
    book: RuleBook,
    by: str,
    changes: dict[str, object],
    why: str,
) -> None:
    with database.write() as tx:
        made = LEDGER.propose(tx, draft(**changes), now=clock.now())
    with pytest.raises(NotDecided, match=why), database.write() as tx:
        ledger(book).approve(tx, made.id, by=by, glass=WHY, now=clock.now())
    found = as_it_is(database, made)
    assert (found.state, found.votes) == (State.PENDING, ())


def test_a_refused_glass_leaves_the_earlier_vote(
    database: Database, clock: FakeClock
) -> None:
    with database.write() as tx:
        made = LEDGER.propose(tx, draft(needed=2), now=clock.now())
        LEDGER.approve(tx, made.id, by=BOB, now=clock.now())
    with pytest.raises(NotDecided), database.write() as tx:
        ledger().approve(tx, made.id, by=BOB, glass=WHY, now=clock.now())
    assert as_it_is(database, made).votes == (Voter(id=BOB),)


def test_a_locked_bot_has_no_glass(database: Database, clock: FakeClock) -> None:
    with database.write() as tx:
        made = LEDGER.propose(tx, draft(needed=2), now=clock.now())
        lock.set_lock(tx, by=BOB, why="stop", at=clock.now().wall)
    with pytest.raises(NotDecided, match="locked"), database.write() as tx:
        ledger().approve(tx, made.id, by=ALICE, glass=WHY, now=clock.now())


def test_a_glass_that_was_taken_back_counts_no_more(
    database: Database, clock: FakeClock
) -> None:
    with database.write() as tx:
        made = LEDGER.propose(tx, draft(needed=2), now=clock.now())
        ledger().approve(tx, made.id, by=ALICE, glass=WHY, now=clock.now())
    with pytest.raises(NotClaimable, match="2 approvals"), database.write() as tx:
        ledger(RuleBook()).claim(tx, made.id, claimant=ME, now=clock.now())


PEOPLE = ("U1", "U2", "U3")
CIRCLES = st.builds(Circle, users=st.frozensets(st.sampled_from(PEOPLE)))
RULES = st.lists(
    st.builds(
        Rule,
        name=st.sampled_from(("a", "b", "c")),
        deny=st.booleans(),
        reversible=st.sampled_from((None, True, False)),
        approvals=st.integers(1, 3),
        approvers=st.none() | CIRCLES,
    ),
    max_size=3,
)
VOTES = st.lists(
    st.builds(Voter, id=st.sampled_from(PEOPLE), broke_glass=st.booleans()),
    max_size=3,
    unique_by=lambda vote: vote.id,
)


@given(RULES, CIRCLES, VOTES, st.integers(1, 3))
def test_what_a_glass_lets_through_was_only_short_of_people(
    rules: list[Rule], glass: Circle, votes: list[Voter], least: int
) -> None:
    book = RuleBook(rules=tuple(rules), break_glass=glass)
    plain = [replace(vote, broke_glass=False) for vote in votes]
    if book.refuse(ASKED, votes, AT, least=least) is not None:
        return
    if book.refuse(ASKED, plain, AT, least=least) is None:
        return
    terms = book.judge(ASKED, AT)
    assert not isinstance(terms, Refusal)
    alone = [vote for vote in votes if vote.broke_glass and glass.has(vote)]
    assert any(terms.refuse_voter(vote) is None for vote in alone)
