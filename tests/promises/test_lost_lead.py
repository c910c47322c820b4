"""Promise 19: a leader that stands still, is cut off, or has no database leads no more."""

import time
from contextlib import suppress

import pytest

from handlers.workspace.people import ALICE, BOB, STRANGER
from tests.promises.replicas import Pair, control, go_on, sleepers, stop
from tests.scenarios.stage import card_of, thread_says, until, villain

pytestmark = [pytest.mark.promise(19), pytest.mark.timeout(300)]


def test_a_leader_that_stood_still_posts_nothing_when_it_wakes(pair: Pair) -> None:
    pair.start()
    first, second = pair.leader(), pair.follower()
    with villain() as process:
        card = card_of(pair.workspace, process.pid, "Proposed action", 60)
        began = time.monotonic()
        stop(first)
        try:
            took = pair.led_after(second, began)
            # Slack soon sends nothing more to a bot that does not answer.
            pair.workspace.disconnect()
            until(lambda: _is_approved(pair, card.ts, process.pid), 60)
            assert process.wait(20) == -15
        finally:
            go_on(first)
        until(lambda: "lead.lost leads=True" in first.log, 10)
        until(lambda: "lead.follows" in first.log, 10)
        thread_says(pair.workspace, card, "Recovered")
        pair.all_told()
    twice = pair.posted_twice()
    print(
        f"promise 19: a leader stood still: the other leads after {took:.1f} s; awake "
        f"again it follows, posted twice {twice}"
    )
    assert twice == 0
    assert pair.leader() is second


def _is_approved(pair: Pair, ts: str, pid: int) -> bool:
    """Click until a bot that is awake hears of it."""
    with suppress(LookupError):
        pair.workspace.click(BOB.id, ts, "Approve")
    this = f"action LIKE '%\"pid\":{pid},%'"
    return bool(pair.rows(f"SELECT 1 FROM proposals WHERE claimed_by <> '' AND {this}"))


def test_a_leader_that_loses_its_session_leads_no_more(pair: Pair) -> None:
    pair.start()
    first = pair.leader()
    term = pair.leader_row()
    held = "locktype = 'advisory' AND classid = 0 AND granted AND objid = 5334894"
    pair.rows(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {held}")
    until(lambda: "lead.lost leads=True" in first.log, 10)
    until(lambda: pair.leader_row() != term, 10)
    assert all(b.process is not None and b.process.poll() is None for b in pair.bots)
    with villain() as process:
        card_of(pair.workspace, process.pid, "Proposed action", 60)
        pair.all_told()
    twice = pair.posted_twice()
    print(
        f"promise 19: a leader cut off from the database leads no more: posted twice {twice}"
    )
    assert twice == 0


def test_without_the_database_nobody_leads_and_with_it_one_does(calm: Pair) -> None:
    pair = calm
    pair.start()
    first, term = pair.leader(), pair.leader_row()
    folder = str(pair.rows("SHOW data_directory")[0][0])
    control(folder, "-m", "immediate", "stop")
    until(lambda: "lead.lost leads=True" in first.log, 10)
    control(folder, "-w", "-l", f"{folder}/again", "start")
    began = time.monotonic()
    until(lambda: pair.leader_row() != term, 30)
    took = time.monotonic() - began
    with sleepers(1, pair.bots[0].folder / "terms") as (pid,):
        until(lambda: pair.workspace.command(STRANGER.id, f"kill web-1:{pid}").acked)
        card = card_of(pair.workspace, pid, "Proposed action", 60)
        until(lambda: pair.workspace.click(ALICE.id, card.ts, "Approve").acked)
        until((pair.bots[0].folder / "terms").exists, 20)
    pair.all_told()
    twice = pair.posted_twice()
    print(
        f"promise 19: the database crashed: nobody leads; one leads {took:.1f} s after it "
        f"is back; posted twice {twice}"
    )
    assert twice == 0
