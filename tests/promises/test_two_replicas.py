"""Promises 5, 18 and 19: two bots on one PostgreSQL; one leads, both decide, either dies."""

import random
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handlers.workspace.people import ALICE, BOB, STRANGER
from tests.fakes.slack import whispered
from tests.promises.replicas import Pair, decided, instances, sleepers
from tests.scenarios.stage import (
    STUBBORN,
    card_of,
    thread_says,
    until,
    villain,
)
from tests.scenarios.test_alert_load import bodies, port_of, posted

pytestmark = [pytest.mark.promise(5, 18, 19), pytest.mark.timeout(300)]


def test_double_clicks_at_both_bots_act_once_for_each_card(
    calm: Pair, tmp_path: Path, *, full_counts: bool
) -> None:
    pair, count = calm, 10 if full_counts else 3
    pair.start()
    workspace, log = pair.workspace, tmp_path / "terms"
    with sleepers(count, log) as pids:
        for pid in pids:
            workspace.command(STRANGER.id, f"kill web-1:{pid}")
        cards = [card_of(workspace, pid, "Proposed action", 60) for pid in pids]

        def click(ts: str, who: str) -> int:
            try:
                return int(workspace.click(who, ts, "Approve").acked)
            except LookupError:  # the card was redrawn without its buttons before
                return 0

        sent = 0
        with ThreadPoolExecutor(10) as crowd:
            for card in cards:
                people = (ALICE.id, ALICE.id, BOB.id, BOB.id) * 2 + (ALICE.id, ALICE.id)
                sent += sum(crowd.map(lambda who, ts=card.ts: click(ts, who), people))
        until(lambda: log.exists() and log.stat().st_size >= count, 60)
        told = pair.all_told()
    kinds = Counter(kind for (kind,) in pair.rows("SELECT kind FROM events"))
    at = [decided(bot) for bot in pair.bots]
    signals, twice = log.stat().st_size, pair.posted_twice()
    print(
        f"promises 5, 19: {count * 5} double clicks of two people, {sent} arrived, {at[0]} and "
        f"{at[1]} at the two bots: approvals {kinds['proposal.approved']}, executions "
        f"{kinds['action.started']}, signals {signals} on {count} cards; events told {told}, posted twice {twice}"
    )
    assert min(at) > 0
    assert kinds["proposal.approved"] == kinds["action.started"] == signals == count
    assert twice == 0


def test_a_storm_while_the_leader_is_killed_loses_nothing_and_tells_nothing_twice(
    calm: Pair,
) -> None:
    pair = calm
    pair.start()
    first, second = pair.leader(), pair.follower()
    ports = [port_of(bot) for bot in (first, second)]
    took: list[float] = []

    def kill() -> None:
        began = time.monotonic()
        first.crash()
        took.append(pair.led_after(second, began))

    killer = threading.Timer(2.0, kill)
    killer.start()
    taken = _storm(ports)
    killer.join()
    until(lambda: not pair.rows("SELECT 1 FROM inbox WHERE NOT is_seen"), 60)
    told = pair.all_told()
    kept = instances(pair.rows("SELECT body FROM inbox"))
    cards, twice = pair.cards(), pair.posted_twice()
    opened = pair.rows("SELECT 1 FROM events WHERE kind = 'incident.opened'")
    print(
        f"promise 19: leader killed in a storm: the other leads after {took[0]:.1f} s; "
        f"alerts taken {len(taken)}, lost {len(taken - kept)}; incidents {len(opened)}, "
        f"cards {len(cards)}, events told {told}, posted twice {twice}"
    )
    assert len(taken) == 600
    assert taken <= kept
    assert twice == 0
    assert len(cards) == len(opened)
    assert took[0] <= 5


