"""Who decided what, once: on both databases, with both clocks."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete

from bot.storage.database import Database, connect
from remediation.action import digest
from remediation.ledger import audit, lock
from remediation.ledger.decision import NotClaimable, NotDecided
from remediation.ledger.ledger import Approval, Ledger, _letter
from remediation.ledger.proposal import State
from remediation.ledger.tables import head
from remediation.outcome import Outcome, Result, Seen
from tests.fakes.clock import FakeClock
from tests.fakes.things import identity, terminate
from tests.remediation.ledger.decisions import (
    ALICE,
    BOB,
    COOLDOWN,
    DONE,
    LEDGER,
    ME,
    TTL,
    approved,
    as_it_is,
    claimed,
    draft,
    finished,
    proposed,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


# --- proposing -----------------------------------------------------------------------


def test_a_proposal_comes_back_as_it_was_written(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now(), draft(requested_by=BOB, needed=2))
    found = as_it_is(database, made)
    assert found == made
    assert found.action == terminate()
    assert found.digest == digest(terminate())
    assert (found.state, found.needed, found.requested_by) == (State.PENDING, 2, BOB)
    assert found.expires == clock.now().after(TTL)


def test_letters_go_on_behind_z(database: Database, clock: FakeClock) -> None:
    with database.write() as tx:
        for _ in range(28):
            LEDGER.propose(tx, draft(), now=clock.now())
        letters = [p.letter for p in LEDGER.of(tx, 12)]
    assert letters[:2] + letters[24:] == ["a", "b", "y", "z", "aa", "ab"]


def test_letters_count_like_columns_of_a_sheet() -> None:
    assert [_letter(n) for n in (0, 25, 26, 51, 52, 701, 702)] == [
        "a",
        "z",
        "aa",
        "az",
        "ba",
        "zz",
        "aaa",
    ]


def test_an_ended_proposal_keeps_its_letter(
    database: Database, clock: FakeClock
) -> None:
    proposed(database, clock.now())
    with database.write() as tx:
        LEDGER.supersede(tx, 12, now=clock.now())
    assert proposed(database, clock.now()).letter == "b"


def test_each_incident_has_letters_of_its_own(
    database: Database, clock: FakeClock
) -> None:
    proposed(database, clock.now())
    assert proposed(database, clock.now(), draft(incident=13)).letter == "a"


def test_an_unknown_id_is_not_decided(database: Database, clock: FakeClock) -> None:
    with database.write() as tx, pytest.raises(NotDecided, match="not known here"):
        LEDGER.approve(tx, "web-1~abc123~nothing", by=ALICE, now=clock.now())


# --- voting --------------------------------------------------------------------------


def test_one_vote_approves_where_one_is_needed(
    database: Database, clock: FakeClock
) -> None:
    found = approved(database, clock.now())
    assert found.state is State.APPROVED
    assert (found.decided_by, found.decided_at) == (ALICE, clock.wall)
    assert found.voters == (ALICE,)


def test_the_first_of_two_votes_leaves_it_pending(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now(), draft(needed=2))
    with database.write() as tx:
        decided = LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())
    assert decided.missing == 1
    assert decided.proposal.state is State.PENDING
    assert decided.proposal.decided_by is None


def test_two_different_people_approve_together(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now(), draft(needed=2))
    with database.write() as tx:
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())
        clock.go(5)
        decided = LEDGER.approve(tx, made.id, by=BOB, now=clock.now())
    assert decided.missing == 0
    assert decided.proposal.state is State.APPROVED
    assert decided.proposal.voters == (ALICE, BOB)
    assert decided.proposal.decided_by == BOB


def test_the_same_person_counts_once(database: Database, clock: FakeClock) -> None:
    made = proposed(database, clock.now(), draft(needed=2))
    with database.write() as tx:
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())
    with database.write() as tx, pytest.raises(NotDecided, match="counts already"):
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())
    assert as_it_is(database, made).voters == (ALICE,)


def test_a_second_click_on_an_approved_one_is_refused_with_the_name(
    database: Database, clock: FakeClock
) -> None:
    made = approved(database, clock.now())
    with database.write() as tx, pytest.raises(NotDecided, match="already") as refusal:
        LEDGER.approve(tx, made.id, by=BOB, now=clock.now())
    assert refusal.value.by == ALICE


def test_ones_own_second_click_on_an_approved_one_asks_for_nobody(
    database: Database, clock: FakeClock
) -> None:
    made = approved(database, clock.now())
    with database.write() as tx, pytest.raises(NotDecided, match="already approved"):
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())


def test_whoever_asked_cannot_approve(database: Database, clock: FakeClock) -> None:
    made = proposed(database, clock.now(), draft(requested_by=ALICE))
    with database.write() as tx, pytest.raises(NotDecided, match="somebody else"):
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())
    assert as_it_is(database, made).state is State.PENDING


def test_a_vote_for_one_ends_the_other_candidates(
    database: Database, clock: FakeClock
) -> None:
    first = proposed(database, clock.now())
    approved(database, clock.now())
    assert as_it_is(database, first).state is State.SUPERSEDED


def test_a_vote_leaves_other_incidents_alone(
    database: Database, clock: FakeClock
) -> None:
    other = proposed(database, clock.now(), draft(incident=13))
    approved(database, clock.now())
    assert as_it_is(database, other).state is State.PENDING


def test_a_locked_bot_counts_no_vote(database: Database, clock: FakeClock) -> None:
    made = proposed(database, clock.now())
    with database.write() as tx:
        lock.set_lock(tx, by=BOB, why="odd", at=clock.wall)
    with database.write() as tx, pytest.raises(NotDecided, match="odd") as refusal:
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())
    assert refusal.value.by == BOB
    assert as_it_is(database, made).voters == ()


def test_of_many_votes_at_once_one_decides(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now())
    counted: list[str] = []

    def vote(person: str) -> None:
        try:
            with database.write() as tx:
                LEDGER.approve(tx, made.id, by=person, now=clock.now())
        except NotDecided:
            return
        counted.append(person)

    threads = [threading.Thread(target=vote, args=(f"U{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert as_it_is(database, made).voters == tuple(counted)
    assert len(counted) == 1


# --- time ----------------------------------------------------------------------------


def test_a_vote_at_the_last_moment_counts(database: Database, clock: FakeClock) -> None:
    made = proposed(database, clock.now())
    clock.go(TTL.total_seconds() - 0.001)
    with database.write() as tx:
        decided = LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())
    assert decided.proposal.state is State.APPROVED


def test_a_vote_at_the_deadline_is_too_late(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now())
    clock.go(TTL.total_seconds())
    with database.write() as tx, pytest.raises(NotDecided, match="expired"):
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())


def test_a_wall_clock_set_back_prolongs_nothing(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now())
    clock.go(TTL.total_seconds() + 1)
    clock.set_wall_back(7200)
    with database.write() as tx, pytest.raises(NotDecided, match="expired"):
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())


def test_a_wall_clock_set_forward_expires_too(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now())
    clock.set_wall_back(-TTL.total_seconds())
    with database.write() as tx, pytest.raises(NotDecided, match="expired"):
        LEDGER.reject(tx, made.id, by=ALICE, why="", now=clock.now())


def test_boot_seconds_of_another_boot_are_not_compared(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now())
    clock.boot_id, clock.boot = "another-boot", 10.0**9
    with database.write() as tx:
        decided = LEDGER.reject(tx, made.id, by=ALICE, why="", now=clock.now())
    assert decided.proposal.state is State.REJECTED


def test_expire_ends_the_pending_and_the_unclaimed(
    database: Database, clock: FakeClock
) -> None:
    waiting = proposed(database, clock.now(), draft(incident=13))
    unclaimed = approved(database, clock.now())
    clock.go(TTL.total_seconds())
    with database.write() as tx:
        ended = LEDGER.expire(tx, now=clock.now())
    assert {p.id for p in ended} == {waiting.id, unclaimed.id}
    assert {p.state for p in ended} == {State.EXPIRED}


def test_expire_leaves_what_is_being_done(database: Database, clock: FakeClock) -> None:
    made = approved(database, clock.now())
    claimed(database, made, clock.now())
    clock.go(TTL.total_seconds())
    with database.write() as tx:
        assert LEDGER.overdue(tx, now=clock.now()) == 0
        assert LEDGER.expire(tx, now=clock.now()) == []
    assert as_it_is(database, made).state is State.EXECUTING


def test_overdue_counts_what_expire_would_end(
    database: Database, clock: FakeClock
) -> None:
    proposed(database, clock.now())
    with database.read() as tx:
        before = LEDGER.overdue(tx, now=clock.now())
        after = LEDGER.overdue(tx, now=clock.now().after(TTL))
    assert (before, after) == (0, 1)


def test_an_expired_one_says_that_it_was_not_rejected(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now())
    clock.go(TTL.total_seconds())
    with database.write() as tx:
        LEDGER.expire(tx, now=clock.now())
    with database.write() as tx, pytest.raises(NotDecided, match="was not rejected"):
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())


# --- rejecting -----------------------------------------------------------------------


def test_one_rejection_suffices_where_two_approvals_are_needed(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now(), draft(needed=2))
    with database.write() as tx:
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())
        found = LEDGER.reject(tx, made.id, by=BOB, why="no", now=clock.now()).proposal
    assert (found.state, found.decided_by, found.note) == (State.REJECTED, BOB, "no")


def test_a_rejection_leaves_the_other_candidates(
    database: Database, clock: FakeClock
) -> None:
    first, second = proposed(database, clock.now()), proposed(database, clock.now())
    with database.write() as tx:
        LEDGER.reject(tx, first.id, by=BOB, why="", now=clock.now())
    assert as_it_is(database, second).state is State.PENDING


def test_a_locked_bot_may_still_be_told_no(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now())
    with database.write() as tx:
        lock.set_lock(tx, by=BOB, why="odd", at=clock.wall)
        found = LEDGER.reject(tx, made.id, by=BOB, why="", now=clock.now())
    assert found.proposal.state is State.REJECTED


def test_what_is_approved_cannot_be_rejected(
    database: Database, clock: FakeClock
) -> None:
    made = approved(database, clock.now())
    with database.write() as tx, pytest.raises(NotDecided, match="already approved"):
        LEDGER.reject(tx, made.id, by=BOB, why="", now=clock.now())


def test_what_was_rejected_is_not_approved_any_more(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now())
    with database.write() as tx:
        LEDGER.reject(tx, made.id, by=BOB, why="", now=clock.now())
    with database.write() as tx, pytest.raises(NotDecided, match="rejected") as refusal:
        LEDGER.approve(tx, made.id, by=ALICE, now=clock.now())
    assert refusal.value.by == BOB


def test_whoever_rejected_may_say_why_once(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now())
    with database.write() as tx:
        LEDGER.reject(tx, made.id, by=BOB, why="", now=clock.now())
        said = [
            LEDGER.note(tx, made.id, by=person, why="the nightly batch")
            for person in (ALICE, BOB, BOB)
        ]
    assert said == [False, True, False]
    assert as_it_is(database, made).note == "the nightly batch"


# --- claiming ------------------------------------------------------------------------


def test_only_the_ledger_makes_an_approval(
    database: Database, clock: FakeClock
) -> None:
    made = approved(database, clock.now())
    with pytest.raises(TypeError, match="only"):
        Approval(proposal=made, approvers=(ALICE,), seal=object())


def test_a_claim_gives_the_right_to_do_exactly_this(
    database: Database, clock: FakeClock
) -> None:
    made = approved(database, clock.now())
    approval = claimed(database, made, clock.now())
    assert approval.approvers == (ALICE,)
    assert approval.proposal.state is State.EXECUTING
    assert approval.proposal.claimed_by == ME
    assert approval.proposal.action == made.action


def test_an_approval_does_not_show_its_seal(
    database: Database, clock: FakeClock
) -> None:
    approval = claimed(database, approved(database, clock.now()), clock.now())
    assert "seal" not in repr(approval)


def test_what_is_pending_cannot_be_claimed(
    database: Database, clock: FakeClock
) -> None:
    made = proposed(database, clock.now())
    with pytest.raises(NotClaimable) as refusal:
        claimed(database, made, clock.now())
    assert not refusal.value.final


def test_a_second_claim_gets_nothing(database: Database, clock: FakeClock) -> None:
    made = approved(database, clock.now())
    claimed(database, made, clock.now())
    with pytest.raises(NotClaimable) as refusal:
        claimed(database, made, clock.now())
    assert not refusal.value.final


def test_another_boot_claims_nothing_ever(database: Database, clock: FakeClock) -> None:
    made = approved(database, clock.now())
    clock.boot_id = "another-boot"
    with pytest.raises(NotClaimable, match="another host or boot") as refusal:
        claimed(database, made, clock.now())
    assert refusal.value.final


def test_an_approval_that_expired_is_claimed_by_nobody(
    database: Database, clock: FakeClock
) -> None:
    made = approved(database, clock.now())
    clock.go(TTL.total_seconds())
    with pytest.raises(NotClaimable, match="expired") as refusal:
        claimed(database, made, clock.now())
    assert refusal.value.final


def test_a_lock_after_the_approval_stops_the_claim(
    database: Database, clock: FakeClock
) -> None:
    made = approved(database, clock.now())
    with database.write() as tx:
        lock.set_lock(tx, by=BOB, why="odd", at=clock.wall)
    with pytest.raises(NotClaimable, match="locked") as refusal:
        claimed(database, made, clock.now())
    assert refusal.value.final


def test_one_action_at_a_time_on_a_host(database: Database, clock: FakeClock) -> None:
    claimed(database, approved(database, clock.now()), clock.now())
    other = terminate(process=identity(77), label="other")
    second = approved(database, clock.now(), draft(other, incident=13))
    with pytest.raises(NotClaimable, match="under way") as refusal:
        claimed(database, second, clock.now())
    assert not refusal.value.final


def test_the_next_action_starts_when_the_first_has_ended(
    database: Database, clock: FakeClock
) -> None:
    finished(database, clock.now())
    other = terminate(process=identity(77), label="other")
    second = approved(database, clock.now(), draft(other, incident=13))
    assert claimed(database, second, clock.now())


def test_the_same_target_has_quiet_time(database: Database, clock: FakeClock) -> None:
    finished(database, clock.now())
    clock.go(COOLDOWN.total_seconds() - 1)
    again = approved(database, clock.now())
    with pytest.raises(NotClaimable, match="short while ago") as refusal:
        claimed(database, again, clock.now())
    assert refusal.value.final


def test_quiet_time_ends(database: Database, clock: FakeClock) -> None:
    finished(database, clock.now())
    clock.go(COOLDOWN.total_seconds())
    assert claimed(database, approved(database, clock.now()), clock.now())


def test_a_host_takes_no_more_actions_than_the_cap(
    database: Database, clock: FakeClock
) -> None:
    for number in range(3):
        other = terminate(process=identity(77 + number), label=f"other {number}")
        finished(database, clock.now(), draft(other))
    last = approved(database, clock.now())
    with pytest.raises(NotClaimable, match="within the hour") as refusal:
        claimed(database, last, clock.now())
    assert refusal.value.final


def test_the_cap_counts_the_last_hour_only(
    database: Database, clock: FakeClock
) -> None:
    for number in range(3):
        other = terminate(process=identity(77 + number), label=f"other {number}")
        finished(database, clock.now(), draft(other))
    clock.go(3600)
    assert claimed(database, approved(database, clock.now()), clock.now())


def test_of_many_executors_one_claims(database: Database, clock: FakeClock) -> None:
    made = approved(database, clock.now())
    won: list[str] = []

    def claim(name: str) -> None:
        try:
            with database.write() as tx:
                LEDGER.claim(tx, made.id, claimant=name, now=clock.now())
        except NotClaimable:
            return
        won.append(name)

    threads = [threading.Thread(target=claim, args=(f"b/{n}/1",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [as_it_is(database, made).claimed_by] == won


# --- ending --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (Result.DONE, State.DONE),
        (Result.FAILED, State.FAILED),
        (Result.REFUSED, State.REFUSED),
        (Result.INTERRUPTED, State.INTERRUPTED),
    ],
)
def test_the_outcome_names_the_state(
    database: Database, clock: FakeClock, result: Result, state: State
) -> None:
    made = approved(database, clock.now())
    claimed(database, made, clock.now())
    outcome = Outcome(result=result, seen=Seen.ALIVE, summary="…", undo_nice=3)
    with database.write() as tx:
        assert LEDGER.finish(tx, made.id, outcome)
    found = as_it_is(database, made)
    assert (found.state, found.outcome) == (state, outcome)


def test_what_has_ended_ends_once(database: Database, clock: FakeClock) -> None:
    made = finished(database, clock.now())
    with database.write() as tx:
        failed = Outcome(result=Result.FAILED, seen=Seen.ALIVE, summary="no")
        assert not LEDGER.finish(tx, made.id, failed)
    assert as_it_is(database, made).outcome == DONE


def test_an_approved_one_can_be_refused_without_a_claim(
    database: Database, clock: FakeClock
) -> None:
    made = approved(database, clock.now())
    refused = Outcome(result=Result.REFUSED, seen=Seen.UNKNOWN, summary="cap")
    with database.write() as tx:
        assert LEDGER.refuse(tx, made.id, refused)
        assert not LEDGER.refuse(tx, made.id, refused)
    assert as_it_is(database, made).state is State.REFUSED


def test_supersede_ends_what_is_pending_and_says_what(
    database: Database, clock: FakeClock
) -> None:
    first, second = proposed(database, clock.now()), proposed(database, clock.now())
    with database.write() as tx:
        LEDGER.reject(tx, first.id, by=BOB, why="", now=clock.now())
        ended = LEDGER.supersede(tx, 12, now=clock.now())
    assert [p.id for p in ended] == [second.id]
    assert as_it_is(database, first).state is State.REJECTED
    assert as_it_is(database, second).state is State.SUPERSEDED


def test_in_state_lists_the_oldest_decision_first(
    database: Database, clock: FakeClock
) -> None:
    late = proposed(database, clock.now(), draft(incident=13))
    early = approved(database, clock.now())
    clock.go(1)
    with database.write() as tx:
        LEDGER.approve(tx, late.id, by=BOB, now=clock.now())
        found = LEDGER.in_state(tx, State.APPROVED)
    assert [p.id for p in found] == [early.id, late.id]


# --- the chain -----------------------------------------------------------------------


def test_without_the_chains_head_nothing_is_proposed(
    database: Database, clock: FakeClock
) -> None:

    with database.write() as tx:
        tx.execute(delete(head))
    with database.write() as tx, pytest.raises(audit.ChainMissing):
        LEDGER.propose(tx, draft(), now=clock.now())


def test_an_id_names_its_instance() -> None:
    assert Ledger(instance="db~1", caps=LEDGER._caps).instance == "db~1"


def test_an_undo_is_not_held_by_the_quiet_time_of_what_it_undoes(
    database: Database, clock: FakeClock
) -> None:
    from remediation.action import Pause, Resume

    pause = Pause(
        host="web-1",
        process=identity(),
        label="python3.11 burn.py",
        duration=timedelta(minutes=10),
    )
    finished(database, clock.now(), draft(pause))
    clock.go(5)
    resume = Resume(host="web-1", process=identity(), label="python3.11 burn.py")
    made = approved(database, clock.now(), draft(resume, rule="undo"))
    assert claimed(database, made, clock.now()).proposal.state is State.EXECUTING


def test_two_sweeps_at_once_end_a_proposal_once(
    database: Database, clock: FakeClock
) -> None:
    proposed(database, clock.now())
    clock.go(TTL.total_seconds())
    begun, ended = threading.Event(), []
    # Another process: within one, writers queue before they look.
    elsewhere = connect(database.engine.url.render_as_string(hide_password=False))

    def sweep() -> None:
        begun.set()
        with elsewhere.write() as tx:
            ended.append(LEDGER.expire(tx, now=clock.now()))

    other = threading.Thread(target=sweep)
    with database.write() as tx:
        audit.serialize(tx)
        other.start()
        begun.wait()
        other.join(0.3)
        first = LEDGER.expire(tx, now=clock.now())
    other.join()
    elsewhere.close()
    assert (len(first), ended) == (1, [[]])