def _storm(ports: list[int]) -> set[str]:
    """Tell both of them alerts for a few seconds; return what was taken."""
    taken: set[str] = set()
    for number, body in enumerate(bodies(120, 5)):
        # Whoever gets no answer from one of them tells the other.
        for port in (ports[number % 2], ports[1 - number % 2]):
            if posted(port, body) == 202:
                alerts = body["alerts"]
                assert isinstance(alerts, list)
                taken |= {alert["labels"]["instance"] for alert in alerts}
                break
        time.sleep(0.03)
    return taken


def test_leaders_that_die_one_after_the_other_post_each_thing_once(
    calm: Pair, tmp_path: Path, *, full_counts: bool
) -> None:
    pair, rounds = calm, 12 if full_counts else 2
    pair.start()
    seed = random.randrange(10_000)
    chance = random.Random(seed)
    took = []
    with sleepers(rounds, tmp_path / "terms") as pids:
        for pid in pids:
            first, second = pair.leader(), pair.follower()
            pair.workspace.command(STRANGER.id, f"kill web-1:{pid}")
            for person in (ALICE, BOB):
                pair.workspace.command(person.id, f"take {len(took) + 1}")
            time.sleep(chance.uniform(0.5, 4))
            began = time.monotonic()
            first.crash()
            took.append(pair.led_after(second, began))
            first.start(connected=False)
            until(lambda: pair.workspace.connections() == 2, 30)
        told = pair.all_told()
        cards, twice = pair.cards(), pair.posted_twice()
    lost = rounds - len(cards)
    print(
        f"promises 18, 19: {rounds} leaders killed while they posted (seed {seed}): the "
        f"other leads after {max(took):.1f} s at most; cards {len(cards)}, events told "
        f"{told}, lost {lost}, posted twice {twice}"
    )
    assert (lost, twice) == (0, 0)
    assert max(took) <= 5


def test_an_action_of_a_killed_bot_is_interrupted_by_the_other(pair: Pair) -> None:
    for bot in pair.bots:
        policy = bot.config["policy"]
        assert isinstance(policy, dict)
        policy["grace"] = "20s"
    pair.start()
    with villain(STUBBORN) as process:
        card = card_of(pair.workspace, process.pid, "Proposed action", 60)
        pair.workspace.click(ALICE.id, card.ts, "Approve")
        (claimed,) = until(
            lambda: pair.rows(
                "SELECT claimed_by FROM proposals WHERE state = 'executing'"
            )
        )
        acting = next(
            bot
            for bot in pair.bots
            if bot.process and f"/{bot.process.pid}/" in str(claimed[0])
        )
        acting.crash()
        told = thread_says(pair.workspace, card, "interrupted")
        assert process.poll() is None
    started = pair.rows("SELECT 1 FROM events WHERE kind = 'action.started'")
    print(f"promises 18, 19: the acting bot was killed: executions {len(started)}")
    assert "does not try again" in told
    assert len(started) == 1


def test_both_say_who_leads_and_are_ready(pair: Pair) -> None:
    pair.start()
    leader = pair.leader()
    assert leader.process is not None
    for _ in range(2):
        pair.workspace.command(ALICE.id, "status")
    words = f"pid {leader.process.pid}) leads since"
    follows = whispered(pair.workspace, ALICE.id, "and follows: it decides and acts")
    leads = whispered(pair.workspace, ALICE.id, "and answers here")
    assert words in follows
    assert words in leads
    for bot in pair.bots:
        for page in ("healthz", "readyz"):
            where = f"http://127.0.0.1:{port_of(bot)}/{page}"
            with urllib.request.urlopen(where, timeout=10) as answer:
                assert answer.status == 200


def test_what_one_bot_learnt_the_other_tells(pair: Pair) -> None:
    pair.start()
    with villain() as process:
        card = card_of(pair.workspace, process.pid, "Proposed action", 60)
        pair.workspace.click(ALICE.id, card.ts, "Approve")
        thread_says(pair.workspace, card, "Recovered")
    until(lambda: pair.rows("SELECT 1 FROM cases"), 30)
    pair.leader().crash()
    with villain() as process:
        card = card_of(pair.workspace, process.pid, "Last time", 90)
    assert pair.posted_twice() == 0
